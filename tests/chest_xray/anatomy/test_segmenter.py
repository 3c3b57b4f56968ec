import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from phantom import phantom
from scipy import ndimage

from monai_cars.chest_xray.anatomy import AnatomySegmenter, load_segmenter
from monai_cars.chest_xray.anatomy.segmenter import _box, _filled, _merge, _one_piece
from monai_cars.chest_xray.training.anatomy_films import films_with_lungs, masks_of, read_grey

FILM = phantom(size=(200, 180), seed=5)


class Darkness(torch.nn.Module):
    """A network that takes what is darker than the middle for lung, by its half of the image."""

    def forward(self, x):
        dark = -x
        half = torch.linspace(-1, 1, x.shape[-1]).expand_as(x)
        return torch.cat([torch.where(half < 0, dark, -9), torch.where(half > 0, dark, -9), x - 5], 1)


def dice(a, b):
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def test_masks_have_the_films_own_size_and_the_inputs_device():
    masks = AnatomySegmenter(Darkness())(FILM.image)
    assert masks.shape == (3, 200, 180)
    assert masks.dtype == torch.uint8
    assert set(masks.unique().tolist()) <= {0, 1}


@settings(max_examples=8, deadline=None)
@given(st.floats(0.01, 100), st.floats(-1000, 1000))
def test_the_intensity_scale_does_not_matter(slope, offset):
    segment = AnatomySegmenter(Darkness())
    before, after = segment(FILM.image.double()), segment(FILM.image.double() * slope + offset)
    assert (before != after).float().mean() < 1e-3


def test_the_second_look_keeps_a_small_chest_in_place():
    wide = torch.full((1, 400, 400), 3500.0)
    wide[:, 150:350, 100:280] = FILM.image
    close, far = AnatomySegmenter(Darkness())(wide), AnatomySegmenter(Darkness(), second_look=False)(wide)
    assert dice(close[0] > 0, far[0] > 0) > 0.9


def test_the_mirrored_look_of_a_symmetric_network_changes_nothing():
    plain, mirrored = AnatomySegmenter(Darkness()), AnatomySegmenter(Darkness(), mirror=True)
    assert (plain(FILM.image) != mirrored(FILM.image)).float().mean() < 0.01


def test_islands_go_and_holes_are_filled():
    logits = np.full((20, 20), -3.0, np.float32)
    logits[2:12, 2:12] = 3
    logits[5:7, 5:7] = -3
    logits[16:18, 16:18] = 3
    mask = _one_piece(logits) > 0
    assert mask[5, 5]
    assert not mask[16, 16]
    assert mask.sum() == 100
    empty = _one_piece(np.full((4, 4), -1.0, np.float32))
    assert not (empty > 0).any()


def test_no_second_look_where_nothing_is_found_or_gained():
    assert _box(torch.full((1, 3, 16, 16), -1.0), 100, 100) is None
    assert _box(torch.full((1, 3, 16, 16), 1.0), 100, 100) is None


def test_looks_are_averaged_only_inside_the_box():
    merged = _merge(torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8), (0, 50, 0, 100), (100, 100))
    assert merged.shape == (1, 3, 16, 16)
    assert (merged[..., :8, :] == 0.5).all()
    assert not merged[..., 8:, :].any()


def test_odd_inputs_are_refused():
    segment = AnatomySegmenter(Darkness())
    with pytest.raises(ValueError, match=r"image must have shape \(1, H, W\) \(got \(3, 9, 9\)\); take one channel"):
        segment(torch.zeros(3, 9, 9))
    with pytest.raises(ValueError, match="image must be finite"):
        segment(torch.full((1, 9, 9), torch.nan))


def test_one_segmenter_a_process_that_takes_meta_tensors_and_gives_plain_ones():
    segment = load_segmenter()
    assert load_segmenter() is segment
    masks = segment(MetaTensor(FILM.image))
    assert type(masks) is torch.Tensor


def test_real_lungs_are_found(shared_data):
    films = films_with_lungs(shared_data)[::28]
    segment = load_segmenter()
    for film in films:
        found = segment(torch.from_numpy(read_grey(film.image))[None].float()).numpy() > 0
        truth = masks_of(film)[0] > 0
        assert dice(found[:2].any(0), truth[:2].any(0)) > 0.9
        assert 0.01 < found[2].mean() < 0.3


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 3))
def test_holes_are_those_of_scipy(seed, smooth):
    mask = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(30, 25)), smooth) > 0
    assert np.array_equal(_filled(mask), ndimage.binary_fill_holes(mask))
