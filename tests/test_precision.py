"""An edit belongs to the data: autocast and another default type around it change nothing."""

import json
from contextlib import contextmanager

import pytest
import torch
from phantom import phantom

from monai_cars.chest_xray.anatomy import load_segmenter
from monai_cars.chest_xray.anatomy.segmenter import _loaded
from monai_cars.chest_xray.teacher.shipped import load_localiser, load_teacher
from monai_cars.features import load_vocabulary, vector_of
from monai_cars.networks.precision import single_precision
from monai_cars.transforms import (
    InsertFindingd,
    MeasuredSeverityd,
    RandCounterfactuald,
    SegmentAnatomy,
    SegmentAnatomyd,
    ValidityGated,
)

FILM = phantom(seed=3)
NIH = load_vocabulary("nih-14")


@contextmanager
def default(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


SURROUNDINGS = {
    "autocast bfloat16": lambda: torch.autocast("cpu", torch.bfloat16),
    "autocast float16": lambda: torch.autocast("cpu", torch.float16),
    "default float64": lambda: default(torch.float64),
    "default bfloat16": lambda: default(torch.bfloat16),
    "inference": torch.inference_mode,
}


def made():
    """Masks, an edit that draws its severity, a random one, and the gate that measures anew."""
    row = {"image": FILM.image.clone(), "labels": vector_of({}, NIH, otherwise=0), "sample_seed": 5}
    options = {"findings_key": "labels", "vocabulary": "nih-14"}
    chain = (
        SegmentAnatomyd("image", axes="HW"),
        InsertFindingd("image", "nodule", seed=1, side="left", **options),
        RandCounterfactuald("image", {"mass": 1}, prob=1.0, seed_key="sample_seed", **options),
        ValidityGated("image", "full"),
        MeasuredSeverityd(),
    )
    for transform in chain:
        row = transform(row)
    return row


@pytest.fixture(scope="module")
def plain():
    return made()


@pytest.mark.parametrize("around", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_the_same_film_comes_out_whatever_is_set_around_the_chain(plain, around):
    with around():
        out = made()
    assert sum(edit["accepted"] for edit in json.loads(plain["counterfactual"])["edits"]) >= 1
    for key, value in plain.items():
        if isinstance(value, torch.Tensor):
            assert out[key].dtype == value.dtype, key
            assert torch.equal(out[key].nan_to_num(-1), value.nan_to_num(-1)), key
        else:
            assert out[key] == value, key


@pytest.mark.parametrize("around", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_how_a_film_lies_is_recognised_alike(around):
    film = torch.rand(1, 120, 130, generator=torch.Generator().manual_seed(0))
    said = []
    for surrounding in (torch.enable_grad, around):
        with surrounding(), pytest.raises(Exception, match="does not look like a frontal chest radiograph") as refusal:
            SegmentAnatomy()(film)
        said.append(str(refusal.value))
    assert said[0] == said[1]


def test_a_network_that_is_first_loaded_under_another_type_stays_an_ordinary_one():
    _loaded.cache_clear()
    with default(torch.float64):
        network = load_segmenter().network
        teacher, localiser = load_teacher(), load_localiser()
        assert teacher(FILM.image, FILM.anatomy)
        assert localiser(FILM.image, FILM.anatomy).dtype == torch.float32
    assert {value.dtype for value in network.parameters()} == {torch.float32}


@single_precision()
def fail():
    raise KeyError(f"inside {torch.zeros(1).dtype}")


def test_what_was_set_is_set_again_also_after_an_error():
    with default(torch.float64), torch.autocast("cpu", torch.bfloat16):
        with pytest.raises(KeyError, match=r"inside torch\.float32"):
            fail()
        assert torch.zeros(1).dtype == torch.float64
        assert torch.is_autocast_enabled("cpu")
