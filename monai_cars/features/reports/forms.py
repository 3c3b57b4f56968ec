"""Filled-in forms in a report: "Cardiomegaly: Yes", "[x] Edema", "(+) effusion, (-) pneumothorax", one a line or many.

A form is told by the shape of its line (`answers`), never by its words: a label, an answer, and nothing else. What has
another shape ("Pneumothorax: No change on the right") is left to the grammar of sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monai_cars.features.reports.answers import (
    ANSWER,
    CELL,
    COMMA,
    DASH,
    EMPTY_LINE,
    LINE,
    SEMICOLON,
    SEPARATOR,
    SIGN,
    STOP,
    TEXT,
    Piece,
    may_answer,
    pieces,
)
from monai_cars.features.reports.grids import rows
from monai_cars.features.reports.words import GRAMMAR, tokens

# Shapes of an item, from the start of what is left of its line: a `label` (or a `bare` one, that no mark parts from its
# answer) and what is `said` of it.
_LABEL = r"(?P<label>T(?:,T)*A?),?"
_SHAPES = (
    re.compile(rf"{_LABEL}[:t-]?(?P<said>(?:m,?A,?){{2,}}|(?:A,?m,?){{2,}})"),  # Edema: [x] Yes [ ] No
    re.compile(rf"{_LABEL}[:t-]{{1,2}}(?P<said>mA|Am|A|m|s)(?![AT])"),  # Edema: Yes
    re.compile(rf"{_LABEL}[:t-]{{1,2}}(?P<said>A)(?=T[:=])"),  # Edema: Yes Effusion: No
    re.compile(r"(?P<said>(?:m,?A,?){2,}|(?:A,?m,?){2,})(?P<label>T)(?=$|,$)"),  # [x] Yes [ ] No Edema
    re.compile(r"(?P<said>[ms])(?P<label>T)"),  # (+) edema
    re.compile(r"(?P<said>A)[:t-](?P<label>T(?:,T)*)(?=$|t$)"),  # Present: edema, effusion
    re.compile(r"(?P<bare>T)(?P<said>[ms])(?=$|,|T)"),  # Edema (+)
    re.compile(r"(?P<bare>T)(?P<said>A)(?=$|,|(?:TA)+$)"),  # Edema present
    re.compile(r"(?P<bare>T),(?P<said>A)(?=$|,$)"),  # Edema,1
)
_LIST = re.compile("T(?:,T)*,?")
_HEADING = re.compile("T:(?=[ms]T)")  # CXR: +edema, -effusion
_BARE = re.compile("T[Ams]")
_HEADED = re.compile("A[:-]T(?:,T)*,?")
_BELOW = re.compile("(?<=:)[nN](?=[Am](?:$|[N;.]|n(?:$|T:|[Am])))")  # a line break between "Edema:" and its answer
_BY_TURNS = re.compile("(?:^n?|(?<=[N;.]))TnA(?:[nN]TnA)*(?=n?$|[N;.])")  # or where each has a line of its own
_SENTENCE = (
    GRAMMAR["no label"] | GRAMMAR["verbs"] | GRAMMAR["no gap"] - {",", "/", "and", "or", "?"}
)  # words that no label has
_LONGEST = 6  # words of a label that no mark separates from its answer


class Item(NamedTuple):
    """A finding and the answer beside it.

    Attributes:
        start: place of the first character of either.
        end: place after the last.
        label: place of what is asked, and place after it.
        says: what the answer says of it: "present", "likely", "uncertain", "absent" or "ignored".
    """

    start: int
    end: int
    label: tuple[int, int]
    says: str


def items(text: str, start: int = 0, end: int | None = None) -> list[Item]:
    """The items of `text[start:end]`, in order.

    Example:
        >>> text = "Cardiomegaly: Yes; [ ] Edema"
        >>> [(text[slice(*item.label)], item.says) for item in items(text)]
        [('Cardiomegaly', 'present'), ('Edema', 'absent')]
    """
    end = len(text) if end is None else end
    if not may_answer(text, start, end):
        return []
    found: list[Item] = []
    for row in rows(text, start, end):
        found += [*_items(text, start, row.start), Item(*row)]
        start = row.end
    return [*found, *_items(text, start, end)]


def _items(text: str, start: int, end: int) -> list[Item]:
    found: list[Item] = []
    open_line = False  # the line above has words and no answer
    heading, on_one_line = "", False  # what "Absent:" says of the lines below it, or up to the end of its own
    told = pieces(text, start, end)
    signed = any(piece.letter == SIGN and piece.says == "present" for piece in told)
    lines = list(_lines(_joined(text, told)))
    for number, (line, ended) in enumerate(lines):
        shape = _shape(line)
        if ended == LINE and _HEADED.fullmatch(shape) and _goes_on(text, lines[number + 1 : number + 2]):
            heading = ""  # "Absent: focal / consolidation" is read as a sentence
        elif open_line and shape[0] == TEXT and ":" not in shape and text[line[0].start].islower():
            heading = ""  # the second half of "Nor is / effusion seen"
        elif heading and _LIST.fullmatch(shape) and _is_listed(text, line[0].start, line[-1].end):
            place = line[0].start, line[-1].end
            found.append(Item(*place, place, heading))
        else:
            found += _items_of(text, line, shape, signed)
            on_one_line = ended == SEMICOLON and _HEADED.fullmatch(shape) is not None
            heading = line[0].says if on_one_line or (shape == "A:" and ended == LINE) else ""
        if ended == EMPTY_LINE or (on_one_line and ended != SEMICOLON):
            heading = ""
        open_line = ended == LINE and not (found and found[-1].end >= line[-1].end)
    return found


def _goes_on(text: str, following: Sequence[tuple[list[Piece], str]]) -> bool:
    """Whether the line below begins with a word in lower case."""
    return any(line[0].letter == TEXT and text[line[0].start].islower() for line, _ in following)


def _shape(line: Sequence[Piece]) -> str:
    return "".join(piece.letter for piece in line)


def _lines(told: list[Piece]) -> Iterator[tuple[list[Piece], str]]:
    """What stands between two ends of a line or sentence, and which end it was."""
    line: list[Piece] = []
    for piece in told:
        if piece.letter in (LINE, EMPTY_LINE, STOP, SEMICOLON):
            if line:
                yield line, piece.letter
            line = []
        else:
            line.append(piece)
    if line:
        yield line, STOP


def _joined(text: str, told: list[Piece]) -> list[Piece]:
    """With a label and the answer on the line below it as one line, and so what goes on behind a comma."""
    wrapped = {match.start() + 1 for match in re.finditer(",n(?=T)", _shape(told))}
    told = [piece for place, piece in enumerate(told) if place not in wrapped]
    shape = _shape(told)
    below = {match.start() for match in _BELOW.finditer(shape)}
    for match in _BY_TURNS.finditer(shape):
        turns = [place for place in range(match.start() + 1, match.end()) if shape[place - 1 : place + 2] == "TnA"]
        if all(_is_label(text, told[place - 1].start, told[place - 1].end) for place in turns):
            below |= set(turns)
    return [
        piece._replace(letter=SEPARATOR) if place in below else piece
        for place, piece in enumerate(told)
        if not (place + 1 in below and piece.letter == SEPARATOR)
    ]


def _items_of(text: str, line: list[Piece], shape: str, signed: bool) -> list[Item]:
    """The items of a line; none where a part of it has another shape."""
    found: list[Item] = []
    headed = _HEADING.match(shape)
    place = headed.end() if headed else _past(shape, 0)
    while place < len(shape):
        item = next((one for one in _candidates(text, line, shape, place, signed) if one is not None), None)
        if item is None:
            # What follows "Edema: Yes, " is a statement of its own, or says no more of it.
            rest = found and shape[place - 1] in (COMMA, DASH) and _LIST.fullmatch(shape[place:])
            return found if rest and not _BARE.match(shape) else []
        found.append(item[0])
        place = _past(shape, item[1])
    return found


def _past(shape: str, place: int) -> int:
    while place < len(shape) and (shape[place] in (COMMA, CELL) or (place and shape[place] == DASH)):
        place += 1
    return place


def _candidates(
    text: str, line: list[Piece], shape: str, place: int, signed: bool
) -> Iterator[tuple[Item, int] | None]:
    for one in _SHAPES:
        match = one.match(shape, place)
        # A lone dash is punctuation unless other signs or a list tell otherwise: "small effusion -".
        lone = match is not None and line[match.start("said")].letter == SIGN and not (signed or COMMA in shape)
        if match is not None and not (lone and not {SEPARATOR, CELL}.intersection(match[0])):
            yield _item(text, line, match)


def _item(text: str, line: list[Piece], match: re.Match[str]) -> tuple[Item, int] | None:
    """The item of a match and the end of that, or None where its label is no label."""
    named = "bare" if "bare" in match.re.groupindex else "label"
    first, last = match.span(named)
    last -= line[last - 1].letter == ANSWER and line[last - 1].says == "ignored"  # "Edema (yes/no): No"
    label = line[first].start, line[last - 1].end
    says = _answer(line[slice(*match.span("said"))])
    if named == "bare" and not _is_label(text, *label):
        return None
    if says == "absent" and _asserted(text, line[first].start, line[first].end):  # "Small effusion, pneumothorax: no"
        first = max(place for place in range(first, last) if line[place].letter == TEXT)
        label = line[first].start, label[1]
    span = [*label, line[match.start("said")].start, line[match.end("said") - 1].end]
    return Item(min(span), max(span), label, says), match.end()


def _answer(said: Sequence[Piece]) -> str:
    """What an answer says, or the ticked one of several."""
    if len(said) == 1:
        return said[0].says
    pairs = [sorted(said[at : at + 2], key=lambda piece: piece.letter) for at in range(0, len(said), 2)]
    ticked = [answer.says for answer, mark in pairs if mark.says == "present"]  # ANSWER sorts before MARK
    return ticked[0] if len(ticked) == 1 else "ignored"


def _is_label(text: str, start: int, end: int) -> bool:
    """Whether words are a label rather than a sentence."""
    words = [token.word for token in tokens(text, start, end)]
    return 0 < len(words) <= _LONGEST and not any(word in _SENTENCE for word in words)


def _is_listed(text: str, start: int, end: int) -> bool:
    return _is_label(text, start, end) and not _asserted(text, start, end)


def _asserted(text: str, start: int, end: int) -> bool:
    return any(token.word in GRAMMAR["there on a side"] for token in tokens(text, start, end))
