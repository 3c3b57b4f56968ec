"""A bar of known density that moved by a known distance."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import UNIT
from scipy import ndimage

from monai_cars.chest_xray.measurement import measure
from monai_cars.chest_xray.measurement.displacement import fracture_displacement
from monai_cars.edits.change import Change
from monai_cars.edits.film import Film, Scale
from monai_cars.files.header import Header

SIZE = (200, 240)


def films(step: float, *, slope: float = 0.15, height: float = 10.0, texture: float = 0.0, spacing: float = 0.7):
    """A rib over an uneven lung, whole and broken at the middle; lengths in mm."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] * spacing
    axis = 60 + slope * (x - 80)
    rng = np.random.default_rng(0)
    lung = 0.1 * ndimage.gaussian_filter(rng.standard_normal(SIZE), 9.0) / 0.03 + 0.002 * y
    lung = lung + texture * rng.standard_normal(SIZE)
    fade = np.clip((150 - x) / 55, 0, 1) * (x > 84)

    def rib(offset):
        across = np.abs(y - axis - offset) * np.cos(np.arctan(slope))
        return 15.0 * np.clip((height / 2 - across) / spacing + 0.5, 0, 1)

    moved = np.where(x > 84, rib(step * np.clip(fade * 1.3, 0, 1) / np.cos(np.arctan(slope))), rib(0.0))
    return tuple(torch.from_numpy((100 * lung + part).astype(np.float32)) for part in (rib(0.0), moved))


def change_of(before, after, spacing: float | None = 0.7, operation: str = "insert") -> Change:
    masks = torch.ones(3, *SIZE, dtype=torch.uint8)
    scale = Scale((spacing, spacing)) if spacing else Scale()
    film = Film(before[None], masks, Header("memory", "", "tensor"), UNIT, scale)
    return Change(film, after[None], operation, "fracture")


@settings(max_examples=12, deadline=None)
@given(st.floats(2.0, 10.0), st.booleans(), st.floats(-0.3, 0.3), st.floats(7.5, 13.0))
def test_the_step_is_found_whatever_the_ribs_slope_and_height(step, up, slope, height):
    found = fracture_displacement(change_of(*films(-step if up else step, slope=slope, height=height)))
    assert found.unit == "mm"
    assert found.value == pytest.approx(step, abs=0.5)


def test_the_step_is_found_under_noise_that_both_films_share():
    assert fracture_displacement(change_of(*films(6.0, texture=0.03))).value == pytest.approx(6.0, abs=0.6)


def test_it_is_monotone():
    steps = [fracture_displacement(change_of(*films(step))).value for step in (2.0, 4.0, 6.0, 8.0, 10.0)]
    assert steps == sorted(steps)


def test_a_removed_step_measures_the_same():
    before, after = films(5.0)
    assert fracture_displacement(change_of(after, before, operation="delete")).value == pytest.approx(5.0, abs=0.5)


def test_a_film_that_did_not_change_measures_nothing():
    before, _ = films(5.0)
    assert fracture_displacement(change_of(before, before.clone())).value == 0.0


def test_without_a_scale_it_is_unknown():
    assert fracture_displacement(change_of(*films(5.0), spacing=None)) is None


def test_it_is_how_a_fracture_is_measured():
    before, after = films(4.0)
    masks = torch.ones(3, *SIZE, dtype=torch.uint8)
    found = measure("fracture", before[None], after[None], masks, unit=UNIT, spacing=(0.7, 0.7))
    assert found == fracture_displacement(change_of(before, after))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31))
def test_any_change_gives_an_amount_within_reach(seed):
    rng = np.random.default_rng(seed)
    before = torch.from_numpy(rng.standard_normal(SIZE).astype(np.float32)) * 20
    patch = before.clone()
    y, x = rng.integers(0, 150, 2)
    patch[y : y + 40, x : x + 40] += float(rng.normal(0, 40))
    found = fracture_displacement(change_of(before, patch))
    assert 0.0 <= found.value <= 14.0
