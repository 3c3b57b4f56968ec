import math

import numpy as np
import pytest

from monai_cars.synthesis import settings
from monai_cars.synthesis.settings import SettingError


@pytest.mark.parametrize("value", ["3", "x", 1.5, 3.0, True, None, [3], math.nan, np.float64(3)])
def test_a_whole_number_is_not_what_merely_looks_like_one(value):
    with pytest.raises(SettingError, match=r"seed must be a whole number from 0 to 9 \(got "):
        settings.whole("seed", value, 0, 9)


@pytest.mark.parametrize(
    ("value", "bound"), [(-1, "at least 0"), (10, "at most 9"), (10**5000, "at most 9")], ids=["low", "high", "huge"]
)
def test_a_whole_number_lies_in_its_range(value, bound):
    with pytest.raises(SettingError, match=rf"seed must be {bound} \(got "):
        settings.whole("seed", value, 0, 9)


def test_whole_numbers_of_numpy_are_taken():
    assert settings.whole("seed", np.int64(3), 0, 9) == 3


@pytest.mark.parametrize(
    ("call", "value", "message"),
    [
        (settings.text, "", "x must be text, got ''"),
        (settings.text, 3, "x must be text, got 3"),
        (settings.place, 3, "x must be the path of a file or folder, got 3"),
        (settings.place, "", "x must be the path of a file or folder, got ''"),
        (settings.place, "a\0b", r"x must be the path of a file or folder, got 'a\?b'"),
        (settings.truth, 1, "x must be True or False, got 1"),
        (settings.truth, "yes", "x must be True or False, got 'yes'"),
        (settings.rows, "abc", "x must be a list of mappings, got 'abc'"),
        (settings.rows, {"a": 1}, "x must be a list of mappings, got {'a': 1}"),
        (settings.rows, [{}, 3], r"x\[1\] must be a mapping of fields to values, got 3"),
        (settings.rows, [{3: 1}], r"x\[0\] must be a mapping of fields to values, got {3: 1}"),
    ],
)
def test_a_setting_is_of_its_kind(call, value, message):
    with pytest.raises(SettingError, match=message):
        call("x", value)


def test_one_of_some_words():
    assert settings.one_of("names", "kept", ("kept", "other")) == "kept"
    for value in ("gone", 3, ["kept"]):
        with pytest.raises(SettingError, match="names must be one of kept, other, got"):
            settings.one_of("names", value, ("kept", "other"))


def test_numbers_that_a_float_can_hold():
    assert all(settings.is_number(value) for value in (1, 0.5, math.nan, np.float32(1)))
    assert not any(settings.is_number(value) for value in (True, "1", None, 10**400, [1], 1j))
