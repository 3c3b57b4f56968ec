"""The rows of a label table, coded as feature vectors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from monai_cars.echo import among, echo
from monai_cars.features.consistency import contradictions, names_normal
from monai_cars.features.feature_vector import FeatureVector
from monai_cars.features.tables.sheet import Sheet, TableError, blank_cell
from monai_cars.features.tables.words import Words, code_value, listed_words, plain_word
from monai_cars.features.vocabulary import Vocabulary, load_vocabulary

LIST_COLUMNS = ("finding labels", "labels", "findings")  # one cell names all findings of an image
ROW_COLUMNS = ("class name", "finding label")  # one cell names one finding, an image has several rows
OTHERS = ("refuse", "ignore")
Coded = dict[str, tuple[list[int], FeatureVector]]  # key -> the rows that it has, its vector


@dataclass(frozen=True)
class Coding:
    """How cells are read; arguments as for `monai_cars.features.from_table`.

    Raises:
        TableError: a value that is no probability, or another `others`.
    """

    vocabulary: Vocabulary
    names: Mapping[str, str | None] = field(default_factory=dict)
    labels: str | None = None
    uncertain: float | None = None
    blank: float | None = None
    unlisted: float | None = 0.0
    others: str = "refuse"

    def __post_init__(self) -> None:
        for argument in ("uncertain", "blank", "unlisted"):
            value = getattr(self, argument)
            if value is not None and not 0 <= value <= 1:
                raise TableError(f"{argument} must be None (unknown) or a probability in [0, 1] (got {echo(value)}).")
        if self.others not in OTHERS:
            raise TableError(f"others must be {' or '.join(OTHERS)} (got {echo(self.others)}).")

    @classmethod
    def of(cls, vocabulary: Vocabulary, **options: Any) -> Coding:
        """A coding from keyword arguments."""
        return cls(vocabulary, **{**options, "names": options.get("names") or {}})

    @cached_property
    def words(self) -> Words:
        """What the words of the table mean."""
        return Words(self.vocabulary, self.names)


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
    findings = _finding_columns(sheet, coding)
    single = None if findings else _usual_column(sheet, ROW_COLUMNS, coding)
    listing = None if findings else single or _usual_column(sheet, LIST_COLUMNS, coding)
    rows = _rows_by_key(sheet, keys, column, many=single is not None)
    _refuse_unused_names(sheet, coding, listing)
    if findings:
        return _coded_columns(sheet, rows, findings, coding)
    if listing is None:
        raise TableError(
            f"{sheet.name}: no column is a finding of {coding.vocabulary.name} and none lists findings; its columns "
            f"are {among(sheet.columns)}. Say which is what with names={{'<column>': '<finding>'}}, or "
            "with labels= the column that lists them."
        )
    return _coded_lists(sheet, rows, listing, coding, split=single is None)


def _finding_columns(sheet: Sheet, coding: Coding) -> dict[str, str]:
    """Column -> finding; none where `labels` says that a column lists them."""
    if coding.labels is not None:
        return {}
    return {name: term for name in sheet.columns if name and (term := coding.words(name)) is not None}


def _usual_column(sheet: Sheet, usual: tuple[str, ...], coding: Coding) -> str | None:
    if coding.labels is not None:
        sheet.require(coding.labels, "labels")
        return coding.labels if usual is LIST_COLUMNS or plain_word(coding.labels) in usual else None
    return next((name for name in sheet.columns if plain_word(name) in usual), None)


def _rows_by_key(sheet: Sheet, keys: list[str], column: str, *, many: bool) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for number, key in enumerate(keys):
        if blank_cell(key):
            raise TableError(f"{sheet.at(number, column)}: empty; every row must name its image.")
        if key in rows and not many:
            raise TableError(
                f"{sheet.at(number, column)}: {echo(key)} is there already, on "
                f"{sheet.places[rows[key][0]]}; a film has "
                "one row: drop or merge the others, or name another column."
            )
        rows.setdefault(key, []).append(number)
    return rows


def _refuse_unused_names(sheet: Sheet, coding: Coding, listing: str | None) -> None:
    unused = [word for word in coding.names if word not in sheet.positions]
    if unused and listing is not None:
        listed = {word for cell in set(sheet.cells(listing)) for word in (cell.strip(), *_words_or_none(cell))}
        unused = [word for word in unused if word not in listed]
    if unused:
        raise TableError(
            f"names: {echo(unused[0])} is neither a column of {sheet.name} ({among(sheet.columns)}) nor a "
            "word of its lists."
        )


def _words_or_none(cell: str) -> tuple[str, ...]:
    try:
        return listed_words(cell)
    except TableError:
        return ()  # told with its place when the row is coded


def _coded_columns(sheet: Sheet, rows: dict[str, list[int]], findings: dict[str, str], coding: Coding) -> Coded:
    positions = {sheet.positions[column]: term for column, term in findings.items()}

    @cache  # most rows of a large table repeat each other
    def vector_of_cells(cells: tuple[str, ...]) -> FeatureVector:
        said: dict[str, list[float]] = {}
        for (position, term), cell in zip(positions.items(), cells, strict=True):
            try:
                value = code_value(cell, uncertain=coding.uncertain, blank=coding.blank)
            except TableError as error:
                raise _Misread(sheet.columns[position], str(error)) from None
            said.setdefault(term, []).append(value)
        return _consistent({term: _any(values) for term, values in said.items()}, coding, overwrite=False)

    return {
        key: (numbers, _placed(sheet, numbers[0], vector_of_cells, tuple(sheet.rows[numbers[0]][p] for p in positions)))
        for key, numbers in rows.items()
    }


def _coded_lists(sheet: Sheet, rows: dict[str, list[int]], column: str, coding: Coding, *, split: bool) -> Coded:
    position = sheet.positions[column]

    @cache
    def words_of(cell: str) -> tuple[str, ...]:
        try:
            words = listed_words(cell) if split else tuple(() if blank_cell(cell) else (cell.strip(),))
        except TableError as error:
            raise _Misread(column, str(error)) from None
        for word in words:
            if not _understood(word, coding):
                raise _Misread(
                    column,
                    f"{echo(word)} is no finding of {coding.vocabulary.name}; say what it is with "
                    f"names={{{echo(word)}: '<finding>'}} (None leaves it out), or pass over all such words with "
                    "others='ignore'",
                )
        return words

    listed = {key: [_placed(sheet, n, words_of, sheet.rows[n][position]) for n in ns] for key, ns in rows.items()}
    namable = _namable({word for cells in listed.values() for words in cells for word in words}, coding)

    @cache
    def vector_of_words(words: frozenset[str]) -> FeatureVector:
        try:
            return _consistent(_listed_values(words, namable, coding), coding, overwrite=True)
        except _Misread as error:
            raise _Misread(column, error.message) from None

    return {
        key: (rows[key], _placed(sheet, rows[key][0], vector_of_words, frozenset(w for words in cells for w in words)))
        for key, cells in listed.items()
    }


def _understood(word: str, coding: Coding) -> bool:
    return coding.others == "ignore" or word in coding.names or names_normal(word) or coding.words(word) is not None


def _namable(words: set[str], coding: Coding) -> set[str]:
    """The findings that the lists of this table could have named."""
    nih = load_vocabulary("nih-14")
    findings = {word for word in words if not names_normal(word)}
    if findings and all(plain_word(word) in map(plain_word, nih.findings) for word in findings):
        words = words | set(nih.findings)
    return {term for word in words if (term := coding.words(word)) is not None}


def _listed_values(words: frozenset[str], namable: set[str], coding: Coding) -> dict[str, float]:
    """Values of a row that lists these words; nothing but `blank` where it lists none."""
    unknown = math.nan
    if not words:
        return dict.fromkeys(namable, unknown if coding.blank is None else coding.blank)
    normal = [word for word in words if names_normal(word)]
    if normal and len(words) > len(normal):
        other = min(word for word in words if word not in normal)
        raise _Misread(None, f"{echo(normal[0])} with {echo(other)}, which a film cannot show at once; correct the row")
    values = dict.fromkeys(namable, unknown if coding.unlisted is None else coding.unlisted)
    if coding.vocabulary.no_finding is not None:
        values[coding.vocabulary.no_finding] = 0.0
    return {**values, **{term: 1.0 for word in words if (term := coding.words(word)) is not None}}


def _consistent(values: dict[str, float], coding: Coding, *, overwrite: bool) -> FeatureVector:
    """The vector of what a row says, with what that implies."""
    for term in [term for term, value in values.items() if value == 1]:
        for implied in coding.vocabulary.implied(term):
            if overwrite or math.isnan(values.get(implied, math.nan)):
                values[implied] = 1.0
    found = contradictions(values, coding.vocabulary, ancestors=False)
    if found:
        raise _Misread(None, f"{found[0]}, which a film cannot show at once; correct the row")
    return FeatureVector(values, coding.vocabulary)


def _any(values: list[float]) -> float:
    """Present where any column says so; absent only where all do."""
    if 1.0 in values:
        return 1.0
    return math.nan if any(map(math.isnan, values)) else max(values)


class _Misread(Exception):  # noqa: N818 - becomes a TableError as soon as the place is known
    def __init__(self, column: str | None, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message


def _placed(sheet: Sheet, row: int, function: Any, argument: Any) -> Any:
    """`function(argument)`, its errors with the place of the row."""
    try:
        return function(argument)
    except _Misread as error:
        raise TableError(f"{sheet.at(row, error.column)}: {error.message}.") from None
