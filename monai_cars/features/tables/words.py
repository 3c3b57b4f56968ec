"""What the words and codes of a table mean in a vocabulary."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Mapping

from monai_cars.echo import echo
from monai_cars.features.consistency import names_normal
from monai_cars.features.tables.sheet import TableError, blank_cell
from monai_cars.features.vocabulary import Vocabulary
from monai_cars.findings.severity import canonical

UNCERTAIN = -1.0  # as CheXpert and MIMIC-CXR code it
TRUTH = {
    "true": 1.0,
    "false": 0.0,
    "yes": 1.0,
    "no": 0.0,
    "present": 1.0,
    "absent": 0.0,
    "positive": 1.0,
    "negative": 0.0,
}
REMARKS = ("exclude", "unchanged", "suboptimal study")  # PadChest's words on a report or a film, not on what it shows
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


class Words:
    """Finds the finding that a word of a table stands for.

    Only words that mean the same are taken: the vocabulary's own in any spelling of case and underscores, and exact
    synonyms ("Effusion" and "Pleural Effusion"). A narrower word ("Mass" for "Lung Lesion") must be named by the user,
    since its absence says less.

    Args:
        vocabulary: that the words are sought in.
        names: word of the table -> finding of the vocabulary, or None to leave it out.

    Example:
        >>> from monai_cars.features import load_vocabulary
        >>> words = Words(load_vocabulary("chexpert-14"), {"Mass": "Lung Lesion"})
        >>> words("pleural_effusion"), words("Mass"), words("Nodule")
        ('Pleural Effusion', 'Lung Lesion', None)
    """

    def __init__(self, vocabulary: Vocabulary, names: Mapping[str, str | None] | None = None) -> None:
        self.vocabulary = vocabulary
        self.own = {plain_word(name): name for name in vocabulary.findings}
        self.named = {word: None if name is None else vocabulary.term(name) for word, name in (names or {}).items()}

    def __call__(self, word: str) -> str | None:
        """The finding, or None where the vocabulary has none that means the same."""
        if word in self.named:
            return self.named[word]
        if plain_word(word) in self.own:
            return self.own[plain_word(word)]
        if names_normal(word):
            return self.vocabulary.no_finding
        synonym = canonical(word)
        term = self.vocabulary.edits.get(synonym)
        return term if term is not None and canonical(term) == synonym else None


def plain_word(word: str) -> str:
    """A word without what tables spell differently: case, underscores, spaces.

    Example:
        >>> plain_word("Pleural_Thickening ")
        'pleural thickening'
    """
    return " ".join(word.casefold().replace("_", " ").split())


def code_value(cell: str, *, uncertain: float | None, blank: float | None) -> float:
    """The value of a coded cell: 1, 0, -1 (uncertain), blank, true or false, or a probability in between.

    Raises:
        TableError: another value; without its place, which the caller knows.

    Example:
        >>> code_value("1.0", uncertain=None, blank=None), code_value("-1", uncertain=0.5, blank=None)
        (1.0, 0.5)
    """
    text = cell.strip().lower()
    if blank_cell(cell) or text == "na":  # as R writes it; no code is called so
        return math.nan if blank is None else blank
    value = _number(text)
    if value == UNCERTAIN:
        return math.nan if uncertain is None else uncertain
    if not 0 <= value <= 1:
        raise TableError(
            f"{echo(cell)} is no code; a cell is 1 (present), 0 (absent), -1 (uncertain), blank (not mentioned) or a "
            "probability in between"
        )
    return value


def _number(text: str) -> float:
    if text in TRUTH:
        return TRUTH[text]
    try:
        return float(text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text)
    except ValueError:
        return math.nan


def is_uncertain(cell: str) -> bool:
    """Whether a coded cell says that somebody was in doubt.

    Example:
        >>> is_uncertain("-1.0"), is_uncertain("")
        (True, False)
    """
    return _number(cell.strip().lower()) == UNCERTAIN


def says_nothing(word: str) -> bool:
    """Whether a listed word says nothing of what the film shows.

    Example:
        >>> says_nothing("suboptimal study"), says_nothing("normal")
        (True, False)
    """
    return plain_word(word) in REMARKS


def listed_words(cell: str) -> tuple[str, ...]:
    """The words of a cell: `A|B` (also `;` or `,` between them), or a list in brackets; none of a blank one.

    Raises:
        TableError: brackets that hold no list of words; without its place.

    Example:
        >>> listed_words("Mass|Nodule"), listed_words("['pleural effusion', 'normal']"), listed_words("")
        (('Mass', 'Nodule'), ('pleural effusion', 'normal'), ())
    """
    text = cell.strip()
    if blank_cell(text) or text.lower() == "na":
        return ()
    if not text.startswith("["):
        separator = next((mark for mark in "|;," if mark in text), "|")
        return _stripped(text.split(separator))
    try:
        words = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise TableError(f"{echo(cell)} is no list of words in brackets, such as ['pleural effusion', 'nodule']")
    return _stripped(words)


def _stripped(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
