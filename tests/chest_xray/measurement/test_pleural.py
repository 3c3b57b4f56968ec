"""The share of a field beyond the visceral line, against areas known in closed form."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.chest_xray.anatomy import ContrastUnit
from monai_cars.chest_xray.measurement import measure

SHAPE = (240, 240)
UNIT = ContrastUnit(value=50.0, mediastinum=50.0, aerated=0.0, share=0.5)


def _masks():
    masks = torch.zeros(3, *SHAPE, dtype=torch.uint8)
    masks[0, 20:220, 10:110] = masks[1, 20:220, 130:230] = 1
    return masks


def _texture(seed=0):
    return 3.0 * torch.from_numpy(np.random.default_rng(seed).standard_normal(SHAPE)).float()


def _measure(before, after, operation="insert", spacing=(1.0, 1.0), finding="pleural air"):
    found = measure(finding, before[None], after[None], _masks(), unit=UNIT, spacing=spacing, operation=operation)
    assert found.unit == "fraction"
    return found.value


def _with_air(film, width, side="right", lucency=0.12, markings=0.3):
    """Air in a strip along the lateral wall, the whole height of the field."""
    after = film.clone()
    columns = slice(10, 10 + width) if side == "right" else slice(230 - width, 230)
    after[20:220, columns] = markings * film[20:220, columns] - lucency * UNIT.value
    return after


@settings(max_examples=15, deadline=None)
@given(st.integers(8, 90), st.sampled_from(["right", "left"]), st.integers(0, 100))
def test_a_strip_of_air_is_its_share_of_the_field(width, side, seed):
    film = _texture(seed)
    assert _measure(film, _with_air(film, width, side)) == pytest.approx(width / 100, abs=0.03)


@pytest.mark.parametrize("finding", ["pleural air", "absent lung markings", "lung collapse"])
def test_every_finding_of_air_is_measured_alike(finding):
    film = _texture()
    assert _measure(film, _with_air(film, 40), finding=finding) == pytest.approx(0.4, abs=0.03)


def test_a_deletion_is_measured_as_what_it_took_away():
    film = _texture()
    assert _measure(_with_air(film, 40), film, operation="delete") == pytest.approx(0.4, abs=0.03)


def test_nothing_changed_is_nothing():
    film = _texture()
    assert _measure(film, film) == 0.0


def test_darker_lung_that_keeps_its_markings_is_no_air():
    film = _texture()
    assert _measure(film, _with_air(film, 40, markings=1.0)) == 0.0


def test_lucent_lung_away_from_the_pleura_is_no_pleural_air():
    film = _texture()
    after = film.clone()
    after[80:160, 40:80] = 0.3 * film[80:160, 40:80] - 6.0
    assert _measure(film, after) == 0.0


def test_denser_lung_is_no_air():
    film = _texture()
    assert _measure(film, _with_air(film, 40, lucency=-0.2)) == 0.0


def test_without_a_scale_the_thorax_gives_one():
    film = _texture()
    assert _measure(film, _with_air(film, 40), spacing=None) == pytest.approx(0.4, abs=0.03)


def test_a_field_that_is_not_there_has_no_share():
    film = _texture()
    empty = torch.zeros(3, *SHAPE, dtype=torch.uint8)
    found = measure("pleural air", film[None], film[None] - 9, empty, unit=UNIT, spacing=None)
    assert found.value == 0.0
