"""Vessels are told from ribs by width and direction."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.chest_xray.editors.canvas.canvas import Canvas
from monai_cars.chest_xray.editors.lung.lung_markings import grain_like, lung_markings, spread

SHAPE = (160, 160)


def _canvas(u: np.ndarray) -> Canvas:
    masks = np.zeros((3, *u.shape), bool)
    masks[0, 10:120, 10:150] = True
    return Canvas(u.astype(np.float32), masks, 1, torch.from_numpy(u).float(), 1.0, "erect")


def _ribs() -> np.ndarray:
    """Bands 12 mm high every 30 mm: wider than any peripheral vessel."""
    y = np.arange(SHAPE[0])[:, None] * np.ones(SHAPE)
    return 0.2 * ((y % 30) < 12)


def _vessels() -> np.ndarray:
    """Lines 2 mm wide across the ribs, every 15 mm."""
    x = np.arange(SHAPE[1])[None] * np.ones(SHAPE)
    return 0.15 * ((x % 15) < 2)


def test_ribs_are_no_markings():
    found = lung_markings(_canvas(_ribs()))[20:140, 20:140]
    assert np.percentile(np.abs(found), 95) < 0.03


def test_vessels_that_cross_the_ribs_are():
    found = lung_markings(_canvas(_ribs() + _vessels()))[20:140, 20:140]
    vessels = _vessels()[20:140, 20:140]
    assert np.corrcoef(found.ravel(), vessels.ravel())[0, 1] > 0.9
    on, beside = found[vessels > 0].mean(), found[vessels == 0].mean()
    assert on - beside == pytest.approx(0.15, rel=0.3)


@settings(max_examples=10, deadline=None)
@given(st.floats(-0.3, 0.8), st.sampled_from([(64, 64), (65, 90), (33, 40)]))
def test_a_flat_film_has_none(level, shape):
    found = lung_markings(Canvas(np.full(shape, level, np.float32), np.ones((3, *shape), bool), 1, None, 1.0, None))
    assert found.shape == shape
    assert np.abs(found).max() < 0.01  # a level of the median


@settings(max_examples=6, deadline=None)
@given(st.floats(0.005, 0.05), st.integers(0, 1000))
def test_grain_is_as_strong_as_the_films_own(sigma, seed):
    u = sigma * np.random.default_rng(seed).standard_normal(SHAPE)
    canvas = _canvas(u)
    own = lung_markings(canvas)
    grain = grain_like(canvas, own, canvas.lung("right"), torch.Generator().manual_seed(seed))
    assert 0.6 < spread(grain) / spread(own) < 1.3


def test_a_film_without_grain_gets_none():
    canvas = _canvas(np.zeros(SHAPE))
    grain = grain_like(canvas, np.zeros(SHAPE), canvas.lung("right"), torch.Generator().manual_seed(0))
    assert np.abs(grain).max() == 0


def test_the_spread_of_nothing_is_nothing():
    assert spread(np.array([])) == 0.0
