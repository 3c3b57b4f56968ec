"""A table as rows of text, from a CSV file or a pandas DataFrame, each row with a place to name in messages."""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from monai_cars.echo import among, echo

# How tables write that there is no value, Excel's error value among them; "na" could be a name.
UNKNOWN = ("", "nan", "none", "null", "<na>", "n/a", "#n/a")


_SEPARATOR = re.compile(r"\s*\"?sep=(.)\"?[^\S\n]*\r?\n", re.IGNORECASE)


class TableError(ValueError):
    """A table breaks a rule; the message names file, row, column, value, rule and remedy."""


@dataclass(frozen=True)
class Sheet:
    """The cells of a table as text.

    Args:
        name: of the file, for messages.
        columns: names of the columns, each once.
        rows: cells in the order of `columns`.
        places: where each row is: the line of the file, or the row of the DataFrame.
    """

    name: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    places: Sequence[Any]

    @cached_property
    def positions(self) -> dict[str, int]:
        """Column -> its position."""
        return {name: position for position, name in enumerate(self.columns)}

    def cells(self, column: str) -> Iterator[str]:
        """The cells of one column, from the first row on."""
        position = self.positions[column]
        return (row[position] for row in self.rows)

    def at(self, row: int, column: str | None = None) -> str:
        """A place in words, row counted from 0."""
        return f"{self.name}, {self.places[row]}" + (f", column {echo(column)}" if column is not None else "")

    def require(self, column: str, argument: str) -> str:
        """The column, if there is one of that name.

        Raises:
            TableError: there is none.
        """
        if column not in self.positions:
            raise TableError(
                f"{self.name} has no column {echo(column)}, which {argument}= names; its columns are "
                f"{among(self.columns)}."
            )
        return column


def read_sheet(table: Any) -> Sheet:
    """The sheet of a CSV file (comma, semicolon or tab; gzip where it ends in .gz) or of a pandas DataFrame.

    Raises:
        TableError: no such file, no row, a column twice, or a line with another number of cells than the header.

    Example:
        >>> import pandas
        >>> read_sheet(pandas.DataFrame({"patient": [17.0, None], "Edema": [1, 0]})).rows
        [('17', '1'), ('', '0')]
    """
    sheet = _of_frame(table) if hasattr(table, "columns") and hasattr(table, "index") else _of_file(table)
    sheet = _without_copies(sheet)
    twice = [name for name in sheet.columns if name and sheet.columns.count(name) > 1]
    if twice:
        raise TableError(f"{sheet.name} has the column {echo(twice[0])} twice; rename one of them, or drop it.")
    if not sheet.rows:
        raise TableError(f"{sheet.name} has no rows below its header; nothing can be read from it.")
    return sheet


def blank_cell(cell: str) -> bool:
    """Whether a cell holds no value."""
    return cell.strip().lower() in UNKNOWN


def _without_copies(sheet: Sheet) -> Sheet:
    """Without columns that repeat another, name and cells."""
    if len(set(sheet.columns)) == len(sheet.columns):
        return sheet
    first: dict[tuple[str, ...], int] = {}
    for place, name in enumerate(sheet.columns):
        first.setdefault((name, *(row[place] for row in sheet.rows)), place)
    kept = sorted(first.values())
    rows = [tuple(row[place] for place in kept) for row in sheet.rows]
    return Sheet(sheet.name, tuple(sheet.columns[place] for place in kept), rows, sheet.places)


def _of_frame(frame: Any) -> Sheet:
    # By duck type, so that pandas is needed only by those who have it anyway.
    # By place: a name that is there twice gives no column.
    columns = [[_text(value) for value in frame.iloc[:, place].tolist()] for place in range(len(frame.columns))]
    names = tuple(str(name) for name in frame.columns)
    places = [f"row {echo(label)}" for label in frame.index.tolist()]
    return Sheet("the table", names, list(zip(*columns, strict=True)), places)


def _text(value: Any) -> str:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() else str(value)  # pandas makes floats of integers beside blanks
    return str(value)


def _of_file(table: Any) -> Sheet:
    path = Path(table)
    if not path.is_file():
        raise TableError(
            f"No table {echo(str(table))}: give the path of a CSV file that exists, or a pandas DataFrame."
        )
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(
            f"{path.name} is no UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8."
        ) from None
    return _of_text(path.name, text)


def _of_text(name: str, text: str) -> Sheet:
    told = _SEPARATOR.match(text)  # as Excel tells it, on a line above the header
    first = text[told.end() if told else 0 :].partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=told[1] if told else max(",;\t|", key=first.count))
    if told:
        next(reader)
    columns = tuple(cell.strip() for cell in next(reader, ()))
    rows, places = [], []
    for row in reader:
        if not any(map(str.strip, row)):
            continue  # an empty line
        while len(row) > len(columns) and not row[-1].strip():
            row.pop()  # a separator at the end of the line
        if len(row) != len(columns):
            raise TableError(
                f"{name}, line {reader.line_num}: {len(row)} cells under {len(columns)} columns; quote cells that "
                "hold the separator."
            )
        rows.append(tuple(row))
        places.append(f"line {reader.line_num}")
    return Sheet(name, columns, rows, places)
