"""The rows of a label table, coded as feature vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from monai_cars.echo import among, echo
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
OfRows = Callable[[Sequence[int]], FeatureVector]


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
        of_rows = _agreed(sheet, column, coding, lambda code: _one_by_one(column_reader(sheet, findings, code)))
        return {key: (numbers, of_rows(numbers)) for key, numbers in rows.items()}
    if listing is None:
        raise TableError(
            f"{sheet.name}: no column is a finding of {coding.vocabulary.name} and none lists findings; its columns "
            f"are {among(sheet.columns)}. Say which is what with names={{'<column>': '<finding>'}}, or "
            "with labels= the column that lists them."
        )
    split = single is None
    readers = [] if split else _readers(sheet, coding)
    if split or readers:
        of_rows = _agreed(sheet, column, coding, lambda code: list_reader(sheet, listing, code, split=split), readers)
    else:
        of_rows = list_reader(sheet, listing, coding, split=split)
    return {key: (numbers, of_rows(numbers)) for key, numbers in rows.items()}


def _one_by_one(of_row: Callable[[int], FeatureVector]) -> OfRows:
    return lambda rows: of_row(rows[0])


def _agreed(
    sheet: Sheet, column: str, coding: Coding, reader: Callable[[Coding], OfRows], readers: Sequence[str] = ()
) -> OfRows:
    """What gives one vector of all rows of a film, each row (or all of one reader's) being a reading of its own."""
    alone = reader(coding)
    unimplied = reader(replace(coding, hierarchy=False))  # what one reader's finding implies, no other denies

    def of_rows(rows: Sequence[int]) -> FeatureVector:
        parts = _by(readers, rows) if readers else [[row] for row in rows]
        first = alone(parts[0])
        different = next((part for part in parts[1:] if alone(part) != first), None)
        if different is None:
            return first
        if coding.repeated == "refuse":
            raise TableError(_differ(sheet, rows[0], different[0], column))
        together = combined([unimplied(part) for part in parts], coding.repeated)
        return coding.vector(together.known(), set(together.uncertain), overwrite=False)

    return of_rows


def _differ(sheet: Sheet, first: int, second: int, column: str) -> str:
    remedy = "say with repeated='any', 'all', 'majority' or 'mean' which counts."
    if column not in sheet.positions:  # a pattern over several
        return f"{sheet.at(second)}: its film is there already, on {sheet.places[first]}, with other labels; {remedy}"
    return (
        f"{sheet.at(second, column)}: {echo(sheet.rows[second][sheet.positions[column]])} is there already, on "
        f"{sheet.places[first]}, with other labels; a film has one row: drop or merge the others, name another "
        f"column, or {remedy}"
    )


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
            f"names: {echo(unused[0])} is neither a column of {sheet.name} ({among(sheet.columns)}) nor a "
            "word of its lists."
        )
