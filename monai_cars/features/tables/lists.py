"""Tables that list findings as words: NIH, PadChest (all in one cell), VinDr-CXR and RSNA (a row for each)."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from functools import cache

from monai_cars.echo import echo
from monai_cars.features.consistency import names_normal
from monai_cars.features.feature_vector import FeatureVector
from monai_cars.features.tables.coding import Coding, Misread, placed
from monai_cars.features.tables.sheet import Sheet, TableError, blank_cell
from monai_cars.features.tables.words import listed_words, plain_word, says_nothing
from monai_cars.features.vocabulary import load_vocabulary


def list_reader(sheet: Sheet, column: str, coding: Coding, *, split: bool) -> Callable[[Sequence[int]], FeatureVector]:
    """What gives the vector of the words of some rows, by their numbers.

    Args:
        sheet: the table.
        column: that holds the words.
        coding: how they are read.
        split: a cell holds several.
    """
    position = sheet.positions[column]

    @cache
    def words_of(cell: str) -> tuple[str, ...]:
        try:
            words = listed_words(cell) if split else tuple(() if blank_cell(cell) else (cell.strip(),))
        except TableError as error:
            raise Misread(column, str(error)) from None
        unknown = next((word for word in words if not _understood(word, coding)), None)
        if unknown is not None:
            raise Misread(
                column,
                f"{echo(unknown)} is no finding of {coding.vocabulary.name}; say what it is with "
                f"names={{{echo(unknown)}: '<finding>'}} (None leaves it out), or pass over all such words with "
                "others='ignore'",
            )
        return words

    def words_of_row(row: int) -> tuple[str, ...]:
        return placed(sheet, row, words_of, sheet.rows[row][position])

    namable = _namable({word for row in range(len(sheet.rows)) for word in words_of_row(row)}, coding)

    @cache
    def vector_of_words(words: frozenset[str]) -> FeatureVector:
        try:
            return coding.vector(_listed_values(words, namable, coding), set(), overwrite=True)
        except Misread as error:
            raise Misread(column, error.message) from None

    def vector_of_rows(rows: Sequence[int]) -> FeatureVector:
        words = frozenset(word for row in rows for word in words_of_row(row))
        return placed(sheet, rows[0], vector_of_words, words)

    return vector_of_rows


def words_or_none(cell: str) -> tuple[str, ...]:
    """The words of a cell; none of one that cannot be read, which is told with its place when the row is coded."""
    try:
        return listed_words(cell)
    except TableError:
        return ()


def _understood(word: str, coding: Coding) -> bool:
    if coding.others == "ignore" or word in coding.names or names_normal(word) or says_nothing(word):
        return True
    return coding.words(word) is not None


def _namable(words: set[str], coding: Coding) -> set[str]:
    """The findings that the lists of this table could have named."""
    nih = load_vocabulary("nih-14")
    findings = {word for word in words if not names_normal(word)}
    if findings and all(plain_word(word) in map(plain_word, nih.findings) for word in findings):
        words = words | set(nih.findings)
    return {term for word in words if (term := coding.words(word)) is not None}


def _listed_values(words: Collection[str], namable: set[str], coding: Coding) -> dict[str, float]:
    """Values of a row that lists these words; nothing but `blank` where they name neither a finding nor its lack."""
    told = [word for word in words if not says_nothing(word) or word in coding.names]
    if not told:
        return dict.fromkeys(namable, math.nan if coding.blank is None else coding.blank)
    vocabulary = coding.vocabulary
    present = {term for word in told if not names_normal(word) and (term := coding.words(word)) is not None}
    normal = min((word for word in told if names_normal(word)), default=None)
    against = [word for word in told if not _beside_normal(word, coding)]
    if normal is not None and against:
        other = min(against)
        raise Misread(
            None,
            f"{echo(normal)} with {echo(other)}, which a film cannot show at once; correct the row, leave the word out "
            f"with names={{{echo(other)}: None}}, or (where readers differ) say which counts with repeated=",
        )
    values = dict.fromkeys(namable, math.nan if coding.unlisted is None else coding.unlisted)
    if vocabulary.no_finding is not None:
        values[vocabulary.no_finding] = float(normal is not None)
        if normal is None and set(told) and present and present <= set(vocabulary.beside_no_finding):
            values[vocabulary.no_finding] = math.nan  # devices alone say nothing of findings
    return {**values, **dict.fromkeys(present, 1.0)}


def _beside_normal(word: str, coding: Coding) -> bool:
    """Whether a word may stand beside "normal": another word for it, one that is left out, a device."""
    if names_normal(word):
        return True
    if word in coding.names and coding.names[word] is None:
        return True
    return coding.words(word) in coding.vocabulary.beside_no_finding
