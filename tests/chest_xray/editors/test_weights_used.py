"""The record names the weights that an edit opens, and no others."""

import json

import pytest
import torch
from monai.transforms import Compose
from phantom import phantom
from phantom_film import drawn_film

from monai_cars.chest_xray.editors.attenuation import DRAWINGS, AttenuationEditor
from monai_cars.chest_xray.editors.lung import expected_lung
from monai_cars.edits.edit import CannotEdit, Edit, Region
from monai_cars.findings.registry import FINDINGS
from monai_cars.transforms import DeleteFindingd, InsertFindingd, SegmentAnatomyd, ShamEditd

FILM = phantom(size=(256, 256))
WITH_MASS = AttenuationEditor().propose(
    drawn_film(FILM),
    FILM.anatomy,
    Edit("insert", "consolidation", side="right", zone="middle", severity=0.4),
    torch.Generator().manual_seed(0),
)


@pytest.fixture
def opened(monkeypatch):
    """Every look at the healthy lungs."""
    looks, healthy = [], expected_lung.healthy

    def seen():
        looks.append("healthy_lung")
        return healthy()

    monkeypatch.setattr(expected_lung, "healthy", seen)
    return looks


def propose(edit: Edit) -> tuple[str, ...] | None:
    """The weights that the proposal says were opened; None where the edit was refused."""
    film = drawn_film(FILM)
    image = film.image.clone()
    image[0][WITH_MASS.box.slices] += WITH_MASS.residual * film.unit.value
    try:
        changed = phantom(size=(256, 256))
        object.__setattr__(changed, "image", image)
        generator = torch.Generator().manual_seed(1)
        return AttenuationEditor().propose(drawn_film(changed), FILM.anatomy, edit, generator).weights
    except CannotEdit:
        return None


@pytest.mark.parametrize("finding", sorted(FINDINGS))
def test_a_deletion_opens_what_it_says(finding, opened):
    box = Region(box=tuple(float(edge) for edge in WITH_MASS.box))
    shown = FINDINGS[finding].place.shown_by_anatomy
    edit = Edit("delete", finding, region=None if shown else box)
    told = propose(edit)
    stated = AttenuationEditor().weights_for(edit)
    assert bool(opened) == (stated is not None), DRAWINGS[finding].delete
    assert told in (None, (stated,) if stated else ())
    if stated is not None:
        assert stated.startswith("healthy_lung sha256:")


@pytest.mark.parametrize("finding", sorted(FINDINGS))
def test_insertions_and_shams_open_none(finding, opened):
    for edit in (Edit("insert", finding, severity=0.2), Edit("sham", finding)):
        assert propose(edit) in (None, ())
        assert AttenuationEditor().weights_for(edit) is None
    assert opened == []


class Phantoms:
    """A segmenter of the user's own."""

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        return FILM.anatomy


def entry(*transforms, **more) -> dict:
    sample = Compose([*transforms])({"image": FILM.image.clone(), **more})
    return json.loads(sample["counterfactual"])["edits"][0]


INSERT = {"keys": "image", "finding": "effusion", "side": "left", "severity": 0.3, "seed": 1}


class TestThroughAChain:
    def test_weights_are_what_the_edit_opened(self):
        segment = SegmentAnatomyd("image", segmenter=Phantoms(), axes="HW")
        assert entry(segment, InsertFindingd(**INSERT))["weights"] is None
        assert entry(segment, ShamEditd("image", "nodule"))["weights"] is None
        point = tuple(float(place) for place in (120, 70))
        deleted = entry(segment, DeleteFindingd("image", "opacities", point=point))
        assert deleted["weights"].startswith("healthy_lung sha256:")
        assert entry(segment, DeleteFindingd("image", "mass", point=point))["weights"] is None

    def test_nothing_measured_anew_is_no_statement(self):
        segment = SegmentAnatomyd("image", segmenter=Phantoms(), axes="HW")
        assert entry(segment, InsertFindingd(**INSERT))["shared_model"] is None

    def test_the_same_segmenter_places_and_measures(self):
        own = Phantoms()
        segment = SegmentAnatomyd("image", segmenter=own, axes="HW")
        assert entry(segment, InsertFindingd(**INSERT, segmenter=own))["shared_model"] is True
        shipped = InsertFindingd(**INSERT, segmenter="cars_anatomy")
        assert entry(segment, shipped)["shared_model"] is False

    def test_another_segmenter_measures(self):
        segment = SegmentAnatomyd("image", segmenter=Phantoms(), axes="HW")
        other = InsertFindingd(**INSERT, segmenter=lambda image: FILM.anatomy)
        assert entry(segment, other)["shared_model"] is False

    def test_masks_of_which_nobody_speaks_are_taken_for_the_shipped_ones(self):
        given = {"anatomy": FILM.anatomy}
        assert entry(InsertFindingd(**INSERT, segmenter=Phantoms()), **given)["shared_model"] is False
        assert entry(InsertFindingd(**INSERT, gate="full"), **given)["shared_model"] is True

    def test_a_film_without_masks_is_segmented_by_what_measures(self):
        made = entry(InsertFindingd(**INSERT, gate="full"))
        assert made["shared_model"] is True
