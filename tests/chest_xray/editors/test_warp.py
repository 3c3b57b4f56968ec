"""A border moves by a monotone map of each row; what crosses it stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.chest_xray.editors.canvas.warp import Border, along_rows, push, source, swept


def _border(shift: float, rows: int = 60, place: float = 40.0) -> Border:
    return Border(*(np.full(rows, v, np.float32) for v in (place, shift, 25.0, 30.0, 8.0)))


def _step(rows: int = 60, columns: int = 100, place: float = 40.0) -> np.ndarray:
    """Dense (1) up to a column, aerated (0) beyond, over an edge of four columns."""
    x = np.arange(columns, dtype=np.float32)
    return np.tile(np.clip(0.5 - (x - place) / 4, 0, 1), (rows, 1)).astype(np.float32)


def test_without_a_shift_nothing_moves():
    u = _step()
    pushed = push(u, np.ones(u.shape, bool), _border(0.0), 1.0)
    assert np.allclose(pushed.after, pushed.before, atol=1e-6)
    assert not pushed.cover.any()


@pytest.mark.parametrize("shift", [-12.0, -5.0, 5.0, 18.0])
def test_a_step_moves_by_the_shift_and_keeps_its_sharpness(shift):
    u = _step()
    pushed = push(u, np.ones(u.shape, bool), _border(shift), 1.0)
    moved = _step(place=40.0 + shift)
    assert np.abs(pushed.after - moved)[20:40, 20:80].max() < 0.02
    band = pushed.cover[30] > 0.5
    assert band.sum() == pytest.approx(abs(shift), abs=1)


def test_ribs_that_cross_the_border_are_not_in_the_profile():
    u = _step(rows=200)
    ribs = 0.2 * (np.sin(2 * np.pi * np.arange(200) / 25)[:, None] > 0.3)
    border = Border(*(np.full(200, v, np.float32) for v in (40.0, 10.0, 25.0, 30.0, 8.0)))
    pushed = push(u + ribs, np.ones(u.shape, bool), border, 1.0)
    change = (pushed.after - pushed.before)[50:150, 42:48]
    assert np.ptp(change, axis=0).max() < 0.25 * 0.2


@settings(max_examples=40, deadline=None)
@given(st.floats(-14, 40), st.floats(15, 60), st.floats(5, 60), st.floats(0, 7))
def test_the_map_is_monotone_and_rests_at_both_ends(shift, inner, outer, rim):
    outer = max(outer, -shift * 1.05)
    border = Border(*(np.array([v]) for v in (0.0, shift, inner + max(-shift, 0), outer, rim)))
    distance = np.linspace(-150, 250, 2001)[None]
    old = source(distance, border)
    assert (np.diff(old) >= -1e-9).all()
    outside = (distance < -border.inner[0]) | (distance > max(shift, 0) + rim / 2 + outer + 1e-6)
    assert np.allclose(old[outside], distance[outside])
    assert abs(float(np.interp(shift, distance[0], old[0]))) < 0.5


def test_the_swept_band_is_empty_where_the_border_stays():
    border = Border(*(np.array(v, np.float32) for v in ([0.0, 0.0], [0.0, 6.0], [9.0, 9.0], [9.0, 9.0], [3.0, 3.0])))
    band = swept(np.arange(-10, 11, dtype=np.float32)[None] * np.ones((2, 1), np.float32), border, 1.0)
    assert not band[0].any()
    assert band[1].max() == 1.0


def test_rows_are_interpolated_linearly_and_held_at_the_ends():
    array = np.array([[0.0, 10.0, 20.0], [5.0, 5.0, 5.0]])
    columns = np.array([[-1.0, 0.5, 9.0], [0.0, 1.0, 2.0]])
    assert along_rows(array, columns).tolist() == [[0.0, 5.0, 20.0], [5.0, 5.0, 5.0]]
