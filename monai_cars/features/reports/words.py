"""Words of a report in one spelling and number, with their places in the text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from string import ascii_lowercase
from typing import Any, NamedTuple

import yaml

PHRASES = Path(__file__).parent / "phrases"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where libyaml is there


def read_phrases(name: str) -> dict[str, Any]:
    """A data file of this package."""
    return yaml.load((PHRASES / f"{name}.yaml").read_text(encoding="utf-8"), Loader=_LOADER)


GRAMMAR = {name: frozenset(words.split()) for name, words in read_phrases("grammar").items()}

_ABBREVIATIONS = r"(?:dr|mr|mrs|ms|vs|approx|prob|poss|incl|resp|dept|fig|e\.g|i\.e|a\.m|p\.m|c\.f)\."
_SHORT = r"(?:[+-]ve|w/o|r/o|h/o|s/p|c/w|b/l|and/or|w/)(?![^\W_])"
_NUMBER = r"\d+(?:[.,:/]\d+)*"
_BROKEN = r"[^\W\d_]{2,}-[ \t]*\r?\n\s*[^\W\d_]{2,}"  # a word divided at the end of a line
_APOSTROPHE = "['\u2019\u2018\u02bc\u2032\u00b4`]"
_APOSTROPHES = re.compile(_APOSTROPHE)
_WORD = rf"[^\W_]+(?:{_APOSTROPHE}[^\W_]+)*"
_STEMS = "|".join(sorted(GRAMMAR["contracted"]))
_NOT = re.compile(rf"({_STEMS})n{_APOSTROPHE}?t", re.IGNORECASE)  # isn't, isnt, can't
_TOKEN = re.compile(rf"{_ABBREVIATIONS}|{_SHORT}|{_NUMBER}|{_BROKEN}|{_WORD}|[^\w\s]", re.IGNORECASE)
_SAME = {"&": "and", "+": "and", "w/": "with", "and/or": "or", "!": ".", "\u2013": "-", "\u2014": "-"}
_SAME |= {"+ve": "positive", "-ve": "negative"}
_SAME |= dict.fromkeys("()[]", ",")
_OF_A_MEASURE = re.compile(
    r"\s*(?:above|below|from|deep|in|x|by|proximal|distal|superior|inferior|long|wide|thick)\b", re.I
)
_LONGEST_CACHE = 200_000  # distinct words kept; misspelt ones never end


class Token(NamedTuple):
    """A word (one spelling, singular) or a punctuation mark, and where it stands."""

    word: str
    start: int
    end: int


def tokens(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """Words and punctuation of `text[start:end]`; places count from the beginning of `text`.

    Example:
        >>> [token.word for token in tokens("Small pleural effusoins, Air-space oedema")]
        ['small', 'pleural', 'effusion', ',', 'airspace', 'edema']
    """
    found: list[Token] = []
    joined = _spelling().joined
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        raw, first, last = match.group(), match.start(), match.end()
        if raw == "-" and first and text[first - 1].isalnum() and text[last : last + 1].isalnum():
            continue  # a hyphen inside a word
        denied = _NOT.fullmatch(raw)
        if denied is not None:
            found.extend(_contracted(denied, first, last))
            continue
        if "-" in raw[1:]:
            found.extend(_divided(raw, first, last))
            continue
        word = normal(raw)
        if word == "cm" and _is_cardiomegaly(text, found, first, last):
            word = "cardiomegaly"
        pair = joined.get((found[-1].word, word)) if found else None
        if pair is not None and not text[found[-1].end : first].strip(" -\t\r\n"):
            found[-1] = Token(pair, found[-1].start, last)
        else:
            found.append(Token(word, first, last))
    return found


def _contracted(match: re.Match[str], first: int, last: int) -> list[Token]:
    """The words of a contraction: "is" and "not" of "isn't", "cannot" of "can't"."""
    stem = match[1].lower()
    if stem == "ca":
        return [Token("cannot", first, last)]
    middle = first + len(stem)
    return [Token("will" if stem == "wo" else normal(stem), first, middle), Token("not", middle, last)]


def _is_cardiomegaly(text: str, before: list[Token], first: int, last: int) -> bool:
    """Whether "CM" stands where no measure can: "mild CM, no edema", not "5 cm" or "___ cm above the carina"."""
    if _OF_A_MEASURE.match(text, last) or (before and "_" in text[before[-1].end : first]):
        return False
    return not before or before[-1].word in GRAMMAR["before cardiomegaly"]


def _divided(raw: str, first: int, last: int) -> list[Token]:
    head, tail = re.split(r"-\s*", raw, maxsplit=1)
    whole = normal(head + tail)
    if whole in _spelling().known:
        return [Token(whole, first, last)]
    return [Token(normal(head), first, first + len(head)), Token(normal(tail), last - len(tail), last)]


_forms: dict[str, str] = {}


def normal(word: str) -> str:
    """A word in lower case, American spelling and singular; a typing error in a key word is mended.

    Example:
        >>> normal("Opacities"), normal("haemothorax"), normal("pnuemothorax"), normal("masses")
        ('opacity', 'hemothorax', 'pneumothorax', 'mass')
    """
    form = _forms.get(word)
    if form is None:
        if len(_forms) > _LONGEST_CACHE:
            _forms.clear()
        form = _forms[word] = _normal(word.lower())
    return form


def _normal(word: str) -> str:
    if word in _SAME:
        return _SAME[word]
    word = word.rstrip(".") if len(word) > 1 else word
    word = _APOSTROPHES.sub("'", word).removesuffix("'s")
    spelling = _spelling()
    word = spelling.same.get(word, word)
    singular = _singular(word)
    singular = spelling.same.get(singular, singular)
    return singular if singular in spelling.known else spelling.mended.get(word, singular)


def _singular(word: str) -> str:
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("thoraces"):
        return word.removesuffix("ces") + "x"
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes")) else word[:-1]


class _Spelling(NamedTuple):
    same: dict[str, str]
    joined: dict[tuple[str, str], str]
    mended: dict[str, str]
    known: set[str]


@cache
def _spelling() -> _Spelling:
    table = read_phrases("spelling")
    same = {**table["british"], **table["plurals"], **table["short"], **table["errors"]}
    joined = {(first, second): word for pair, word in table["joined"].items() for first, second in [pair.split()]}
    known = {*table["corrected"], *table["words of their own"], *same.values()}
    mended = {wrong: word for word in table["corrected"] for wrong in _one_error(word)}
    return _Spelling(same, joined, {wrong: word for wrong, word in mended.items() if wrong not in known}, known)


def _one_error(word: str) -> Iterable[str]:
    """All strings that one missing, extra, wrong or exchanged letter makes of a word."""
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        yield from (head + letter + tail for letter in ascii_lowercase)
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in ascii_lowercase)
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
