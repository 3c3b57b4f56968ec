"""Answers of a filled-in form, and the marks between them, as one letter each.

The shape of "Cardiomegaly: Yes, [x] Edema" is ``T:A,mT``: text, separator, answer, comma, mark, text. Forms are told by
such shapes (`forms`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from monai_cars.features.reports.words import GRAMMAR, read_phrases

TEXT, ANSWER, MARK, SIGN, SEPARATOR, DASH, CELL, COMMA = "T", "A", "m", "s", ":", "-", "t", ","
LINE, EMPTY_LINE, STOP, SEMICOLON = "n", "N", ".", ";"

_BEGINS = (LINE, EMPTY_LINE, STOP, SEMICOLON)
_STATUSES = ("present", "absent", "likely", "uncertain", "ignored")
_SHORT = ("present", "absent", "uncertain")
_LETTERS = {"cell": CELL, "separator": SEPARATOR, "comma": COMMA, "dash": DASH, "sign": SIGN}
_MARKS = {"ticked": "present", "empty": "absent", "doubted": "uncertain"}
_BRACKETS = {"(": ")", "[": "]", "<": ">"}
_AHEAD = 6  # words of the next label: "Edema: Y Effusion: N"

_BULLET = (
    r"(?:[-*>\u2022\u2023\u00b7\u25aa\u25ab\u25cb\u25cf\u25e6\u27a2\uf0b7\u2013\u2014]|\d{1,2}[.)]|\(?[a-h]\))[^\S\n]+"
)
_FIRST_BULLET = re.compile(rf"\s*{_BULLET}")
_WORD = r"[^\W_][\w'\u2019%/]*(?:[-.][^\W_][\w'\u2019%/]*)*"
_PATTERN = re.compile(
    "|".join(
        (
            rf"(?P<word>{_WORD})",
            rf"(?P<line>[^\S\n]*\n\s*)(?:{_BULLET})?",
            r"(?P<ticked>[\[(][^\S\n]*[xX\u2713\u2714+][^\S\n]*[\])]|\[[^\S\n]*[yY*][^\S\n]*\]|[\u2295\u2611\u2612\u2713\u2714\u2705])",
            r"(?P<doubted>[\[(][^\S\n]*(?:\?|\+/-|\u00b1)[^\S\n]*[\])])",
            r"(?P<empty>\[[^\S\n]*[-_\u2013]?[^\S\n]*\]|\([^\S\n]*[-_\u2013]?[^\S\n]*\)"
            r"|\[[^\S\n]*[nN][^\S\n]*\]|[\u2296\u2610\u2715-\u2718\u274c\u25a1])",
            r"(?P<filled>\u25a0)",
            r"(?P<crossed>\[[^\S\n]*[\u2715-\u2718][^\S\n]*\])",
            r"(?P<figure>[+-]ve\b|\+/-|\u00b1|-1(?:\.0)?(?![\w.]))",
            r"(?P<cell>[^\S\n]*[\t|][^\S\n|]*)",
            r"(?P<separator>->|=>|\u2192|\.{2,}|\u2026|[:=?])",
            r"(?P<stop>;|\.(?=\s|\Z))",
            r"(?P<comma>[,()\[\]])",
            # A sign stands right before a word, or alone: "+edema, -effusion", "edema +", "+ edema".
            r"(?P<sign>(?:(?<=[\s,;(:=])|(?<![\s\S]))(?:\+{1,3}|[-\u2212\u2013](?![^\S\n]))"
            r"|(?<=[^\W\d_])\+{1,3}(?=$|[\s,;.])|(?<=[\s\w])[-\u2212\u2013](?=$|[\n,;.]))",
            r"(?P<dash>-{1,2}|[\u2013\u2014])",
            # What only sets a word off: quotes, "**Edema:** no", "<b>Edema:</b> no".
            r"(?P<quote>[\"{}\u201c\u201d]|\*+|</?(?:b|i|u|em|strong|p|li|ul|br|td|tr|th|span)[^\S\n]*/?>)",
            r"(?P<other>[^\s\w])",
        )
    )
)


_NUMBER = re.compile(r"(?<=\s)\d{1,2}[.)]\s+[^\W\d_]")  # of an item of a list on one line
_HOOK = re.compile("[\u2713\u2714]")
_SIGNED_LINE = re.compile(r"^[^\S\n]*\+[^\S\n]*[^\W\d_]", re.MULTILINE)
_HYPHENED = re.compile(r"(.*[^\W\d_]{3})[-/](yes|no|present|absent|positive|negative|none)")


class Piece(NamedTuple):
    """A piece of a line: its letter, its place, and what an answer or a mark says."""

    letter: str
    start: int
    end: int
    says: str = ""


class _Raw(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def pieces(text: str, start: int, end: int) -> list[Piece]:
    r"""The pieces of `text[start:end]`, words that stand together as one.

    Example:
        >>> "".join(piece.letter for piece in pieces("Edema: Yes\n[x] Effusion", 0, 23))
        'T:AnmT'
    """
    raw = _raw(text, start, end)
    found: list[Piece] = []
    at = 0
    while at < len(raw):
        piece, at = _answer(raw, at, found) or (_piece(raw[at], found), at + 1)
        if piece is None or (piece.letter == COMMA and found and found[-1].letter == COMMA):
            continue
        if piece.letter == TEXT and found and found[-1].letter == TEXT:
            found[-1] = Piece(TEXT, found[-1].start, piece.end)
        else:
            found.append(piece)
    return found


_MARKED = re.compile(
    r"[\t|=\u2295\u2296\u2610-\u2612\u2713-\u2718\u25a1\u2705\u274c\[\]+]|\([-_ ]*\)| [-\u2013]\s|:-|[+-]ve\b"
    r"|[\s,(:][-\u2212](?:[^\W\d_]|\Z|[\n;,.\"])"
)
_BEHIND = re.compile(r"[:?<>(/\u2014\u2026-][\s\"']*(\w[\w/]*)")
_BEFORE_END = re.compile(r"(?:(\w+)[^\S\n]+)?([\w/]+)[^\S\n]*(?:[\n;,.:]|\Z)")


def may_answer(text: str, start: int, end: int) -> bool:
    """Whether there may be an answer at all, at little cost: a mark, or its word behind a separator or at an end."""
    part = text[start:end]
    if _MARKED.search(part):
        return True
    firsts, lasts = _ends_of_answers()
    if any(word.lower() in firsts for word in _BEHIND.findall(part)):
        return True
    return any(
        last.lower() in lasts and before.lower() not in GRAMMAR["copulas"] for before, last in _BEFORE_END.findall(part)
    )


def _raw(text: str, start: int, end: int) -> list[_Raw]:
    bullet = _FIRST_BULLET.match(text, start, end)
    part, start = (text[bullet.end() : end], bullet.end()) if bullet else (text[start:end], start)
    signed = _SIGNED_LINE.search(part) is not None
    numbered = bullet is not None and bullet.group().strip(" (").startswith("1")
    found: list[_Raw] = []
    for match in _PATTERN.finditer(part):
        kind = match.lastgroup or ""
        if kind == "quote":
            continue
        first, last = match.span(kind)
        if kind == "crossed":  # beside "[\u2714]" a cross denies; alone it may be the mark of what is there
            kind = "empty" if _HOOK.search(part) else "doubted"
        if kind == "filled":  # a bullet, unless empty boxes stand beside it
            kind = "ticked" if "\u25a1" in part else "other"
        # "1. Edema: No 2. Effusion: Yes"
        begins = numbered and found and found[-1].kind == "word" and _NUMBER.match(part, first)
        raw = _Raw("line" if begins else kind, part[first:last].lower(), start + first, start + last)
        found += _parted(raw)
        if kind == "line" and signed and part[last : match.end()].strip() == "-":
            found.append(_Raw("sign", "-", raw.end, start + match.end()))  # no bullet: other lines begin with "+"
    return found


def _parted(raw: _Raw) -> list[_Raw]:
    """Label, separator and answer of "Edema-No" and "Edema/No"."""
    parts = _HYPHENED.fullmatch(raw.text) if raw.kind == "word" and raw.text not in _table() else None
    if parts is None:
        return [raw]
    mark = raw.start + parts.end(1)
    return [
        _Raw("word", parts[1], raw.start, mark),
        _Raw("separator", ":", mark, mark + 1),
        _Raw("word", parts[2], mark + 1, raw.end),
    ]


def _piece(raw: _Raw, before: list[Piece]) -> Piece | None:
    place = raw.start, raw.end
    if raw.kind == "line":
        return Piece(EMPTY_LINE if raw.text.count("\n") > 1 else LINE, *place)
    if raw.kind in _MARKS:
        return Piece(MARK, *place, _MARKS[raw.kind])
    if raw.kind == "sign":
        return Piece(SIGN, *place, "present" if raw.text[0] == "+" else "absent")
    if raw.kind == "stop":
        return Piece(raw.text, *place)
    if raw.kind == "dash" and before and before[-1].letter == COMMA:  # "+ edema, - effusion"
        return Piece(SIGN, *place, "absent")
    return Piece(_LETTERS.get(raw.kind, TEXT), *place)


def _answer(raw: list[_Raw], at: int, before: list[Piece]) -> tuple[Piece, int] | None:
    """The longest answer that begins here, brackets around it included, and where it ends."""
    bracket = raw[at].text in _BRACKETS and at + 1 < len(raw)
    first = at + bracket
    for words, status in _table().get(raw[first].text, ()):
        end = first + len(words)
        if tuple(one.text for one in raw[first:end]) != words:
            continue
        closed = bracket and end < len(raw) and raw[end].text == _BRACKETS[raw[at].text]
        if bracket and not closed:
            continue
        if status == "asked":
            marked = bool(before) and before[-1].letter == MARK
            if marked or (end < len(raw) and raw[end].kind in ("separator", "cell", *_MARKS)):
                return Piece(TEXT, raw[at].start, raw[end - 1].end), end
            continue
        if status.startswith("short ") and not closed and not _is_short(raw, first, before):
            continue
        end += closed
        return Piece(ANSWER, raw[at].start, raw[end - 1].end, status.removeprefix("short ")), end
    return None


def _is_short(raw: list[_Raw], at: int, before: list[Piece]) -> bool:
    """Whether "Y", "0" or the like answers: behind a separator, first in its line, or a capital letter at an end."""
    word, following = raw[at], raw[at + 1 : at + 2 + _AHEAD]
    letter = before[-1].letter if before else LINE
    next_mark = next((one for one in following if one.kind != "word"), None)
    if following and following[0].kind == "word" and (next_mark is None or next_mark.kind != "separator"):
        return False
    ends = not following or following[0].kind in ("line", "stop", "comma", "cell", "separator", "dash")
    if not ends and (next_mark is None or next_mark.kind != "separator"):
        return False
    if letter in (SEPARATOR, DASH, CELL) or (letter == COMMA and word.text in ("0", "1", "-1", "0.0", "1.0", "y", "n")):
        return True
    alone = letter in _BEGINS and (not following or following[0].kind in ("line", "dash", "separator", "cell"))
    return (alone and not word.text[-1].isdigit()) or (letter == TEXT and word.text in ("y", "n"))


@cache
def _table() -> dict[str, list[tuple[tuple[str, ...], str]]]:
    """First word of an answer -> the answers that begin so and what they say, the longest first."""
    answers = read_phrases("answers")
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for status in (*_STATUSES, *(f"short {status}" for status in _SHORT), "asked"):
        for phrase in answers[status]:
            words = tuple(match.group() for match in _PATTERN.finditer(phrase))
            found.setdefault(words[0], []).append((words, status))
    return {first: sorted(entries, key=lambda entry: -len(entry[0])) for first, entries in found.items()}


@cache
def _ends_of_answers() -> tuple[frozenset[str], frozenset[str]]:
    """First and last words of answers; figures and "findings" are none without a separator."""
    answers = [words for entries in _table().values() for words, status in entries if status != "asked"]
    lasts = frozenset(words[-1] for words in answers if not words[-1][0].isdigit()) - {"findings", "finding"}
    return frozenset(words[0] for words in answers), lasts
