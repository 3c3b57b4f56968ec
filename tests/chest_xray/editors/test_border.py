"""Where the border of a dense shadow runs: from the mask, and from the film."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.chest_xray.editors.mediastinum.border import closed, outermost, snapped


def test_the_outermost_column_and_rows_without_any():
    mask = np.zeros((3, 6), bool)
    mask[0, 1:4], mask[2, 5] = True, True
    line = outermost(mask)
    assert line[[0, 2]].tolist() == [3.0, 5.0]
    assert np.isnan(line[1])


def test_gaps_and_notches_are_closed_and_bulges_stay():
    line = np.full(80, 20.0)
    line[30:38], line[50], line[60:70] = 12.0, np.nan, 26.0
    assert (closed(line, 1.0)[:55] == 20.0).all()
    assert (closed(line, 1.0)[60:70] == 26.0).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(-5, 5))
def test_the_films_own_border_is_found_near_a_wrong_one(seed, offset):
    rng = np.random.default_rng(seed)
    y = np.arange(120)
    truth = 60 + 10 * np.sin(y / 40)
    film = 1 / (1 + np.exp(np.arange(130)[None] - truth[:, None])) + 0.02 * rng.standard_normal((120, 130))
    found = snapped(film.astype(np.float32), truth + offset, slice(0, 120), 1.0)
    assert np.abs(found - truth)[10:-10].max() < 1.6


def test_rows_in_which_the_border_is_not_seen_keep_the_line():
    film = np.zeros((60, 80), np.float32)
    film[:, :43] = 1.0
    found = snapped(film, np.full(60, 40.0), slice(20, 22), 1.0)
    assert found == pytest.approx(np.full(60, 40.0))
