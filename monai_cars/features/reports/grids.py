"""Tables of findings in a report with a column for each answer, and a mark in one of them.

Finding        Yes   No
Cardiomegaly   X
Effusion             X
"""

from __future__ import annotations

import re
from typing import NamedTuple

from monai_cars.features.reports.answers import ANSWER, MARK, pieces

_CELLS = re.compile(r"[\t|]")
_GRID = re.compile(r"[\t|][^\n]*[\t|]")
_TICKS = frozenset(("x", "yes", "y", "1", "*", "\u2022", "\u25cf", "+"))


class Row(NamedTuple):
    """A row with one mark: its place, that of its label, and what the marked column says."""

    start: int
    end: int
    label: tuple[int, int]
    says: str


def rows(text: str, start: int, end: int) -> list[Row]:
    r"""The marked rows of `text[start:end]`.

    Example:
        >>> [(row.label, row.says) for row in rows("\tYes\tNo\nEdema\tx\t\nFracture\t\tx", 0, 32)]
        [((8, 13), 'present'), ((17, 25), 'absent')]
    """
    found: list[Row] = []
    columns: list[str] = []
    place = start
    for line in text[start:end].splitlines(keepends=True) if _GRID.search(text, start, end) else ():
        cells = _CELLS.split(line.rstrip("\r\n"))
        said = [_heading(cell) for cell in cells]
        others = [cell for cell, says in zip(cells, said, strict=True) if cell.strip() and not says]
        if sum(map(bool, said)) > 1 and len(others) <= 1:
            columns = said
        elif len(cells) > len(columns):
            columns = []
        elif columns:
            found += _row(line, place, cells, columns)
        place += len(line)
    return found


def _heading(cell: str) -> str:
    """What a column of this name says, "" where it is none of answers."""
    told = pieces(cell, 0, len(cell))
    return told[0].says if len(told) == 1 and told[0].letter == ANSWER else ""


def _row(line: str, place: int, cells: list[str], columns: list[str]) -> list[Row]:
    marked = {columns[at] for at, cell in enumerate(cells) if columns[at] and _ticked(cell)}
    label = next((cell.strip() for at, cell in enumerate(cells) if cell.strip() and not columns[at]), "")
    if not label or len(marked) != 1:
        return []
    first = place + line.index(label)
    return [Row(first, place + len(line.rstrip()), (first, first + len(label)), marked.pop())]


def _ticked(cell: str) -> bool:
    told = pieces(cell, 0, len(cell))
    return cell.strip().lower() in _TICKS or (len(told) == 1 and told[0].letter == MARK and told[0].says == "present")
