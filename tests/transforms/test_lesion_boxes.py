"""Boxes of what was inserted: where the lesion is, of its class, beside the film's own boxes."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.transforms import Compose, Flipd, Resized, Transposed

from monai_cars.features import load_vocabulary
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.transforms import (
    DeleteFindingd,
    InsertFindingd,
    InsertFindingsd,
    LesionToBoxes,
    LesionToBoxesd,
    ShamEditd,
)

CLASSES = ["nodule", "mass", "effusion"]
ANYTHING = Gate([OutsideUnchanged()])


def insert(finding="nodule", **options):
    return InsertFindingd("image", finding, severity=0.5, seed=1, **options)


def bounds(mask):
    rows, columns = mask[0].nonzero(as_tuple=True)
    return [rows.min().item(), columns.min().item(), rows.max().item() + 1, columns.max().item() + 1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8, unique=True), st.integers(1, 4))
def test_a_box_for_each_part(cells, size):
    mask = torch.zeros(1, 24, 24, dtype=torch.uint8)
    expected = set()
    for row, column in cells:  # six pixels apart, so that no two touch
        mask[0, 6 * row : 6 * row + size, 6 * column : 6 * column + size] = 1
        expected.add((6.0 * row, 6.0 * column, 6.0 * row + size, 6.0 * column + size))
    boxes = LesionToBoxes()(mask)
    assert (boxes.dtype, boxes.shape) == (torch.float32, (len(expected), 4))
    assert set(map(tuple, boxes.tolist())) == expected


def test_crumbs_get_no_box():
    mask = torch.zeros(1, 40, 40)
    mask[0, :20, :20] = 1
    mask[0, 30, 30] = 1
    assert len(LesionToBoxes()(mask)) == 1
    assert len(LesionToBoxes(least_share=0)(mask)) == 2


@pytest.mark.parametrize("transposed", [False, True])
def test_the_box_lies_around_the_lesion_in_the_films_own_axes(sample, transposed):
    lay = [Transposed(["image", "anatomy"], (0, 2, 1))] if transposed else []
    out = Compose([*lay, insert(), LesionToBoxesd("image", CLASSES)])(sample)
    assert out["box"].tolist() == [bounds(out["lesion"])]
    assert (out["label"].tolist(), out["label"].dtype) == ([0], torch.int64)


def test_each_edit_brings_its_class(sample):
    findings = [{"finding": "mass", "side": "right", "severity": 0.1}, {"finding": "effusion", "side": "left"}]
    out = Compose([InsertFindingsd("image", findings), LesionToBoxesd("image", CLASSES)])(sample)
    assert out["label"].tolist() == [1, 2]
    numbered = Compose([InsertFindingsd("image", findings), LesionToBoxesd("image", vocabulary="nih-14")])(sample)
    nih = load_vocabulary("nih-14")
    assert numbered["label"].tolist() == [nih.index("Mass"), nih.index("Effusion")]


def test_own_boxes_follow_the_film_and_come_first(sample):
    sample = {**sample, "box": [[100, 40, 60, 20], [900, 900, 10, 10]], "label": [2, 1]}
    smaller = Resized(["image", "anatomy"], (256, 256), mode=["area", "nearest"])
    nodule = insert(side="left", gate=ANYTHING)
    out = Compose([smaller, nodule, LesionToBoxesd("image", CLASSES, box_mode="xywh")])(sample)
    assert out["box"][0].tolist() == pytest.approx([50, 20, 80, 30], abs=0.6)
    assert out["label"].tolist() == [2, 0]  # the second of its own lies outside the film
    flipped = Compose([Flipd(["image"], 0), LesionToBoxesd("image", CLASSES, box_mode="xywh")])(sample)
    assert flipped["box"].tolist()[0] == pytest.approx([512 - 160, 40, 512 - 100, 60], abs=0.6)


def test_nothing_is_empty_tensors_of_the_right_shape(sample):
    for chain in ([], [ShamEditd("image", "nodule")]):
        out = Compose([*chain, LesionToBoxesd("image", CLASSES)])(sample)
        assert (out["box"].shape, out["box"].dtype) == ((0, 4), torch.float32)
        assert (out["label"].shape, out["label"].dtype) == ((0,), torch.int64)


def test_the_box_of_a_deleted_finding_goes(sample):
    made = insert("mass", side="right", keep_before=False)(sample)
    (edit,) = json.loads(made["counterfactual"])["edits"]
    film = {"image": made["image"], "anatomy": made["anatomy"], "box": [edit["box"], [10, 10, 60, 60]], "label": [1, 0]}
    chain = Compose([DeleteFindingd("image", "mass", box_key="box", gate=ANYTHING), LesionToBoxesd("image", CLASSES)])
    out = chain(film)
    assert json.loads(out["counterfactual"])["edits"][0]["accepted"]
    assert out["label"].tolist() == [0]


def test_errors(sample):
    with pytest.raises(ValueError, match=r"give one key \(got \('image', 'prior'\)\)"):
        LesionToBoxesd(["image", "prior"], CLASSES)
    with pytest.raises(ValueError, match=r"classes must be findings of nodule, .* \(got \['gout'\]\)"):
        LesionToBoxesd("image", ["gout"])
    with pytest.raises(ValueError, match="give one of classes and vocabulary"):
        LesionToBoxesd("image")
    with pytest.raises(ValueError, match="'box' holds 1 boxes and 'label' 0 class numbers; every box needs one"):
        LesionToBoxesd("image", CLASSES)({**sample, "box": [[1, 2, 3, 4]]})
    with pytest.raises(ValueError, match="'nodule' was inserted and is none of the classes mass: without a box it"):
        LesionToBoxesd("image", ["mass"])(insert()(sample))
    edited = insert()(sample)
    smaller = Resized(["image", "anatomy"], (256, 256), mode=["area", "nearest"])(edited)
    with pytest.raises(ValueError, match=r"resized since it was edited \(\(512, 512\) then, \(256, 256\) now\): put"):
        LesionToBoxesd("image", CLASSES)(smaller)
    assert LesionToBoxesd("image", CLASSES, allow_missing_keys=True)({"x": 1}) == {"x": 1}
