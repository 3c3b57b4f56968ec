"""A finding that is denied on one side and, without being named again, said to be there on the other.

"No effusion on the right, small on the left", "effusion has resolved on the right but persists on the left", "small
right and no left effusion": a finding that is on either side is there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from monai_cars.features.reports.words import GRAMMAR

_OTHER = {"left": "right", "right": "left"}
_THERE = GRAMMAR["there on a side"]
_SPEAKS = GRAMMAR["speaks of a side"] | _THERE | set(_OTHER)
_BREAKS = frozenset((",", "and", "but", "while", "whereas", "with", "although", "though", "however", "yet"))


def on_the_other_side(words: Sequence[str], places: Sequence[int]) -> list[bool]:
    """Whether another clause says that what words[place] names on one side is there on the other, for each place.

    Example:
        >>> on_the_other_side("no effusion on the right , small on the left".split(), [1])
        [True]
        >>> on_the_other_side("no effusion on the right , none on the left".split(), [1])
        [False]
    """
    if not any(word in _OTHER for word in words):
        return [False] * len(places)
    clauses = _clauses(words)
    told = {elliptic(words[first:last]) for first, last in clauses}
    if not told - {None}:
        return [False] * len(places)
    firsts = [first for first, _ in clauses]
    found = []
    for place in places:
        first, last = clauses[bisect_right(firsts, place) - 1]
        own = opposite(_side(words[first:last]))
        found.append(own is not None and own in told)
    return found


def side_of(words: Sequence[str], place: int) -> str | None:
    """The one side that the clause around words[place] speaks of.

    Example:
        >>> side_of("right effusion has resolved".split(), 1)
        'right'
    """
    return next((_side(words[first:last]) for first, last in _clauses(words) if first <= place < last), None)


def elliptic(words: Sequence[str]) -> str | None:
    """The side on which a clause that names nothing says that something is.

    Example:
        >>> elliptic(["the", "left", "is", "unchanged"]), elliptic(["the", "left", "lung", "is", "clear"])
        ('left', None)
    """
    known = all(word in _SPEAKS for word in words)
    return _side(words) if known and any(word in _THERE for word in words) else None


def opposite(side: str | None) -> str | None:
    """The patient's other side.

    Example:
        >>> opposite("left"), opposite(None)
        ('right', None)
    """
    return _OTHER.get(side or "")


def _side(words: Sequence[str]) -> str | None:
    sides = {word for word in words if word in _OTHER}
    return sides.pop() if len(sides) == 1 else None


def _clauses(words: Sequence[str]) -> list[tuple[int, int]]:
    breaks = [-1, *(place for place, word in enumerate(words) if word in _BREAKS), len(words)]
    return [(first + 1, last) for first, last in pairwise(breaks) if last > first + 1]
