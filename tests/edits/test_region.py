"""A region turned upright is where it was drawn, whatever it is told by and however the image lies."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.edits.axes import ORDERS, from_standard, to_standard
from monai_cars.edits.region import Region, check_region, turned

AXES = pytest.mark.parametrize("axes", ORDERS)
SHAPES = st.sampled_from([(6, 9), (4, 5, 7)])


def image_of(shape, axes):
    """(1, ...) an image that has this shape when it is upright."""
    return from_standard(torch.zeros(1, *shape), axes)


def drawn(box, shape):
    half = len(box) // 2
    mask = torch.zeros(1, *shape, dtype=torch.bool)
    mask[0][tuple(slice(int(a), math.ceil(b)) for a, b in zip(box[:half], box[half:], strict=True))] = True
    return mask


@AXES
@settings(max_examples=15)
@given(st.data())
def test_a_box_covers_the_same_elements_those_that_it_cuts_included(axes, data):
    shape = data.draw(SHAPES)
    image = image_of(shape, axes)
    starts = [data.draw(st.integers(0, size - 1)) for size in image.shape[1:]]
    stops = [data.draw(st.integers(start + 1, size)) for start, size in zip(starts, image.shape[1:], strict=True)]
    cut = data.draw(st.sampled_from([0.0, 0.25]))
    box = (*(start + cut for start in starts), *(stop - cut for stop in stops))
    upright = turned(Region(box=box), axes, image)
    assert torch.equal(drawn(upright.box, shape), to_standard(drawn(box, image.shape[1:]), axes))
    assert len(upright.box) == 2 * len(shape)


@AXES
@settings(max_examples=15)
@given(st.data())
def test_a_point_names_the_same_element(axes, data):
    shape = data.draw(SHAPES)
    place = tuple(data.draw(st.integers(0, size - 1)) for size in shape)
    spot = torch.zeros(1, *shape)
    spot[(0, *place)] = 1
    laid = from_standard(spot, axes)
    point = tuple(torch.nonzero(laid[0])[0].tolist())
    assert turned(Region(point=point), axes, laid).point == place


@AXES
@pytest.mark.parametrize("shape", [(6, 9), (4, 5, 7)])
def test_a_mask_is_turned_with_its_image_with_or_without_a_channel(axes, shape):
    upright = torch.rand(shape, generator=torch.Generator().manual_seed(0)) > 0.5
    laid = from_standard(upright[None], axes)
    for mask in (laid, laid[0]):
        assert torch.equal(turned(Region(mask=mask), axes, laid).mask.reshape(shape), upright)


@pytest.mark.parametrize("region", [Region(box=(30.0, 30.0, 40.0, 40.0)), Region(point=(-3.0, 2.0))])
def test_what_lies_off_the_image_does_so_in_every_orientation(region):
    for axes in ORDERS[1:]:
        assert turned(region, axes, image_of((6, 9), axes)).point == (-1.0, -1.0)


def test_regions_that_do_not_fit_are_refused_by_name():
    volume = torch.zeros(1, 4, 5, 7)
    with pytest.raises(ValueError, match=r"a mask must have the film's shape \(4, 5, 7\), got \(7, 5, 4\); resize it"):
        check_region(Region(mask=torch.ones(7, 5, 4)), volume)
    for region in (Region(box=(1, 1, 2, 2)), Region(point=(1, 1))):
        with pytest.raises(ValueError, match=r"a box or point must name 3 axes of an image of shape \(4, 5, 7\)"):
            check_region(region, volume)
    for region in (None, Region(mask=torch.ones(4, 5, 7)), Region(point=(1, 2, 3)), Region(box=(0, 0, 0, 1, 1, 1))):
        check_region(region, volume)
