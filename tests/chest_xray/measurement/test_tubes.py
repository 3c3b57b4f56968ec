"""The length of what was added is that of its middle line, whatever its width and direction."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.chest_xray.anatomy import ContrastUnit
from monai_cars.chest_xray.anatomy.line_length import line_length
from monai_cars.chest_xray.measurement.tubes import device_length
from monai_cars.edits.change import Change
from monai_cars.edits.film import Film, Scale
from monai_cars.files.header import Header

UNIT = ContrastUnit(100.0, 100.0, 0.0, 0.5)


def _line(angle: float, length: float = 150.0, width: float = 3.0) -> np.ndarray:
    y, x = np.mgrid[:200, :200] - 100.0
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle)
    return 0.3 * (np.abs(along) <= length / 2) * (np.abs(across) <= width / 2)


def _change(added: np.ndarray, operation: str = "insert", spacing=(1.0, 1.0)) -> Change:
    before = torch.zeros(added.shape)
    after = torch.from_numpy(100.0 * added).float()
    pair = (after, before) if operation == "delete" else (before, after)
    anatomy = torch.ones(3, *added.shape, dtype=torch.uint8)
    film = Film(pair[0][None], anatomy, Header("memory", "", "tensor"), UNIT, Scale(spacing))
    return Change(film, pair[1][None], operation, "support devices")


@settings(max_examples=20, deadline=None)
@given(st.floats(0, np.pi), st.floats(2.5, 6.0))
def test_a_line_has_its_length_at_every_angle(angle, width):
    # The length depends on the direction: by some per cent, and by up to a quarter where a thin line is diagonal.
    assert line_length(_line(angle, width=width), 1.0) == pytest.approx(150, rel=0.25)


def test_both_walls_of_a_tube_are_one_line():
    walls = np.zeros((100, 240))
    walls[46:48, 20:220] = walls[51:53, 20:220] = 0.3
    assert line_length(walls, 1.0) == pytest.approx(200, rel=0.08)


def test_lengths_add_up_and_specks_count_nothing():
    two = np.zeros((200, 240))
    two[40:43, 20:220] = two[140:143, 20:120] = 0.3
    two[90:93, 100:103] = 0.3
    assert line_length(two, 1.0) == pytest.approx(300, rel=0.08)
    assert line_length(np.zeros((50, 50)), 1.0) == 0.0


@pytest.mark.parametrize("operation", ["insert", "delete"])
def test_what_came_and_what_went_are_measured_alike(operation):
    assert device_length(_change(_line(0.3), operation)).value == pytest.approx(150, rel=0.09)


def test_the_scale_counts_and_without_one_there_is_no_length():
    assert device_length(_change(_line(0.3), spacing=(0.5, 0.5))).value == pytest.approx(75, rel=0.09)
    assert device_length(_change(_line(0.3), spacing=None)) is None


def test_a_large_film_is_measured_like_a_small_one():
    large = np.kron(_line(0.3), np.ones((6, 6)))
    assert device_length(_change(large, spacing=(1 / 6, 1 / 6))).value == pytest.approx(150, rel=0.09)
