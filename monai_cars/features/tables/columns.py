"""Tables with a column for each finding, coded 1, 0, -1 or blank: CheXpert, MIMIC-CXR, VinDr-CXR's image labels."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from monai_cars.features.feature_vector import FeatureVector
from monai_cars.features.tables.coding import Coding, Misread, placed
from monai_cars.features.tables.readers import one_of
from monai_cars.features.tables.sheet import Sheet, TableError
from monai_cars.features.tables.words import code_value, is_uncertain


def finding_columns(sheet: Sheet, coding: Coding) -> dict[str, str]:
    """Column -> finding; none where `labels` says that a column lists them."""
    if coding.labels is not None:
        return {}
    return {name: term for name in sheet.columns if name and (term := coding.words(name)) is not None}


def column_reader(sheet: Sheet, findings: dict[str, str], coding: Coding) -> Callable[[int], FeatureVector]:
    """What gives the vector of a row by its number."""
    positions = {sheet.positions[column]: term for column, term in findings.items()}

    @cache  # most rows of a large table repeat each other
    def vector_of_cells(cells: tuple[str, ...]) -> FeatureVector:
        said: dict[str, list[float]] = {}
        doubtful, sure = set(), set()
        for (position, term), cell in zip(positions.items(), cells, strict=True):
            try:
                value = code_value(cell, uncertain=coding.uncertain, blank=coding.blank)
            except TableError as error:
                raise Misread(sheet.columns[position], str(error)) from None
            said.setdefault(term, []).append(value)
            if is_uncertain(cell):
                doubtful.add(term)
            elif value == 1:
                sure.add(term)
        values = {term: one_of(values) for term, values in said.items()}
        return coding.vector(values, doubtful - sure, overwrite=False)

    def vector_of_row(row: int) -> FeatureVector:
        cells = sheet.rows[row]
        return placed(sheet, row, vector_of_cells, tuple(cells[position] for position in positions))

    return vector_of_row
