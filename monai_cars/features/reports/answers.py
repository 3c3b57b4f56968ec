"""Answers of a filled-in form, and the marks between them, as one letter each.

The shape of "Cardiomegaly: Yes, [x] Edema" is ``T:A,mT``: text, separator, answer, comma, mark, text. Forms are told by
such shapes (`forms`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from monai_cars.features.reports.words import read_phrases

TEXT, ANSWER, MARK, SIGN, SEPARATOR, DASH, CELL, COMMA = "T", "A", "m", "s", ":", "-", "t", ","
LINE, EMPTY_LINE, STOP = "n", "N", ";"
_APART = (LINE, EMPTY_LINE, STOP, COMMA)  # what a sign may follow
_STATUSES = ("present", "absent", "likely", "uncertain", "ignored")
_SAYS = {"+": "present", "-": "absent", "\u2212": "absent", "\u2013": "absent"}

_BULLET = r"(?:[-*>\u2022\u00b7\u25aa\u25cf\u25e6\u2013\u2014]|\d{1,2}[.)]|\(?[a-h]\))[^\S\n]+"
_TICKED = r"[\[(][^\S\n]*[xX\u2713\u2714+][^\S\n]*[\])]|[\u2611\u2612\u2713\u2714\u2705]"
_EMPTY = r"\[[^\S\n]*[-_\u2013]?[^\S\n]*\]|\([^\S\n]*[-_\u2013]?[^\S\n]*\)|[\u2610\u2717\u2718\u274c\u25a1]"
_DOUBTED = r"[\[(][^\S\n]*(?:\?|\+/-|\u00b1)[^\S\n]*[\])]"


class Piece(NamedTuple):
    """A piece of a line: its letter, its place, and what an answer or a mark says."""

    letter: str
    start: int
    end: int
    says: str = ""


def pieces(text: str, start: int, end: int) -> list[Piece]:
    """The pieces of `text[start:end]`, words that stand together as one.

    Example:
        >>> "".join(piece.letter for piece in pieces("Edema: Yes\\n[x] Effusion", 0, 23))
        'T:AnmT'
    """
    found: list[Piece] = []
    part = text[start:end]
    for match in _pattern().finditer(part):
        piece = _piece(match.lastgroup or "", match, found)
        if piece is None:
            continue
        piece = piece._replace(start=piece.start + start, end=piece.end + start)
        if piece.letter == TEXT and found and found[-1].letter == TEXT:
            found[-1] = found[-1]._replace(end=piece.end)
        elif piece.letter != COMMA or (found and found[-1].letter != COMMA):
            found.append(piece)
    return found


def _piece(kind: str, match: re.Match[str], before: list[Piece]) -> Piece | None:
    place = match.span()
    letter = before[-1].letter if before else LINE
    if kind in ("bullet", "quote"):
        return None
    if kind in ("present", "absent", "likely", "uncertain", "ignored"):
        return Piece(ANSWER, *place, kind)
    if kind.startswith("short_"):
        return Piece(ANSWER if _is_short(match, letter) else TEXT, *place, kind.removeprefix("short_"))
    if kind in ("ticked", "empty", "doubted"):
        return Piece(MARK, *place, {"ticked": "present", "empty": "absent", "doubted": "uncertain"}[kind])
    if kind == "sign":
        return Piece(SIGN, *place, _SAYS[match.group().strip()[0]])
    if kind == "dash":  # "+ edema, - effusion"
        return Piece(SIGN, *place, "absent") if letter == COMMA else Piece(DASH, *place)
    if kind == "line":
        return Piece(EMPTY_LINE if match.group().count("\n") > 1 else LINE, *place)
    letters = {"separator": SEPARATOR, "cell": CELL, "stop": STOP, "comma": COMMA}
    return Piece(letters.get(kind, TEXT), *place)


def _is_short(match: re.Match[str], before: str) -> bool:
    """Whether "Y", "0" or the like answers: in brackets, behind a separator, first in its line, or a capital letter."""
    word = match.group()
    if not word.isalnum() and word[0] == "(":
        return True
    if before in (SEPARATOR, DASH, CELL) or (before == COMMA and word[0] in "01-YN"):
        return True
    after = match.string[match.end() : match.end() + 3].strip(" ")[:1]
    first = before in (LINE, EMPTY_LINE, STOP) and after in "\n-:=\t|"
    return (first and not word[0].isdigit()) or (before == TEXT and word in ("Y", "N"))


@cache
def _pattern() -> re.Pattern[str]:
    table = read_phrases("answers")
    word = r"\([^\S\n]*(?:{0})[^\S\n]*\)|(?<![\w/+-])(?:{0})(?![\w/-])"
    said = {status: word.format(_any(table[status])) for status in _STATUSES}
    # A letter or a figure is one only before an end, a separator or the next label.
    ends = r"(?=[^\S\n\"']*(?:\Z|[\n;,.|\t:=\"']|[-\u2013][^\S\n]|[^\n.;:?=]{3,40}[:?=]))"
    short = {
        f"short_{status}": f"(?:{word.format(_any(table[f'short {status}']))}){ends}"
        for status in ("present", "absent", "uncertain")
    }
    groups = {
        "line": r"[^\S\n]*\n\s*",
        "bullet": rf"(?:(?<=\n)|(?<![\s\S])|(?<=\n[ \t]))[^\S\n]*{_BULLET}",
        "asked": rf"\b(?:{_any(table['asked'])})\b(?=[\"']?[^\S\n]*[:=?\t|(])",
        "ticked": _TICKED,
        "doubted": _DOUBTED,
        "empty": _EMPTY,
        **{status: said[status] for status in ("ignored", "uncertain", "absent", "likely", "present")},
        **short,
        "quote": r"[\"{}\u201c\u201d]",
        "cell": r"[^\S\n]*[\t|][^\S\n|]*",
        "separator": r"[^\S\n]*(?:->|=>|\u2192|\.{2,}|\u2026|[:=?])[^\S\n]*",
        "stop": r";|\.(?=\s|\Z)",
        "comma": r"[,()\[\]]",
        "sign": r"(?:(?<=[\s,;(:=])|(?<![\s\S]))(?:\+{1,3}|[-\u2212\u2013](?![^\S\n]))(?=[^\W\d_]|[^\S\n]|$|[\n,;.])"
        r"|(?<=[^\W\d_])\+{1,3}(?=$|[\n,;.])|(?<=\s)[-\u2212\u2013](?=$|[\n,;.])",
        "dash": r"(?<=\s)(?:-{1,2}|[\u2013\u2014])(?=[^\S\n])|\u2014",
        "word": r"[\w'\u2019%/]+(?:[-.][\w'\u2019%/]+)*|[^\s\w]",
    }
    return re.compile(
        "|".join(f"(?P<{name}>{pattern})" for name, pattern in groups.items()), re.IGNORECASE | re.MULTILINE
    )


def _any(words: list[str]) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    return "|".join(re.escape(word).replace(r"\ ", r"[^\S\n]+") for word in longest_first)
