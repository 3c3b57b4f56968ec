"""The rows of a label table, coded as feature vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monai_cars.features.feature_vector import FeatureVector
from monai_cars.features.tables.coding import Coding
from monai_cars.features.tables.columns import column_reader, finding_columns
from monai_cars.features.tables.lists import list_reader, words_or_none
from monai_cars.features.tables.readers import combined
from monai_cars.features.tables.sheet import Sheet, TableError, blank_cell
from monai_cars.features.tables.words import plain_word

LIST_COLUMNS = ("finding labels", "labels", "findings")  # one cell names all findings of an image
ROW_COLUMNS = ("class name", "finding label", "class")  # one cell names one finding, an image has several rows
READER_COLUMNS = ("rad id", "radid", "reader", "reader id", "radiologist")
Coded = dict[str, tuple[list[int], FeatureVector]]  # key -> the rows that it has, its vector


def coded_rows(sheet: Sheet, keys: list[str], column: str, coding: Coding) -> Coded:
    """Key -> its rows and its vector, in the order of the table.

    Args:
        sheet: the table.
        keys: of its rows.
        column: where the keys are, for messages.
        coding: how cells are read.

    Raises:
        TableError: see `monai_cars.features.from_table`.
    """
    findings = finding_columns(sheet, coding)
    single = None if findings else _usual_column(sheet, ROW_COLUMNS, coding)
    listing = None if findings else single or _usual_column(sheet, LIST_COLUMNS, coding)
    rows = _rows_by_key(sheet, keys, column)
    _refuse_unused_names(sheet, coding, listing)
    if findings:
        of_row = column_reader(sheet, findings, coding)
        return {key: (numbers, _together(sheet, numbers, of_row, column, coding)) for key, numbers in rows.items()}
    if listing is None:
        raise TableError(
            f"{sheet.name}: no column is a finding of {coding.vocabulary.name} and none lists findings; its columns "
            f"are {', '.join(map(repr, sheet.columns))}. Say which is what with names={{'<column>': '<finding>'}}, or "
            "with labels= the column that lists them."
        )
    of_rows = list_reader(sheet, listing, coding, split=single is None)
    if single is None:
        return {
            key: (numbers, _together(sheet, numbers, lambda row: of_rows([row]), column, coding))
            for key, numbers in rows.items()
        }
    readers = _readers(sheet, coding)
    return {
        key: (numbers, combined([of_rows(part) for part in _by(readers, numbers)], coding.repeated))
        if readers
        else (numbers, of_rows(numbers))
        for key, numbers in rows.items()
    }


def _together(
    sheet: Sheet, rows: list[int], of_row: Callable[[int], FeatureVector], column: str, coding: Coding
) -> FeatureVector:
    """The vector of all rows of a film."""
    if len(rows) == 1:
        return of_row(rows[0])
    vectors = [of_row(row) for row in rows]
    different = next((row for row, vector in zip(rows, vectors, strict=True) if vector != vectors[0]), None)
    if different is None:
        return vectors[0]
    if coding.repeated == "refuse":
        raise TableError(
            f"{sheet.at(different, column)}: {sheet.rows[different][sheet.positions[column]]!r} is there already, on "
            f"{sheet.places[rows[0]]}, with other labels; a film has one row: drop or merge the others, name another "
            "column, or say with repeated='any', 'all', 'majority' or 'mean' which counts."
            if column in sheet.positions
            else f"{sheet.at(different)}: the film of {column!r} is there already, on {sheet.places[rows[0]]}, with "
            "other labels; say with repeated='any', 'all', 'majority' or 'mean' which counts."
        )
    return combined(vectors, coding.repeated)


def _usual_column(sheet: Sheet, usual: tuple[str, ...], coding: Coding) -> str | None:
    if coding.labels is not None:
        sheet.require(coding.labels, "labels")
        return coding.labels if usual is LIST_COLUMNS or plain_word(coding.labels) in usual else None
    return next((name for name in sheet.columns if plain_word(name) in usual), None)


def _readers(sheet: Sheet, coding: Coding) -> list[str]:
    """Who read each row, where readers are to be told apart."""
    column = next((name for name in sheet.columns if plain_word(name) in READER_COLUMNS), None)
    return [] if column is None or coding.repeated == "refuse" else list(sheet.cells(column))


def _by(readers: Sequence[str], rows: Sequence[int]) -> list[list[int]]:
    parts: dict[str, list[int]] = {}
    for row in rows:
        parts.setdefault(readers[row], []).append(row)
    return list(parts.values())


def _rows_by_key(sheet: Sheet, keys: list[str], column: str) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for number, key in enumerate(keys):
        if blank_cell(key):
            raise TableError(f"{sheet.at(number, column)}: empty; every row must name its image.")
        rows.setdefault(key, []).append(number)
    return rows


def _refuse_unused_names(sheet: Sheet, coding: Coding, listing: str | None) -> None:
    unused = [word for word in coding.names if word not in sheet.positions]
    if unused and listing is not None:
        listed = {word for cell in set(sheet.cells(listing)) for word in (cell.strip(), *words_or_none(cell))}
        unused = [word for word in unused if word not in listed]
    if unused:
        raise TableError(
            f"names: {unused[0]!r} is neither a column of {sheet.name} ({', '.join(map(repr, sheet.columns))}) nor a "
            "word of its lists."
        )
