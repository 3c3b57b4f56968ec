"""A lesion lands in the asked lung or nowhere: eight orientations, every source of them, both faces, one real film."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from orientation_cases import SIDES, cases, try_case
from pydicom.data import get_testdata_file

from monai_cars.chest_xray.anatomy import load_segmenter
from monai_cars.edits.axes import ORDERS, from_standard
from monai_cars.files.radiograph import read_radiograph

EVERY = list(cases())
TELLING = {
    "PatientOrientation",
    "EXIF in JPEG",
    "eXIf in PNG",
    "coronal affine",
    "affine of a picture",
    "PILReader, EXIF",
    "PydicomReader",
    "NibabelReader",
    "LoadRadiographd, flips and turns, metadata",
    "PILReader, flips and turns, metadata",
}


@dataclass(frozen=True)
class Looking:
    """A segmenter in no time: it knows the film however it lies, and calls the lung on the image's left the right."""

    film: torch.Tensor
    anatomy: torch.Tensor
    name: str = "looking"

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        likeness = {order: self._likeness(image, from_standard(self.film, order)) for order in ORDERS}
        order = max(likeness, key=lambda order: likeness[order])
        assert likeness[order] > 0.95
        masks = from_standard(self.anatomy, order).clone()
        right, left = (mask.nonzero()[:, 1].float().mean() for mask in masks[:2])
        return masks if right < left else masks[[1, 0, 2]]

    @staticmethod
    def _likeness(image: torch.Tensor, laid: torch.Tensor) -> float:
        if image.shape != laid.shape:
            return -1.0
        return float(np.corrcoef(image.flatten(), laid.flatten())[0, 1])


@pytest.fixture(scope="module")
def looking():
    image = read_radiograph(str(get_testdata_file("RG1_UNCR.dcm"))).image[:, ::6, ::6]
    low, high = np.percentile(image, [0.5, 99.5])
    film = (((image - low) / (high - low)).clamp(0, 1) * 255).to(torch.uint8)
    return Looking(film.float(), load_segmenter()(film.float()))


@pytest.mark.parametrize(("source", "face"), sorted({(case.source, case.face) for case in EVERY}))
def test_a_lesion_lands_in_the_asked_lung_or_nowhere(looking, source, face):
    became = {}
    film = looking.film[0].numpy().astype(np.uint8)
    for number, case in enumerate(case for case in EVERY if (case.source, case.face) == (source, face)):
        became[case.order] = try_case(case, film, looking.anatomy[:2], SIDES[number % 2], looking)
    assert set(became) == set(ORDERS)
    assert not [order for order, outcome in became.items() if outcome.became == "wrong"], became
    right = {order for order, outcome in became.items() if outcome.became == "right"}
    assert right == set(ORDERS) if source in TELLING else right, became
    assert {outcome.laterality for outcome in became.values()} <= {"stated", "assumed", "doubtful", "recognised", None}


def test_both_faces_read_a_file_alike(looking):
    film = looking.film[0].numpy().astype(np.uint8)
    found = {}
    for case in EVERY:
        if case.source in ("silent PNG", "PatientOrientation"):
            outcome = try_case(case, film, looking.anatomy[:2], "left", looking)
            found.setdefault((case.source, case.order), set()).add((outcome.became, outcome.laterality))
    assert len(found) == 2 * len(ORDERS)
    assert all(len(readings) == 1 for readings in found.values()), found
