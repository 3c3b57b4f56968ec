"""What people do in a MONAI chain: any type of array, any spelling of a name, edits turned off, lazy chains."""

import json

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import Compose, Resized, Rotated
from phantom import phantom

from monai_cars.chains import chain_names, chain_path
from monai_cars.features import FeatureVector, load_vocabulary, vector_of
from monai_cars.findings.severity import canonical
from monai_cars.loop.state import as_image
from monai_cars.transforms import (
    InsertFindingd,
    LesionToBoxesd,
    LoadRadiographd,
    RandCounterfactuald,
    SegmentAnatomyd,
    ValidityGated,
)
from monai_cars.transforms.choice import Choices, weights_of

FILM = phantom(seed=3)
TYPES = {
    "bfloat16": (torch.bfloat16, torch.bfloat16), "float16": (torch.float16, torch.float16),
    "float64": (torch.float64,) * 2,
    "int16": (torch.int16,) * 2, "int64": (torch.int64,) * 2, "uint16": (torch.uint16, torch.int32),
    "uint32": (torch.uint32, torch.int64), "NumPy's uint16": (np.uint16, torch.int32), ">u2": (">u2", torch.int32),
    ">f4": (">f4", torch.float32), ">i2": (">i2", torch.int16),
}  # fmt: skip


def of_type(values, kind):
    return values.to(kind) if isinstance(kind, torch.dtype) else values.numpy().astype(kind)


@pytest.mark.parametrize(("given", "expected"), TYPES.values(), ids=TYPES)
def test_a_film_of_any_type_goes_through_the_whole_chain(given, expected):
    values = FILM.image / 4095 if given in (torch.float16, torch.bfloat16) else FILM.image
    row = {"image": of_type(values, given)}
    for transform in (
        SegmentAnatomyd("image", axes="HW", segmenter=lambda film: FILM.anatomy),
        InsertFindingd("image", "nodule", severity=0.4, seed=1),
        ValidityGated("image"),
        LesionToBoxesd("image", ["nodule"]),
    ):
        row = transform(row)
    record = json.loads(row["counterfactual"])
    assert record["edits"][0]["accepted"]
    assert record["gate"]["accepted"]
    assert row["image"].dtype == expected
    outside = row["support"].as_tensor() == 0
    assert torch.equal(row["image"].as_tensor()[outside], as_image(of_type(values, given)).as_tensor()[outside])


def test_wider_integers_hold_the_same_values_and_metadata():
    film = MetaTensor(torch.tensor([[[0, 65535]]], dtype=torch.uint16), meta={"patient": "7"})
    wide = as_image(film)
    assert (wide.tolist(), wide.dtype, wide.meta["patient"]) == ([[[0, 65535]]], torch.int32, "7")
    assert as_image(np.array([[[1, 256]]], ">u2")).tolist() == [[[1, 256]]]


def test_a_list_of_findings_weighs_them_alike(sample):
    listed = RandCounterfactuald("image", ["nodule", "mass"], ["insert"], 1.0, seed_key="sample_seed")
    weighed = RandCounterfactuald("image", {"nodule": 1, "mass": 1}, {"insert": 1}, 1.0, seed_key="sample_seed")
    row = {**sample, "sample_seed": 3}
    assert listed(row)["counterfactual"] == weighed(row)["counterfactual"]


@pytest.mark.parametrize("wrong", ["nodule", [], ["nodule", "nodule"], [1, 2], ["nodule", 2.0]])
def test_what_is_no_list_of_findings_is_refused(wrong):
    with pytest.raises(ValueError, match="findings must be a list of different names, which weighs them alike"):
        RandCounterfactuald("image", wrong)


def test_weights_that_are_no_numbers_and_findings_named_twice_are_refused():
    with pytest.raises(ValueError, match="operations must map each name to a number"):
        RandCounterfactuald("image", {"nodule": 1}, {"insert": "often"})
    with pytest.raises(ValueError, match="names 'enlarged heart' twice, as 'Cardiomegaly' and 'enlarged heart'"):
        Choices(weights_of("findings", {"Cardiomegaly": 1, "enlarged heart": 2}), {"insert": 1})


SPELLINGS = [
    lambda name: name.replace("_", " "), lambda name: name.replace(" ", "_"), lambda name: name.replace(" ", "-"),
    str.lower, str.upper, lambda name: f" {name} ", lambda name: name.replace(" ", "  "),
]  # fmt: skip


@pytest.mark.parametrize("name", ["nih-14", "chexpert-14", "carpa-19"])
@pytest.mark.parametrize("spell", SPELLINGS)
def test_a_vocabularys_names_are_known_however_they_are_spelt(name, spell):
    vocabulary = load_vocabulary(name)
    for number, finding in enumerate(vocabulary.findings):
        assert vocabulary.index(spell(finding)) == number, finding
        assert vocabulary.term(spell(finding)) == vocabulary.term(finding), finding


@pytest.mark.parametrize("spelt", ["Pleural Effusion", "pleural_effusion", "PLEURAL-EFFUSION", "pleural  effusion "])
def test_findings_are_known_however_they_are_spelt(spelt):
    assert canonical(spelt) == "effusion"
    assert InsertFindingd("image", spelt).insert.edit.finding == "effusion"


def test_a_vector_is_made_and_read_by_any_spelling():
    nih = load_vocabulary("nih-14")
    vector = vector_of({"Pleural Thickening": 1}, nih)
    assert vector[nih.index("Pleural_Thickening")] == 1
    assert FeatureVector(vector, nih)["pleural thickening"] == 1


def test_a_gate_whose_edits_are_turned_off_leaves_what_an_edit_would(sample):
    out = ValidityGated("image", allow_unedited=True)(sample)
    edited = ValidityGated("image")(InsertFindingd("image", "nodule", severity=0.4, seed=1)(sample))
    assert set(out) == set(edited)
    assert not out["lesion"].any()
    assert not out["support"].any()
    assert torch.equal(out["image"].as_tensor(), sample["image"].as_tensor())
    record = json.loads(out["counterfactual"])
    assert (record["edits"], record["gate"]["accepted"]) == ([], True)


def test_a_gate_in_the_wrong_place_is_told_of_the_switch(sample):
    with pytest.raises(KeyError, match="allow_unedited=True where the edits may be turned off"):
        ValidityGated("image")(sample)


@pytest.mark.parametrize("name", chain_names())
def test_the_edits_of_every_shipped_chain_can_be_turned_off(name, sample):
    parser = ConfigParser()
    parser.read_config(chain_path(name))
    steps = parser["edit"]
    for number, step in enumerate(steps):
        if step["_target_"].rpartition(".")[2] not in ("SegmentAnatomyd", "ValidityGated"):
            parser[f"edit#{number}#_disabled_"] = True
        elif "SegmentAnatomyd" in step["_target_"]:
            parser[f"edit#{number}#_disabled_"] = True  # the sample has its masks
    out = Compose(parser.get_parsed_content("edit"))({**sample, "findings": [0.0] * 14, "box": [], "label": []})
    assert json.loads(out["counterfactual"])["edits"] == []


@pytest.fixture(scope="module")
def film_file(tmp_path_factory):
    from PIL import Image

    path = tmp_path_factory.mktemp("film") / "film.png"
    Image.fromarray(FILM.image[0].numpy().astype(np.uint16)).save(path)
    return str(path)


def test_an_edit_before_lazy_transforms_lies_where_it_lies_without_them(film_file):
    keys = ["image", "anatomy", "lesion", "support"]
    nearest = ["bilinear", "nearest", "nearest", "nearest"]
    steps = [
        LoadRadiographd("image"),
        SegmentAnatomyd("image", axes="HW", segmenter=lambda film: FILM.anatomy),
        InsertFindingd("image", "mass", severity=0.3, seed=1, keep_before=False),
        Rotated(keys, 0.1, mode=nearest),
        Resized(keys, (300, 280), mode=["bilinear", "nearest", "nearest", "nearest"]),
    ]
    fused, plain = (Compose(steps, lazy=lazy)({"image": film_file}) for lazy in (True, False))
    assert fused["counterfactual"] == plain["counterfactual"]
    both = (fused["lesion"] > 0) & (plain["lesion"] > 0)
    either = (fused["lesion"] > 0) | (plain["lesion"] > 0)
    assert both.sum() > 0.85 * either.sum()
    assert not fused["image"].pending_operations


def test_a_lazy_chain_before_an_edit_is_resampled_before_it_and_repeats_itself(film_file):
    steps = [
        LoadRadiographd("image"),
        Resized("image", (400, 380)),
        Resized("image", (256, 240)),
        SegmentAnatomyd("image"),
        InsertFindingd("image", "nodule", severity=0.6, seed=1),
    ]
    one, two = (Compose(steps, lazy=True)({"image": film_file}) for _ in range(2))
    assert one["image"].shape == one["lesion"].shape == (1, 256, 240)
    assert one["counterfactual"] == two["counterfactual"]
