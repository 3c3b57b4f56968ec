"""The options of a run, each of the kind and in the range that it has to be; any other is refused before any work."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from monai_cars.echo import echo

MOST_SEED = 2**63 - 1
MOST_ATTEMPTS = 1000


class SettingError(ValueError):
    """An option has a value that it cannot have; the message names it, the rule and the value got."""


def whole(name: str, value: Any, low: int, high: int) -> int:
    """A whole number in a range, none that merely looks like one.

    Raises:
        SettingError: text, a fraction, true or false, or out of range.

    Example:
        >>> whole("seed", 3, 0, 9)
        3
        >>> whole("seed", "3", 0, 9)
        Traceback (most recent call last):
        monai_cars.synthesis.settings.SettingError: seed must be a whole number from 0 to 9 (got '3')
    """
    number = value if isinstance(value, int) and not isinstance(value, bool) else _index(value)
    if number is None:
        raise SettingError(f"{name} must be a whole number from {low} to {high} (got {echo(value)})")
    if number < low:
        raise SettingError(f"{name} must be at least {low} (got {echo(number)})")
    if number > high:
        raise SettingError(f"{name} must be at most {high} (got {echo(number)})")
    return number


def _index(value: Any) -> int | None:
    """NumPy's integers are whole numbers too."""
    if isinstance(value, (bool, float)) or not hasattr(value, "__index__"):
        return None
    return int(value.__index__())


def text(name: str, value: Any) -> str:
    """Text that says something.

    Raises:
        SettingError: anything else.
    """
    if not isinstance(value, str) or not value.strip():
        raise SettingError(f"{name} must be text, got {echo(value)}")
    return value


def place(name: str, value: Any) -> str:
    """The path of a file or folder.

    Raises:
        SettingError: anything else.
    """
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value) or "\0" in str(value):
        raise SettingError(f"{name} must be the path of a file or folder, got {echo(value)}")
    return str(value)


def truth(name: str, value: Any) -> bool:
    """True or False, also as a command line hands JSON's spelling of them over.

    Raises:
        SettingError: anything else.

    Example:
        >>> truth("progress", "false"), truth("progress", True)
        (False, True)
    """
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise SettingError(f"{name} must be True or False, got {echo(value)}")
    return value


def one_of(name: str, value: Any, allowed: Sequence[str]) -> str:
    """One of some words.

    Raises:
        SettingError: anything else.
    """
    if not isinstance(value, str) or value not in allowed:
        raise SettingError(f"{name} must be one of {', '.join(allowed)}, got {echo(value)}")
    return value


def rows(name: str, value: Any) -> list[dict[str, Any]]:
    """A list of mappings.

    Raises:
        SettingError: anything else; the message names the first row that is none.
    """
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Sequence):
        raise SettingError(f"{name} must be a list of mappings, got {echo(value)}")
    for number, row in enumerate(value):
        if not isinstance(row, Mapping) or not all(isinstance(key, str) for key in row):
            raise SettingError(f"{name}[{number}] must be a mapping of fields to values, got {echo(row)}")
    return [dict(row) for row in value]


def is_number(value: Any) -> bool:
    """Tell a number that a float can hold, NaN too; true and false are none, nor is text that looks like one."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True
