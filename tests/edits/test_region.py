import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_cars.edits.axes import ORDERS, from_standard
from monai_cars.edits.region import Region, check_region, turned

H, W = 9, 13


@given(st.sampled_from(ORDERS), st.integers(0, H - 2), st.integers(0, W - 2), st.integers(1, 4), st.integers(1, 4))
def test_a_box_is_turned_as_its_mask_is(order, top, left, height, width):
    upright = torch.zeros(1, H, W, dtype=torch.bool)
    upright[0, top : top + height, left : left + width] = True
    laid = from_standard(upright, order)
    places = torch.nonzero(laid[0])
    box = Region(box=(*map(float, places.amin(0)), *(float(edge) + 1 for edge in places.amax(0))))
    found = turned(box, order, laid)
    assert found.box == (top, left, min(top + height, H), min(left + width, W))
    assert torch.equal(turned(Region(mask=laid[0]), order, laid).mask, upright[0])


@given(st.sampled_from(ORDERS), st.integers(0, H - 1), st.integers(0, W - 1))
def test_a_point_is_turned_to_its_pixel(order, row, column):
    upright = torch.zeros(1, H, W)
    upright[0, row, column] = 1
    laid = from_standard(upright, order)
    place = tuple(map(float, torch.nonzero(laid[0])[0]))
    assert turned(Region(point=place), order, laid).point == (row, column)


def test_what_lies_outside_the_film_lies_outside_it_in_any_axes():
    assert turned(Region(point=(50.0, 50.0)), "WH", torch.zeros(1, H, W)).point == (-1.0, -1.0)
    volume = torch.zeros(1, 4, H, W)
    assert turned(Region(box=(9.0, 50.0, 50.0, 10.0, 51.0, 51.0)), "WH", volume).point == (-1.0, -1.0, -1.0)


def test_a_box_of_a_volume_is_turned_in_its_planes():
    region = Region(box=(1.0, 2.0, 3.0, 2.0, 5.0, 7.0))
    assert turned(region, "WH", torch.zeros(1, 4, W, H)).box == (1.0, 3.0, 2.0, 2.0, 7.0, 5.0)


@pytest.mark.parametrize("box", [(0, 0, 0, 4), (5, 0, 4, 4), (1, 2, 3), (), (0, 0, 0, 1, 1, 0)])
def test_a_box_whose_stop_is_not_beyond_its_start_is_refused(box):
    with pytest.raises(ValueError, match=r"region: a box \(y0, x0, y1, x1\) needs y0 < y1 and x0 < x1, got"):
        Region(box=box)


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (Region(mask=torch.ones(H, W + 1)), r"a mask must have the film's shape \(9, 13\), got \(9, 14\); resize it"),
        (Region(point=(1.0, 2.0, 3.0)), r"must name 2 axes of an image of shape \(9, 13\), got \(1.0, 2.0, 3.0\)"),
        (Region(box=(0, 0, 0, 1, 1, 1)), r"must name 2 axes of an image of shape \(9, 13\), got \(0, 0, 0, 1, 1, 1\)"),
    ],
)
def test_a_region_of_another_image_is_refused(region, message):
    with pytest.raises(ValueError, match=message):
        check_region(region, torch.zeros(1, H, W))


def test_a_region_that_fits_passes():
    for region in (None, Region(mask=torch.ones(1, H, W)), Region(point=(1.0, 2.0)), Region(box=(0, 0, 1, 1))):
        assert check_region(region, torch.zeros(1, H, W)) is None
