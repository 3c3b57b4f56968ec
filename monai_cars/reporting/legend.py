"""Which structures a run's pictures outline, and in which colours: what the run wrote of the organ that it edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

LESION: Colour = (255, 225, 77)
SUPPORT: Colour = (255, 255, 255)
# For structures that come without a colour: bright on a film, told apart by the colour-blind, neither of the above.
PALETTE: tuple[Colour, ...] = ((76, 201, 220), (255, 159, 67), (166, 216, 84), (231, 138, 195))
DARKER = 30
"""Taken from each channel of a colour that is to be read on white."""

# Runs of before `structures` and `unit` stood in run.json.
EARLIER = (
    {"name": "right_lung", "colour": (76, 201, 220)},
    {"name": "left_lung", "colour": (76, 201, 220)},
    {"name": "heart", "colour": (255, 159, 67)},
)
EARLIER_UNIT = "mediastinum minus aerated lung"


def read_structures(run: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Colour]]:
    """Names of the masks' channels in their order, and the colour of each.

    Args:
        run: content of run.json; its `structures` are names, or `{"name": ..., "colour": [red, green, blue]}`.

    Returns:
        The names, and the colours by name.

    Raises:
        ValueError: a colour that is none.

    Example:
        >>> read_structures({"structures": ["wall", {"name": "pool", "colour": [9, 8, 7]}]})
        (('wall', 'pool'), {'wall': (76, 201, 220), 'pool': (9, 8, 7)})
    """
    colours: dict[str, Colour] = {}
    for number, entry in enumerate(run.get("structures", EARLIER)):
        told: Mapping[str, Any] = {"name": entry} if isinstance(entry, str) else entry
        colours[told["name"]] = _colour(told["name"], told.get("colour", PALETTE[number % len(PALETTE)]))
    return tuple(colours), colours


def read_unit(run: Mapping[str, Any]) -> str:
    """What one contrast unit is, in words: `unit` of run.json.

    Example:
        >>> read_unit({"unit": "pool minus wall"})
        'pool minus wall'
    """
    return str(run.get("unit", EARLIER_UNIT))


def _colour(name: str, told: Sequence[int]) -> Colour:
    if len(told) != 3 or not all(isinstance(part, int) and 0 <= part <= 255 for part in told):
        raise ValueError(f"colour of {name!r} must be three whole numbers from 0 to 255 (got {told}); mend run.json")
    red, green, blue = told
    return red, green, blue


def grouped(structures: Sequence[str], colours: Mapping[str, Colour]) -> list[tuple[str, Colour]]:
    """What a legend says: structures of one colour share an entry.

    Example:
        >>> colours = {"left_ear": (1, 1, 1), "right_ear": (1, 1, 1), "nose": (2, 2, 2)}
        >>> grouped(tuple(colours), colours)
        [('left ear, right ear', (1, 1, 1)), ('nose', (2, 2, 2))]
    """
    entries: dict[Colour, list[str]] = {}
    for name in structures:
        entries.setdefault(colours[name], []).append(name.replace("_", " "))
    return [(", ".join(names), colour) for colour, names in entries.items()]


def hexadecimal(colour: Colour) -> str:
    """A colour as HTML and matplotlib take it.

    Example:
        >>> hexadecimal((76, 201, 220))
        '#4cc9dc'
    """
    return "#" + "".join(f"{part:02x}" for part in colour)


def on_white(colour: Colour) -> str:
    """The same, darker.

    Example:
        >>> on_white((255, 10, 31))
        '#e10001'
    """
    red, green, blue = (max(part - DARKER, 0) for part in colour)
    return hexadecimal((red, green, blue))
