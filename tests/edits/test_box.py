import copy
import json
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_cars.edits.box import Box

SHAPES = st.lists(st.integers(1, 7), min_size=1, max_size=4).map(tuple)


@st.composite
def boxes(draw):
    shape = draw(SHAPES)
    starts = [draw(st.integers(0, size - 1)) for size in shape]
    stops = [draw(st.integers(start + 1, size)) for start, size in zip(starts, shape, strict=True)]
    return Box(*starts, *stops), shape


@given(boxes())
def test_a_box_is_the_box_around_what_it_cuts(drawn):
    box, shape = drawn
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[box.slices] = True
    assert tuple(mask[box.slices].shape) == box.shape
    assert Box.around(mask) == box
    assert int(mask.sum()) == torch.Size(box.shape).numel()


@given(boxes(), st.integers(0, 3))
def test_a_margin_stays_in_the_image_and_holds_the_box(drawn, margin):
    box, shape = drawn
    grown = box.grown(margin, shape)
    for start, stop, least, most, size in zip(grown.start, grown.stop, box.start, box.stop, shape, strict=True):
        assert start == max(least - margin, 0)
        assert stop == min(most + margin, size)


@given(boxes(), st.data())
def test_shifting_there_and_back_changes_nothing(drawn, data):
    box, shape = drawn
    by = [data.draw(st.integers(-5, 5)) for _ in shape]
    assert box.shifted(*by).shifted(*(-step for step in by)) == box
    assert box.shifted(*by).shape == box.shape


@given(boxes())
def test_it_is_a_tuple_that_json_and_pickle_carry(drawn):
    box, _ = drawn
    assert Box(*json.loads(json.dumps(box))) == box
    for again in (pickle.loads(pickle.dumps(box)), copy.deepcopy(box)):
        assert again == box
        assert type(again) is Box
    assert (*box.start, *box.stop) == tuple(box)


def test_an_empty_mask_has_all_of_the_image_around_it():
    assert Box.around(torch.zeros(3, 4)) == Box.whole((3, 4)) == Box(0, 0, 3, 4)


def test_its_names_are_those_of_rows_and_columns():
    box = Box(1, 2, 3, 5)
    assert (box.y0, box.x0, box.y1, box.x1) == (1, 2, 3, 5)
    volume = Box(0, 1, 2, 9, 3, 5)
    assert (volume.y0, volume.x0, volume.y1, volume.x1) == (1, 2, 3, 5)
    assert repr(volume) == "Box(z0=0, y0=1, x0=2, z1=9, y1=3, x1=5)"
    assert repr(Box(1, 2)) == "Box(edge0=1, edge1=2)"


@pytest.mark.parametrize("edges", [(), (1,), (1, 2, 3)])
def test_half_a_box_is_refused(edges):
    with pytest.raises(ValueError, match=rf"a start and a stop along every axis.*\(got {len(edges)} edges\)"):
        Box(*edges)
