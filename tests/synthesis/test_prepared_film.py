"""How a run reads a film: what its file says, held against what it shows."""

import numpy as np
import pytest
import torch
from film_builders import dicom
from PIL import Image
from pydicom.data import get_testdata_file

from monai_cars.chest_xray.modality import CHEST_XRAY
from monai_cars.edits.axes import from_standard
from monai_cars.files.radiograph import RadiographError, read_radiograph
from monai_cars.synthesis.film import prepare_film, reason_of
from monai_cars.synthesis.sources import Source


@pytest.fixture(scope="module")
def film():
    image = read_radiograph(str(get_testdata_file("RG1_UNCR.dcm"))).image[0, ::6, ::6]
    low, high = np.percentile(image, [0.5, 99.5])
    return (((image - low) / (high - low)).clamp(0, 1) * 255).to(torch.uint8)


def lungs(image):
    masks = torch.zeros(3, *image.shape[1:], dtype=torch.uint8)
    masks[0, 60:200, 40:120] = masks[1, 60:200, 180:260] = masks[2, 120:220, 130:220] = 1
    return masks


def laid(folder, film, order, letters):
    array = from_standard(film[None], order)[0].contiguous().numpy()
    return Source(dicom(folder / "film.dcm", array, 8, PatientOrientation=letters), "film.dcm")


def prepared(source, **options):
    return prepare_film(source, lungs, modality=CHEST_XRAY, **options)


@pytest.mark.filterwarnings("ignore:The film is mirrored")
def test_the_header_says_how_it_lies_and_by_whom_that_is_known(tmp_path, film):
    assert prepared(laid(tmp_path, film, "HW-flip", ["R", "F"])).header.laterality == "stated"
    silent = prepared(laid(tmp_path, film, "HW-turn", "")).header
    assert (silent.axes, silent.laterality) == ("HW-turn", "recognised")
    given = prepared(laid(tmp_path, film, "HW-flip", ["R", "F"]), axes="HW").header
    assert (given.axes, given.laterality) == ("HW", "given")


def test_a_film_that_shows_otherwise_than_its_header_says_is_refused_by_both(tmp_path, film):
    source = laid(tmp_path, film, "HW-turn", ["L", "F"])
    with pytest.raises(RadiographError, match=r"got HW by its file .*, and HW-turn by what it shows\)") as refusal:
        prepared(source)
    assert reason_of(refusal.value, source).startswith("a film must lie as is said of it")


def test_an_unsure_film_is_refused_and_not_taken_for_upright(tmp_path, film, monkeypatch):
    monkeypatch.setattr("monai_cars.chest_xray.orientation.SURE", 1.1)
    Image.fromarray(film.numpy()).save(tmp_path / "film.png")
    with pytest.raises(RadiographError, match=r"film\.png: the orientation of the film is unsure"):
        prepared(Source(tmp_path / "film.png", "film.png"))
