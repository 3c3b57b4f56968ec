"""Boxes as MONAI has them, the row first, and as detectors and their tables have them, the column first."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.transforms import Compose, Resized

from monai_cars.transforms import DeleteFindingd, InsertFindingd, LesionToBoxesd, RandCounterfactuald
from monai_cars.transforms.regions import standard_boxes

SIDE = st.integers(1, 200)
MODES = ["xyxy", "xywh", "ccwh", "xxyy"]


def in_mode(corners, mode):
    """A box (start 0, start 1, stop 0, stop 1) in a mode of MONAI."""
    y0, x0, y1, x1 = corners
    return {
        "xyxy": [y0, x0, y1, x1],
        "xywh": [y0, x0, y1 - y0, x1 - x0],
        "ccwh": [(y0 + y1) / 2, (x0 + x1) / 2, y1 - y0, x1 - x0],
        "xxyy": [y0, y1, x0, x1],
    }[mode]


@given(SIDE, SIDE, SIDE, SIDE, st.sampled_from(MODES))
def test_a_box_told_column_first_is_the_same_box(y, x, height, width, mode):
    box, swapped = (y, x, y + height, x + width), (x, y, x + width, y + height)
    told = standard_boxes(in_mode(swapped, mode), mode, "xy")
    np.testing.assert_allclose(told, standard_boxes(in_mode(box, mode), mode))
    np.testing.assert_allclose(told, [box])


def test_a_box_of_a_volume_told_the_last_axis_first():
    assert standard_boxes([1, 2, 3, 4, 6, 8], "xyzxyz", "xy").tolist() == [[3, 2, 1, 8, 6, 4]]
    assert standard_boxes([], None, "xy").shape == (0, 4)


def test_a_box_that_does_not_fit_says_whose_axes_it_is_read_in():
    with pytest.raises(ValueError, match=r"MONAI's first axis is the tensor's, the row; .*need box_axes='xy'"):
        standard_boxes([100, 200, 30, 40])


@pytest.mark.parametrize(
    "make",
    [
        lambda: DeleteFindingd("image", "mass", box_key="box", box_axes="yx"),
        lambda: RandCounterfactuald("image", {"mass": 1}, {"delete": 1}, box_keys={"mass": "box"}, box_axes="yx"),
        lambda: LesionToBoxesd("image", ["mass"], box_axes="yx"),
        lambda: standard_boxes([], None, "yx"),
    ],
)
def test_other_axes_are_refused(make):
    with pytest.raises(ValueError, match=r"box_axes must be 'tensor' .* or 'xy' .*got 'yx'"):
        make()


@pytest.fixture(scope="module")
def table_row():
    """Bounds (y0, x0, y1, x1) of a box off the diagonal, as a row of RSNA's table tells it: x, y, width, height."""
    y0, x0, y1, x1 = 260, 100, 330, 150
    return (y0, x0, y1, x1), [x0, y0, x1 - x0, y1 - y0]


def test_a_row_of_a_detectors_table_is_deleted_where_it_lies(sample, table_row):
    box, row = table_row
    y, x = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    same = [
        DeleteFindingd("image", "mass", box_key="b", seed=1)({**sample, "b": box}),
        DeleteFindingd("image", "mass", box_key="b", box_mode="xywh", box_axes="xy", seed=1)({**sample, "b": row}),
        RandCounterfactuald(
            "image", {"mass": 1}, {"delete": 1}, 1.0, box_keys={"mass": "b"}, box_mode="xywh", box_axes="xy"
        )({**sample, "b": [row]}),
    ]
    assert len({str(json.loads(out["counterfactual"])["edits"][0]["box"]) for out in same}) == 1
    points = [
        DeleteFindingd("image", "mass", point=(y, x))(sample),
        DeleteFindingd("image", "mass", point=(x, y), box_axes="xy")(sample),
    ]
    assert points[0]["counterfactual"] == points[1]["counterfactual"]


def test_a_detectors_targets_come_out_as_monai_has_them(sample, table_row):
    box, row = table_row
    smaller = Resized(["image", "anatomy"], (256, 256), mode=["area", "nearest"])
    insert = InsertFindingd("image", "nodule", severity=0.5, seed=1, side="left")
    targets = LesionToBoxesd("image", ["mass", "nodule"], box_mode="xywh", box_axes="xy")
    out = Compose([smaller, insert, targets])({**sample, "box": [row], "label": [0]})
    torch.testing.assert_close(out["box"][0], torch.tensor(box) / 2, atol=0.6, rtol=0)
    if out["lesion"].any():
        rows, columns = out["lesion"][0].nonzero(as_tuple=True)
        assert out["box"][1].tolist() == [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]
