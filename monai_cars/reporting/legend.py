"""Which structures a run's pictures outline, and in which colours: what the run wrote of the organ that it edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_cars.echo import echo

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

LESION: Colour = (255, 225, 77)
SUPPORT: Colour = (255, 255, 255)
# For structures that come without a colour: bright on a film, told apart by the colour-blind, neither of the above.
PALETTE: tuple[Colour, ...] = ((76, 201, 220), (255, 159, 67), (166, 216, 84), (231, 138, 195))
DARKER = 30
"""Taken from each channel of a colour that is to be read on white."""

# What runs were of before they wrote `structures`, `colours` and `unit` into run.json.
EARLIER_STRUCTURES = ("right_lung", "left_lung", "heart")
EARLIER_COLOURS = {"right_lung": (76, 201, 220), "left_lung": (76, 201, 220), "heart": (255, 159, 67)}
EARLIER_UNIT = "mediastinum minus aerated lung"


def read_structures(run: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Colour]]:
    """Names of the masks' channels in their order, and the colour of each.

    Args:
        run: content of run.json; its `structures` are names, its `colours` maps names to [red, green, blue].

    Returns:
        The names, and the colours by name; a structure without one takes the next of the palette.

    Raises:
        ValueError: structures that are no list, or a colour that is none.

    Example:
        >>> read_structures({"structures": ["wall", "pool"], "colours": {"pool": [9, 8, 7]}})
        (('wall', 'pool'), {'wall': (76, 201, 220), 'pool': (9, 8, 7)})
    """
    if "structures" not in run:
        return EARLIER_STRUCTURES, dict(EARLIER_COLOURS)
    names, told = run["structures"], run.get("colours", {})
    if not isinstance(names, list):
        raise ValueError(
            f"structures of run.json must be a list of names in the masks' order (got {echo(names)}); mend it"
        )
    colours = {name: _colour(name, told.get(name, PALETTE[number % len(PALETTE)])) for number, name in enumerate(names)}
    return tuple(names), colours


def read_unit(run: Mapping[str, Any]) -> str:
    """What one contrast unit is, in words: `unit` of run.json.

    Example:
        >>> read_unit({"unit": "pool minus wall"})
        'pool minus wall'
    """
    return str(run.get("unit", EARLIER_UNIT))


def _colour(name: str, told: Sequence[int]) -> Colour:
    if len(told) != 3 or not all(isinstance(part, int) and 0 <= part <= 255 for part in told):
        raise ValueError(
            f"colour of {echo(name)} must be three whole numbers from 0 to 255 (got {told}); mend run.json"
        )
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
