"""Array transforms in a `Compose` of arrays: the image goes on, and the record goes with it."""

import json

import pytest
import torch
from monai.data import MetaTensor, set_track_meta
from monai.transforms import Compose, ScaleIntensity
from phantom import phantom

from monai_cars.edits.edit import Region
from monai_cars.loop.counterfactual import Counterfactual
from monai_cars.transforms import DeleteFinding, InsertFinding, InsertFindings, RandCounterfactual, ShamEdit

FILM = phantom(seed=3)


def segment(film):
    """The phantom's own anatomy, for the film as it lies."""
    return FILM.anatomy


EDITS = {
    "InsertFinding": lambda: InsertFinding("nodule", side="right", severity=0.4, seed=1, segmenter=segment),
    "InsertFindings": lambda: InsertFindings(["nodule", "effusion"], segmenter=segment),
    "DeleteFinding": lambda: DeleteFinding("enlarged heart", segmenter=segment),
    "ShamEdit": lambda: ShamEdit("nodule", segmenter=segment),
    "RandCounterfactual": lambda: RandCounterfactual({"nodule": 1}, prob=1.0, segmenter=segment).set_random_state(1),
}


@pytest.fixture
def film(sample):
    return sample["image"]


@pytest.mark.parametrize("make", EDITS.values(), ids=EDITS)
def test_an_edit_hands_the_image_on(film, make):
    out = Compose([make(), ScaleIntensity()])(film)
    assert isinstance(out, MetaTensor)
    assert out.shape == film.shape
    assert (out.min(), out.max()) == (0, 1)
    assert "counterfactual" not in film.meta


@pytest.mark.parametrize("make", EDITS.values(), ids=EDITS)
def test_the_image_and_its_record_are_those_of_the_counterfactual(film, make):
    results = make().counterfactual(film)
    results = results if isinstance(results, list) else [results]
    assert all(isinstance(result, Counterfactual) for result in results)
    image = make()(film)
    assert torch.equal(image.as_tensor(), results[-1].image.as_tensor())
    assert json.loads(image.meta["counterfactual"])["edits"] == [result.record for result in results]


def test_a_second_edit_knows_of_the_first(film):
    other = InsertFinding("nodule", side="left", severity=0.4, seed=2, segmenter=segment)
    first, both = EDITS["InsertFinding"](), Compose([EDITS["InsertFinding"](), other])
    edits = json.loads(both(film).meta["counterfactual"])["edits"]
    one = first.counterfactual(film)
    assert edits == [one.record, other.counterfactual(one.image, earlier=[one.record]).record]


def test_an_abstention_hands_the_image_on_and_says_why(film):
    out = DeleteFinding("mass", segmenter=segment)(film)
    assert torch.equal(out.as_tensor(), film.as_tensor())
    assert json.loads(out.meta["counterfactual"])["edits"][0]["reason"] == "no region of the finding on this film"


def test_arguments_are_those_of_the_counterfactual(film):
    region = Region(point=(200.0, 120.0))
    delete = DeleteFinding("nodule", seed=3)
    one, two = delete(film, FILM.anatomy, region), delete(film, FILM.anatomy, region=region, earlier=())
    assert one.meta["counterfactual"] == two.meta["counterfactual"]
    assert json.loads(one.meta["counterfactual"])["edits"] == [delete.counterfactual(film, FILM.anatomy, region).record]


def test_without_tracked_metadata_a_plain_tensor_comes_out(film):
    set_track_meta(False)
    try:
        out = EDITS["InsertFinding"]()(film.as_tensor())
    finally:
        set_track_meta(True)
    assert type(out) is torch.Tensor
    assert not torch.equal(out, film.as_tensor())
