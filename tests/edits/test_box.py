"""Crops of two and three axes: what they hold, moved, grown, and drawn again."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from monai_cars.edits.box import Box

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=3, max_side=7))
SHAPES = st.sampled_from([(6, 9), (5, 7, 8)])


def drawn(box: Box, shape: tuple[int, ...]) -> torch.Tensor:
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[box.slices] = True
    return mask


@st.composite
def boxes(draw):
    """An image's shape and a crop of at least one element in it."""
    shape = draw(SHAPES)
    pairs = [sorted(draw(st.lists(st.integers(0, n), min_size=2, max_size=2, unique=True))) for n in shape]
    return shape, Box(*(a for a, _ in pairs), *(b for _, b in pairs))


@given(MASKS)
def test_around_a_mask_holds_all_of_it_and_no_empty_edge(mask):
    box = Box.around(torch.from_numpy(mask))
    inside = mask[box.slices]
    assert inside.sum() == mask.sum()
    if not mask.any():
        assert box == Box.whole(mask.shape)
        return
    for axis in range(mask.ndim):
        edges = np.moveaxis(inside, axis, 0)
        assert edges[0].any()
        assert edges[-1].any()


@given(boxes())
def test_a_box_that_is_drawn_is_found_again_and_has_its_size(drawing):
    shape, box = drawing
    assert Box.around(drawn(box, shape)) == box
    assert int(drawn(box, shape).sum()) == np.prod(box.shape)
    assert Box(*box.start, *box.stop) == box


@given(boxes(), st.integers(-3, 3), st.integers(-3, 3))
def test_what_is_moved_keeps_its_size_and_comes_back(drawing, first, last):
    _, box = drawing
    by = (first, *(0 for _ in box.start[2:]), last)
    moved = box.shifted(*by)
    assert moved.shape == box.shape
    assert moved.start == tuple(edge + step for edge, step in zip(box.start, by, strict=True))
    assert moved.shifted(*(-step for step in by)) == box


@given(boxes(), st.integers(0, 4))
def test_what_is_grown_reaches_as_far_as_a_cube_around_each_element_within_the_image(drawing, margin):
    shape, box = drawing
    grown = drawn(box.grown(margin, shape), shape)
    places = torch.cartesian_prod(*(torch.arange(n) for n in shape))
    beyond = [
        torch.maximum(start - places[:, axis], places[:, axis] - (stop - 1))
        for axis, (start, stop) in enumerate(zip(box.start, box.stop, strict=True))
    ]
    assert torch.equal(grown.flatten(), torch.stack(beyond).amax(0) <= margin)


def test_edges_have_names_and_survive_a_pickle_and_json():
    flat, deep = Box(1, 2, 4, 7), Box(0, 1, 2, 3, 4, 7)
    assert (flat.y0, flat.x0, flat.y1, flat.x1) == (deep.y0, deep.x0, deep.y1, deep.x1) == (1, 2, 4, 7)
    assert repr(deep) == "Box(z0=0, y0=1, x0=2, z1=3, y1=4, x1=7)"
    assert pickle.loads(pickle.dumps(deep)) == deep
    assert flat == (1, 2, 4, 7)


@pytest.mark.parametrize("edges", [(), (1, 2, 3)])
def test_a_box_needs_a_start_and_a_stop_along_every_axis(edges):
    with pytest.raises(ValueError, match=rf"a start and a stop along every axis, .* \(got {len(edges)} edges\)"):
        Box(*edges)
