"""Boxes of a label table, in the order of an array's axes."""

from __future__ import annotations

from collections.abc import Callable

import torch

from monai_cars.features.tables.coding import Coding
from monai_cars.features.tables.columns import finding_columns
from monai_cars.features.tables.rows import ROW_COLUMNS
from monai_cars.features.tables.sheet import Sheet, TableError, blank_cell
from monai_cars.features.tables.words import plain_word

# Columns of a box: x and y of its first corner, then its last corner, or its width and height.
CORNERS = (("x_min", "y_min", "x_max", "y_max"), ("xmin", "ymin", "xmax", "ymax"))
SIZES = (("x", "y", "width", "height"), ("Bbox [x", "y", "w", "h]"))


def box_reader(sheet: Sheet, coding: Coding) -> Callable[[list[int]], dict[str, torch.Tensor]]:
    """What gives `box` (N, 4) float, first row, first column, last row, last column, and `label` (N,) int64, of rows.

    It gives nothing where the table has no boxes at all, and (0, 4) for an image without one. A box of a word that the
    vocabulary has no finding for is left out, as the word is. A coordinate that is no number, or a box that ends where
    it starts, is a TableError.
    """
    columns = next((names for names in (*CORNERS, *SIZES) if set(names) <= set(sheet.columns)), None)
    named = coding.labels or next((name for name in sheet.columns if plain_word(name) in ROW_COLUMNS), None)
    only = set(finding_columns(sheet, coding).values()) if named is None else set()
    if columns is None or (named is None and len(only) != 1):
        return lambda _: {}

    def boxes_of(rows: list[int]) -> dict[str, torch.Tensor]:
        boxes, labels = [], []
        for row in _once(sheet, rows):
            term = next(iter(only)) if named is None else coding.words(sheet.rows[row][sheet.positions[named]].strip())
            cells = [sheet.rows[row][sheet.positions[name]] for name in columns]
            if term is not None and not all(map(blank_cell, cells)):
                boxes.append(_box(sheet, row, columns, cells))
                labels.append(coding.vocabulary.index(term))
        return {"box": torch.tensor(boxes).reshape(-1, 4), "label": torch.tensor(labels, dtype=torch.int64)}

    return boxes_of


def _once(sheet: Sheet, rows: list[int]) -> list[int]:
    """Rows without those that repeat another cell by cell."""
    first: dict[tuple[str, ...], int] = {}
    for row in rows:
        first.setdefault(sheet.rows[row], row)
    return list(first.values())


def _box(sheet: Sheet, row: int, columns: tuple[str, ...], cells: list[str]) -> tuple[float, ...]:
    try:
        x, y, right, bottom = (float(cell) for cell in cells)
    except ValueError:
        raise TableError(f"{sheet.at(row)}: {cells} under {list(columns)} is no box; give four numbers.") from None
    if columns in SIZES:
        right, bottom = x + right, y + bottom
    if not (x < right and y < bottom):
        raise TableError(f"{sheet.at(row)}: the box {cells} under {list(columns)} ends where it starts.")
    return y, x, bottom, right
