"""Masks, boxes and points follow a film through what a chain does to it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import CenterSpatialCrop, Compose, Flip, Resize, Rotate90, Transpose

from monai_cars.transforms.regions import box_region, mask_region, point_region, standard_boxes


def film(size=(60, 80)):
    return MetaTensor(torch.zeros(1, *size), affine=np.eye(4), meta={"original_affine": np.eye(4)})


STEPS = {
    "resize": Resize((30, 40), mode="nearest-exact"),
    "flip 0": Flip(0),
    "flip 1": Flip(1),
    "turn": Rotate90(1),
    "crop": CenterSpatialCrop((50, 50)),
}


@settings(max_examples=40)
@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=3), st.integers(6, 20), st.integers(6, 30))
def test_a_box_moves_as_its_pixels_do(steps, row, column):
    marked = film()
    marked[0, 2 * row : 2 * row + 16, 2 * column : 2 * column + 12] = 1
    moved = Compose([STEPS[step] for step in steps])(marked)
    region = box_region((2 * row, 2 * column, 2 * row + 16, 2 * column + 12), moved)
    found = moved.as_tensor()[0].nonzero()
    assert region is not None
    expected = [*found.min(0).values.tolist(), *(found.max(0).values + 1).tolist()]
    assert region.box == pytest.approx(expected, abs=0.51)


def test_boxes_and_points_outside_the_image_are_none():
    cropped = CenterSpatialCrop((20, 20))(film())
    assert box_region((0, 0, 10, 10), cropped) is None
    assert point_region((0, 0), cropped) is None
    assert point_region((30, 40), cropped).point == (10.0, 10.0)


def test_a_plain_tensor_counts_its_own_pixels():
    assert box_region((1, 2, 3, 4), torch.zeros(1, 9, 9)).box == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("boxes", "mode"),
    [
        ([1, 2, 4, 6], None),
        ([[1, 2, 3, 4]], "xywh"),
        (torch.tensor([[2.5, 4.0, 3.0, 4.0]]), "ccwh"),
        (np.array([1, 4, 2, 6]), "xxyy"),
    ],
)
def test_every_box_mode_of_monai(boxes, mode):
    assert standard_boxes(boxes, mode).tolist() == [[1, 2, 4, 6]]


def test_no_box_is_no_box():
    assert standard_boxes([]).shape == (0, 4)


@pytest.mark.parametrize("boxes", [[1, 2, 3], [[1, 2, 3, float("nan")]], np.zeros((1, 2, 4))])
def test_malformed_boxes(boxes):
    with pytest.raises(ValueError, match=r"boxes must be four finite numbers each"):
        standard_boxes(boxes)


def test_a_box_read_in_the_wrong_mode_names_the_argument():
    with pytest.raises(ValueError, match=r"must stop beyond its start .*read as 'xyxy'.*box_mode="):
        standard_boxes([100, 200, 30, 40])


def test_boxes_and_points_name_the_axes_of_the_image():
    volume = torch.zeros(1, 7, 8, 9)
    assert box_region((1, 2, 3, 4, 5, 6), volume).box == (1, 2, 3, 4, 5, 6)
    assert standard_boxes([1, 2, 3, 4, 5, 6], "xyzwhd").tolist() == [[1, 2, 3, 5, 7, 9]]
    assert point_region((1, 2, 8), volume).point == (1, 2, 8)
    assert point_region((1, 2, 9), volume) is None
    with pytest.raises(
        ValueError, match=r"a box must name the 3 axes of the image, .*: 6 numbers \(got \[1, 2, 3, 4\]"
    ):
        box_region((1, 2, 3, 4), volume)
    with pytest.raises(ValueError, match=r"a point must name the 2 axes of the image, .*\(got \[1, 2, 3\]\)"):
        point_region((1, 2, 3), film())


def test_masks():
    mask = torch.zeros(1, 60, 80)
    assert mask_region(mask, film()) is None
    mask[0, 3, 4] = 1
    assert mask_region(MetaTensor(mask), film()).mask.nonzero().tolist() == [[3, 4]]
    assert mask_region(mask[0].numpy(), film()).mask.sum() == 1
    with pytest.raises(ValueError, match=r"must have the image's shape \(1, 60, 80\) \(got \(80, 60\)\)"):
        mask_region(Transpose((0, 2, 1))(mask), film())
