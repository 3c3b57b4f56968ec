"""Sentences of a report as lists of words, whether it is wrapped, numbered, bulleted or one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from monai_cars.features.reports.forms import items
from monai_cars.features.reports.words import GRAMMAR, Token, tokens

_ENDS = frozenset(".;\u2022\u2023\u25aa\u25ab\u25cf\u27a2\uf0b7")  # bullets of a list on one line as well
_BULLETS = frozenset("-*>#\u2022\u2023\u00b7\u25a0\u25aa\u25ab\u25cb\u25cf\u25e6\u27a2\uf0b7\u2013\u2014")
_LABEL = 5  # words of a label and its colon, at most
_EMPTY_LINE = re.compile(r"\n[^\S\n]*\n")
_LETTER = re.compile(r"[^\W\d_]")
_GOES_ON = GRAMMAR["goes on"]
_SIDES = GRAMMAR["ends of a place"]  # words that go on as a rule, yet may end a line: "persists on the right"
_OPENS = GRAMMAR["opens"]


class Sentence(NamedTuple):
    """The words of one sentence, and whether it is a question.

    Attributes:
        tokens: words and the marks inside it.
        asked: it ends with a question mark.
        answer: of a label in a form: what the answer beside it says; else "".
        place: of a label in a form: where label and answer stand in the report.
        breaks: tokens that begin a line.
    """

    tokens: list[Token]
    asked: bool
    answer: str = ""
    place: tuple[int, int] | None = None
    breaks: tuple[int, ...] = ()

    @property
    def words(self) -> list[str]:
        """The words alone."""
        return [token.word for token in self.tokens]

    @property
    def start(self) -> int:
        """Place of its first character in the report."""
        return self.place[0] if self.place else self.tokens[0].start

    @property
    def end(self) -> int:
        """Place after its last character."""
        return self.place[1] if self.place else self.tokens[-1].end


def sentences(text: str, start: int = 0, end: int | None = None) -> Iterator[Sentence]:
    """Sentences of `text[start:end]`.

    Example:
        >>> [sentence.words for sentence in sentences("1. No effusion.2. Seen at 5.3 cm by Dr. X")]
        [['no', 'effusion'], ['seen', 'at', '5.3', 'cm', 'by', 'dr', 'x']]
    """
    place, end = start, len(text) if end is None else end
    for item in items(text, start, end):
        yield from _free(text, place, item.start)
        label = tokens(text, *item.label)
        if label:
            yield Sentence(label, False, item.says, (item.start, item.end))
        place = item.end
    yield from _free(text, place, end)


def _free(text: str, start: int, end: int) -> Iterator[Sentence]:
    """The sentences of text without forms."""
    found: list[Token] = []
    breaks: list[int] = []
    marks = tokens(text, start, end)
    raw = [text[mark.start : mark.start + 2] for mark in marks if mark.word[:1].isalpha()]
    titled = 2 * sum(word.istitle() for word in raw) > len(raw)  # Every Word Begins With A Capital
    for place, token in enumerate(marks):
        gap = text[found[-1].end : token.start] if found else ""
        if "\n" in gap:
            if _line_ends(text, gap, found, marks[place : place + _LABEL], titled):
                yield Sentence(found, False, breaks=tuple(breaks))
                found, breaks = [], []
            else:
                breaks.append(len(found))
        asked = token.word == "?" and _follows_a_word(text, token)
        if asked or (token.word in _ENDS and _ends(text, token)) or _item(text, marks, place):
            listed = not asked and token.word not in _ENDS and found and found[-1].word.isdigit()
            yield from _sentence(found[:-1] if listed else found, asked, breaks)
            found, breaks = [], []
        elif not found and token.word in _BULLETS:
            continue
        elif token.word != "." and (token.word.strip("x") or len(token.word) == 1):  # "XXXX" hides a word
            found.append(token)
    yield from _sentence(found, False, breaks)


def _sentence(found: list[Token], asked: bool, breaks: list[int]) -> Iterator[Sentence]:
    if found and not (len(found) == 1 and found[0].word.isdigit()):
        # A number of a list that began a line went with its bracket.
        yield Sentence(found, asked, breaks=tuple(place for place in breaks if place < len(found)))


def _ends(text: str, token: Token) -> bool:
    """A full stop ends a sentence before a space, or between words when the space was forgotten."""
    after = text[token.end : token.end + 1]
    return not after or not after.isalnum() or (bool(_LETTER.match(after)) and token.start > 2) or after.isdigit()


def _follows_a_word(text: str, token: Token) -> bool:
    """Whether the mark asks about what was said ("effusion?"), not about what comes ("?effusion")."""
    return token.start > 0 and not text[token.start - 1].isspace()


def _item(text: str, marks: list[Token], place: int) -> bool:
    """Whether this is the bracket of "1)"."""
    if text[marks[place].start] != ")" or place == 0 or not marks[place - 1].word.isdigit():
        return False
    return len(marks[place - 1].word) <= 2 and (place == 1 or marks[place - 2].word != ",")


def _line_ends(text: str, gap: str, before: list[Token], following: list[Token], titled: bool) -> bool:
    """Whether a sentence ends with its line: before an empty line or a bullet, or where the next begins anew."""
    if _EMPTY_LINE.search(gap):
        return True
    word = text[following[0].start : following[0].end]
    if word in _BULLETS:
        return True
    if titled or not (word[:1].isupper() and word[1:].islower()):
        return False
    if before[-1].word not in _GOES_ON:
        return True
    labelled = any(token.word == ":" for token in following)
    return before[-1].word in _SIDES and (labelled or following[0].word in _OPENS)
