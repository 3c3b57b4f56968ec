"""Lobulated shadows: closed forms of their size, and what they add where."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.chest_xray.editors.lung.lump import SAMPLES, Lump, fitted, laid, lobulated, stranded, visible_diameter


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 5), st.floats(0.8, 2.5))
def test_a_profile_peaks_at_one_and_ends_within_its_grid(seed, lobes, stretch):
    profile = lobulated(lobes, stretch, generator(seed))
    assert profile.shape == (SAMPLES, SAMPLES)
    assert profile.max() == pytest.approx(1.0)
    assert profile.min() >= 0
    assert max(profile[:, [0, -1]].max(), profile[[0, -1]].max()) < 0.05


def test_a_stretched_profile_is_taller_than_wide():
    profile = lobulated(1, 2.5, generator(1)) > 0.25
    assert profile.any(1).sum() > 1.6 * profile.any(0).sum()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31))
def test_strands_run_towards_the_lung(seed):
    smooth = lobulated(2, 1.0, generator(seed))
    found = stranded(smooth, 0.0, generator(seed))
    added = found - smooth
    assert added.min() >= -0.25
    assert found.max() == pytest.approx(1.0)
    assert added.max() < 0.6
    middle = SAMPLES // 2
    beyond = smooth < 0.01
    assert added[:, middle:][beyond[:, middle:]].sum() > 2 * added[:, :middle][beyond[:, :middle]].sum()
    assert added[beyond].min() > -0.01


def test_a_disc_has_its_diameter():
    y, x = np.mgrid[:101, :101]
    assert visible_diameter(1.0 * (np.hypot(y - 50, x - 50) <= 20)) == pytest.approx(40, rel=0.03)
    assert visible_diameter(np.zeros((5, 5))) == 0.0


def test_only_the_largest_of_several_counts():
    y, x = np.mgrid[:101, :201]
    two = (np.hypot(y - 50, x - 50) <= 20) + 0.9 * (np.hypot(y - 50, x - 150) <= 12)
    assert visible_diameter(two) == pytest.approx(40, rel=0.03)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31), st.floats(15, 60))
def test_lumps_over_lung_are_fitted_to_the_asked_diameter(seed, aim):
    lumps = [
        Lump((100.0, 100.0), lobulated(3, 1.1, generator(seed)), 1.0, 0.4),
        Lump((100.0, 250.0), lobulated(2, 1.1, generator(seed + 1)), 0.7, 0.3),
    ]
    density = fitted(lumps, aim, np.zeros((200, 340)), soft=1.0)
    assert visible_diameter(density) == pytest.approx(aim, rel=0.03)


def test_nothing_is_added_where_the_film_is_white():
    low = np.zeros((200, 200))
    low[:, :100] = 1.1
    density = laid([Lump((100.0, 100.0), lobulated(1, 1.0, generator(0)), 1.0, 0.4)], 40.0, low, soft=0.0)
    assert density[:, :100].max() == 0.0
    assert density[:, 100:].max() > 0.3


def test_nodes_that_take_the_lungs_place_never_exceed_their_own_density():
    low = np.tile(np.linspace(0.0, 1.0, 200), (200, 1))
    lump = Lump((100.0, 100.0), lobulated(1, 1.0, generator(0)), 1.0, 1.0, fill=0.7)
    after = low + laid([lump], 40.0, low, soft=0.0)
    assert (after <= np.maximum(low, 0.7) + 1e-6).all()
    assert after[100, 90] == pytest.approx(0.7, abs=0.1)


def test_a_lump_at_the_films_border_is_cut_by_it():
    lump = Lump((2.0, 198.0), lobulated(1, 1.0, generator(0)), 1.0, 0.4)
    assert laid([lump], 30.0, np.zeros((200, 200)), soft=0.0).shape == (200, 200)
