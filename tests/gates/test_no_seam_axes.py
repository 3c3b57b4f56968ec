"""A seam is judged along every axis: films drawn out to volumes, axes exchanged, crops taken narrow or wide."""

from dataclasses import replace
from itertools import permutations

import pytest
import torch
from phantom_film import context

from monai_cars.edits.box import Box
from monai_cars.edits.edit import Edit
from monai_cars.gates import NoSeam

INSERT = Edit("insert", "nodule")


def score(before, after, support, box=None):
    """What the check finds of a crop of the image, of all of it when None."""
    seen = context(INSERT, support, image=before, anatomy=torch.zeros(1, *support.shape, dtype=torch.uint8))
    if box is not None:
        seen = replace(seen, box=box, support=support[box.slices], lesion=support[box.slices])
    return NoSeam()(before, after, seen)


def grain(shape, seed=0):
    return 3 * torch.randn(1, *shape, generator=torch.Generator().manual_seed(seed))


def block(shape, start=5, stop=12):
    support = torch.zeros(shape, dtype=torch.bool)
    support[tuple(slice(start, stop) for _ in shape)] = True
    return support


def test_a_film_drawn_out_to_a_volume_has_the_seam_of_the_film():
    film, support = grain((20, 24)), block((20, 24))
    flat = score(film, film + 15.0 * support, support)
    deep, inside = film[:, None].repeat(1, 6, 1, 1), support[None].repeat(6, 1, 1)
    assert score(deep, deep + 15.0 * inside, inside).value == pytest.approx(flat.value, rel=1e-5)
    assert flat.verdict == "fail"


@pytest.mark.parametrize("order", list(permutations(range(3)))[1:])
def test_the_order_of_the_axes_does_not_matter(order):
    before, support = grain((16, 18, 20)), block((16, 18, 20))
    after = before + 9.0 * support
    laid = [part.permute(0, *(1 + axis for axis in order)) for part in (before, after, support[None])]
    assert score(laid[0], laid[1], laid[2][0]).value == pytest.approx(score(before, after, support).value, rel=1e-6)


@pytest.mark.parametrize("axis", range(3))
def test_a_step_across_any_axis_is_seen(axis):
    """A slab that reaches through the whole volume along the two other axes: it can only end along this one."""
    shape = (18, 18, 18)
    support = torch.zeros(shape, dtype=torch.bool)
    support.movedim(axis, 0)[6:12] = True
    before = grain(shape)
    result = score(before, before + 60.0 * support, support)
    assert result.verdict == "fail"
    assert result.value > 10
    soft = torch.zeros(shape)
    soft.movedim(axis, 0)[6:12] = torch.tensor([1.0, 2.0, 3.0, 3.0, 2.0, 1.0])[:, None, None]
    assert score(before, before + soft, support).verdict == "pass"


@pytest.mark.parametrize("shape", [(24, 26), (18, 20, 22)])
def test_a_narrow_crop_is_judged_as_a_wide_one(shape):
    before, support = grain(shape), block(shape)
    after = before + 15.0 * support
    whole = score(before, after, support).value
    for margin in (0, 1, 3):
        box = Box.around(support).grown(margin, shape)
        assert score(before, after, support, box).value == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("shape", [(12, 14), (8, 9, 10)])
def test_a_support_of_everything_has_no_border(shape):
    before = grain(shape)
    result = score(before, before + 50.0, torch.ones(shape, dtype=torch.bool))
    assert (result.verdict, result.reason) == ("unavailable", "the support is the whole film: it has no border")
    nothing = score(before, before, torch.zeros(shape, dtype=torch.bool))
    assert (nothing.verdict, nothing.reason) == ("unavailable", "the support is empty")
