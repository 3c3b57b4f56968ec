"""The share of a field over which fine texture was added, against patterns of known extent."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.chest_xray.anatomy import ContrastUnit
from monai_cars.chest_xray.measurement import measure
from monai_cars.chest_xray.measurement.reticulation import texture

SHAPE = (240, 240)
UNIT = ContrastUnit(value=50.0, mediastinum=50.0, aerated=0.0, share=0.5)


def _masks(present=True):
    masks = torch.zeros(3, *SHAPE, dtype=torch.uint8)
    if present:
        masks[0, 20:220, 10:110] = masks[1, 20:220, 130:230] = 1
    return masks


def _grain(seed=0, size=1.0):
    return size * torch.from_numpy(np.random.default_rng(seed).standard_normal(SHAPE)).float()


def _lines(height=10.0):
    pattern = torch.zeros(SHAPE)
    pattern[:, ::4] = height
    return pattern


def _share(before, after, masks=None, operation="insert", spacing=(1.0, 1.0)):
    masks = _masks() if masks is None else masks
    found = measure(
        "irregular parenchyma", before[None], after[None], masks, unit=UNIT, spacing=spacing, operation=operation
    )
    return None if found is None else found.value


@pytest.mark.parametrize("rows", [40, 100, 160])
def test_the_share_is_the_part_of_the_field_that_carries_lines(rows):
    pattern = _lines()
    pattern[20 + rows :] = 0
    pattern[:, 120:] = 0
    assert _share(_grain(), _grain() + pattern) == pytest.approx(rows / 200, abs=0.04)


def test_the_worse_side_counts():
    pattern = _lines()
    pattern[100:, :120] = 0
    pattern[160:, 120:] = 0
    assert _share(_grain(), _grain() + pattern) == pytest.approx(0.7, abs=0.04)


def test_the_heart_is_left_out():
    masks = _masks()
    masks[2, 20:120, 10:110] = 1
    pattern = _lines()
    pattern[120:] = 0
    pattern[:, 120:] = 0
    assert _share(_grain(), _grain() + pattern, masks) < 0.08


def test_haze_is_no_reticulation():
    rows = np.mgrid[: SHAPE[0], : SHAPE[1]][0]
    haze = torch.from_numpy(20.0 * np.exp(-0.5 * ((rows - 120) / 30) ** 2)).float()
    assert _share(_grain(), _grain() + haze) == 0.0


def test_lines_that_the_texture_hides_do_not_count():
    assert _share(_grain(size=0.5), _grain(size=0.5) + _lines(3.0)) > 0.9
    assert _share(_grain(size=12.0), _grain(size=12.0) + _lines(3.0)) == 0.0


def test_a_tube_over_the_field_hides_nothing_beside_it():
    tubes = torch.zeros(SHAPE)
    tubes[:, 50:54] = 60.0
    assert _share(_grain() + tubes, _grain() + tubes + _lines()) > 0.95


def test_a_deletion_measures_what_was_taken_away():
    assert _share(_grain() + _lines(), _grain(), operation="delete") == pytest.approx(1.0, abs=0.02)


def test_without_change_nothing_and_without_lungs_none():
    assert _share(_grain(), _grain()) == 0.0
    assert _share(_grain(), _grain() + _lines(), _masks(False)) is None


def test_a_film_without_scale_is_measured_by_its_thorax():
    # Lungs 220 px wide: 280 mm over 220 px is near the millimetre a pixel that was given above.
    assert _share(_grain(), _grain() + _lines(), spacing=None) > 0.95


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.floats(0.1, 20.0), st.floats(0.4, 1.5))
def test_texture_scales_with_the_film_and_not_with_its_level(seed, factor, spacing):
    film = _grain(seed).numpy()
    one, scaled = texture(film, spacing), texture(factor * film + 7.0, spacing)
    assert np.allclose(scaled, factor * one, rtol=1e-3, atol=1e-4)
    assert (one > 0).all()
