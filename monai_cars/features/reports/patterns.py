"""Phrases as data, and finding them in a list of words.

A phrase is words; ``a|b`` is one of these, ``a?`` may be missing, ``_`` is up to four words of any kind that do not end
a clause. Words count in any case, spelling and number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

from monai_cars.echo import echo
from monai_cars.features.reports.words import GRAMMAR, tokens

_GAP = 4  # words that `_` stands for, at most
_NO_GAP = GRAMMAR["no gap"]
_LEAF = ""  # key of a node's payloads; no word is empty


class Hit(NamedTuple):
    """A phrase found: words[start:end], `weight` words of which the phrase names."""

    start: int
    end: int
    weight: int
    payload: Any


def variants(phrase: str) -> Iterator[tuple[str, ...]]:
    """All sequences of words that a phrase stands for; "_" stays.

    Raises:
        ValueError: a phrase without a word, or one that begins or ends with `_`.

    Example:
        >>> list(variants("pleural|basal fluid?"))
        [('pleural', 'fluid'), ('pleural',), ('basal', 'fluid'), ('basal',)]
    """
    parts = phrase.split() if isinstance(phrase, str) else []
    choices = [[part] if part == "?" else _choice(part) for part in parts]
    if not choices or any("" in choice for choice in choices):
        raise ValueError(f"a phrase is words such as 'pleural|basal effusion' (got {echo(phrase)}).")
    for chosen in product(*choices):
        words = tuple(word for word in chosen if word is not None)
        if not words or "_" in (words[0], words[-1]):
            raise ValueError(f"a phrase begins and ends with a word that is always there (got {echo(phrase)}).")
        yield words


def _choice(part: str) -> list[str | None]:
    words: list[str | None] = [*part.removesuffix("?").split("|")]
    return [*words, None] if part.endswith("?") else words


class PhraseMatcher:
    """Finds many phrases at once in a list of words."""

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}

    def add(self, phrase: str, payload: Any) -> None:
        """Adds a phrase; what is found of it carries `payload`."""
        for words in variants(phrase):
            node = self._root
            for word in _normalised(words):
                node = node.setdefault(word, {})
            if payload not in node.setdefault(_LEAF, []):
                node[_LEAF].append(payload)

    def hits(self, words: Sequence[str]) -> list[Hit]:
        """Everything found, overlapping or not."""
        found: list[Hit] = []
        for start, word in enumerate(words):
            node = self._root.get(word)
            if node is not None:
                _walk(node, words, start, start + 1, 1, found)
        return found


def _normalised(words: Iterable[str]) -> list[str]:
    """Words as the tokens of a report have them."""
    parts = " ".join(words).split(" _ ")
    found = [token.word for token in tokens(parts[0])]
    for part in parts[1:]:
        found += ["_", *(token.word for token in tokens(part))]
    return found


def _walk(node: dict[str, Any], words: Sequence[str], start: int, at: int, weight: int, found: list[Hit]) -> None:
    for payload in node.get(_LEAF, ()):
        found.append(Hit(start, at, weight, payload))
    if at < len(words):
        following = node.get(words[at])
        if following is not None:
            _walk(following, words, start, at + 1, weight + 1, found)
    after_gap = node.get("_")
    if after_gap is None:
        return
    for skipped in range(_GAP + 1):
        place = at + skipped
        if place >= len(words):
            return
        following = after_gap.get(words[place])
        if following is not None:
            _walk(following, words, start, place + 1, weight + 1, found)
        if words[place] in _NO_GAP:
            return


def longest(hits: Iterable[Hit]) -> list[Hit]:
    """Hits of which none lies across one that names more words, in order; several may share one place."""
    kept: list[Hit] = []
    taken: dict[int, Hit] = {}
    for hit in sorted(hits, key=lambda hit: (-hit.weight, hit.end - hit.start, hit.start)):
        across = {taken[place][:3] for place in range(hit.start, hit.end) if place in taken}
        if across <= {hit[:3]}:
            kept.append(hit)
            taken.update(dict.fromkeys(range(hit.start, hit.end), hit))
    return sorted(kept, key=lambda hit: (hit.start, hit.end))


def outside(hits: Iterable[Hit], covers: Sequence[Hit], *, same_place: bool = False) -> list[Hit]:
    """Hits that none of `covers` lies across, save those naming fewer words (or, if asked, in the same place)."""
    lying: dict[int, list[Hit]] = {}
    for cover in covers:
        for place in range(cover.start, cover.end):
            lying.setdefault(place, []).append(cover)
    return [
        hit
        for hit in hits
        if not any(
            cover.weight >= hit.weight and not (same_place and cover[:2] == hit[:2])
            for place in range(hit.start, hit.end)
            for cover in lying.get(place, ())
        )
    ]
