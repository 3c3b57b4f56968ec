"""Where the clauses of a sentence end, and how far a word that denies or doubts reaches.

A trigger ("no", "cannot exclude", "has resolved") reaches forward or backward to the end of its clause. A list goes on
("no consolidation, effusion, or pneumothorax"); a new clause does not ("no pneumothorax, small effusion", "no effusion
and the heart is enlarged").
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container, Sequence
from functools import cached_property
from typing import NamedTuple

from monai_cars.features.reports.patterns import Hit
from monai_cars.features.reports.words import GRAMMAR

DEVICE = "support device"
ENDINGS = {"not a denial"}
_LISTED = ":"  # behind a kind of trigger that a colon follows
_DENIES = ("absent before", "denied before")

_VERBS = GRAMMAR["verbs"]
_NEW_SUBJECTS = GRAMMAR["new subjects"]
_ASSERTING = GRAMMAR["asserting"]
_LATER = GRAMMAR["later"]
_SEEN = GRAMMAR["seen"]
_YET = GRAMMAR["yet"]
_OR = GRAMMAR["or"]
_IN_PLACE = 6  # words from a comma to the finding that a clause is about, at most
_AHEAD = 40  # words to the "or" of a list that holds verbs
_SUBJECT = 12  # words before a comma that may hold the verb of the clause there


class Named(NamedTuple):
    """A finding named in a sentence.

    Attributes:
        concept: which.
        start: first word that a trigger must reach.
        end: after the last such word.
        sure: it denies by itself ("normal"), so only a "not" right before it matters.
    """

    concept: str
    start: int
    end: int
    sure: bool = False


class Scope(NamedTuple):
    """words[start:end] are what a trigger of a kind reaches."""

    kind: str
    start: int
    end: int


class Clauses:
    """One sentence: its words, what it names, and where its clauses end.

    Args:
        words: the sentence.
        named: what it names.
        triggers: what denies, doubts or ends.
    """

    def __init__(self, words: Sequence[str], named: Sequence[Named], triggers: Sequence[Hit]) -> None:
        self.words = words
        self.triggers = triggers
        self.named = sorted(named, key=lambda one: one.start)
        self.starts = [one.start for one in self.named]
        self.ends = {one.end for one in self.named}
        self.boundaries = sorted({hit.start for hit in triggers if hit.payload == "boundary"})
        self.links = {place for hit in triggers if hit.payload == "link" for place in range(hit.start, hit.end)}
        self.others = {hit.start: hit.payload for hit in triggers}
        self._ended = set(self.boundaries)
        self._stops: dict[str, tuple[list[int], list[int]]] = {}

    def scopes(self) -> list[Scope]:
        """What every trigger reaches."""
        return [scope for trigger in self.triggers if self._faces(trigger) for scope in self._reach(trigger)]

    def names_any(self, start: int, end: int) -> bool:
        """Whether words[start:end] begin a finding."""
        at = bisect_left(self.starts, start)
        return at < len(self.starts) and self.starts[at] < end

    def _faces(self, trigger: Hit) -> bool:
        """Whether a word that can stand on either side ("resolved", "possible") speaks in this direction."""
        kinds = self._kinds[trigger.start, trigger.end]
        if not (any(one.endswith(" before") for one in kinds) and any(one.endswith(" after") for one in kinds)):
            return True
        near = self.words[trigger.end : trigger.end + _IN_PLACE]
        stop = next((at for at, word in enumerate(near) if word in (",", "with", "-")), len(near))
        follows = self.names_any(trigger.end, trigger.end + stop)
        return str(trigger.payload).endswith(" before" if follows else " after")

    @cached_property
    def _kinds(self) -> dict[tuple[int, int], list[str]]:
        kinds: dict[tuple[int, int], list[str]] = {}
        for hit in self.triggers:
            kinds.setdefault((hit.start, hit.end), []).append(hit.payload)
        return kinds

    def _reach(self, trigger: Hit) -> list[Scope]:
        kind = trigger.payload
        if kind.endswith(("before", "earlier")):
            return [Scope(kind, trigger.end, self._forward(trigger, kind))]
        if kind == "uncertain around":
            ahead = Scope("uncertain before", trigger.end, self._forward(trigger, "uncertain before"))
            return [ahead, Scope("uncertain after", self._backward(trigger, kind), trigger.start)]
        if kind.endswith("after it"):
            return [Scope(kind, self._nearest(trigger), trigger.start)]
        if kind.endswith("after"):
            return [Scope(kind, self._backward(trigger, kind), trigger.start)]
        return []

    def _forward(self, trigger: Hit, kind: str) -> int:
        listed = self.words[trigger.end : trigger.end + 1] == [":"]  # "Negative: small effusion, linear atelectasis"
        kind = f"{kind}{_LISTED}" if listed else kind
        hard, soft = self._stops.get(kind) or self._stops.setdefault(kind, self._stops_of(kind))
        end = min(_first(hard, trigger.end), _first(soft, trigger.end + 1), len(self.words))
        return min(end, self._after_a_verdict(trigger.end)) if kind in _DENIES else end  # a list has no verdicts

    def _stops_of(self, kind: str) -> tuple[list[int], list[int]]:
        """Where what a kind of trigger reaches ends, and where it ends unless that is right behind the trigger."""
        hard, soft = [], []
        asserting = frozenset() if kind.endswith(_LISTED) else _ASSERTING
        ignores = kind == "ignored before"
        for place, word in enumerate(self.words):
            other = self.others.get(place)
            if word == "there" or (word == "with" and place not in self.links and not ignores):
                soft.append(place)
            if (
                place in self._ended
                or (word in _LATER and not ignores)
                or other in ENDINGS
                or (other in _DENIES and not kind.startswith(_DENIES))
                or (word in (",", "and") and self._new_clause(place + 1, kind))
                or (word in asserting and place in self.ends and not self._lists(place))
            ):
                hard.append(place)
        return hard, soft

    def _after_a_verdict(self, start: int) -> int:
        """The comma or "and" that follows "is seen" behind a finding: "no effusion is seen, and ..."."""
        first = bisect_left(self.starts, start)
        if first == len(self.starts):
            return len(self.words)
        seen = _first(self._seen_places, self.starts[first] + 1)
        return _first(self._joints, seen)

    def _new_clause(self, place: int, kind: str) -> bool:
        """Whether what follows a comma or an "and" is said anew."""
        word = self.words[place] if place < self._end_of(place) else ""
        if not word or word in _NEW_SUBJECTS:
            return bool(word)
        if self._lists(place):
            return False
        if kind in ("uncertain before", "likely before") and self.words[place - 1] == ",":
            return True
        if (word in _ASSERTING and not kind.endswith(_LISTED)) or _first(self._verb_places, place) < self._end_of(
            place
        ):
            return True
        return self._changes_to_device(place)

    def _end_of(self, place: int) -> int:
        return min(_first(self.boundaries, place), len(self.words))

    def _lists(self, start: int) -> bool:
        """Whether an "or" follows that the words here may lead to: near, or far on with no verb in between."""
        place = _first(self._or_places, start)
        near = place < start + _AHEAD or place < _first(self._verb_places, start)
        return near and place < self._end_of(start)

    @cached_property
    def _or_places(self) -> list[int]:
        return _places(self.words, _OR)

    @cached_property
    def _verb_places(self) -> list[int]:
        return _places(self.words, _VERBS)

    @cached_property
    def _seen_places(self) -> list[int]:
        return _places(self.words, _SEEN)

    @cached_property
    def _joints(self) -> list[int]:
        return _places(self.words, (",", "and"))

    def _changes_to_device(self, place: int) -> bool:
        """Devices and findings are not denied in one breath without an "or"."""
        after = bisect_left(self.starts, place)
        before = after - 1
        while before >= 0 and self.named[before].end > place:
            before -= 1
        if before < 0 or after == len(self.named) or self.starts[after] >= place + _IN_PLACE:
            return False
        return (self.named[after].concept == DEVICE) != (self.named[before].concept == DEVICE)

    def _backward(self, trigger: Hit, kind: str) -> int:
        if bisect_left(self.starts, trigger.start) == 0:
            return trigger.start
        for place in range(trigger.start - 1, -1, -1):
            word = self.words[place]
            if word in _YET and not self.names_any(place, trigger.start):
                continue  # "no fracture is seen but cannot be excluded" goes on about the same
            if place in self._ended or self.others.get(place) in ENDINGS:
                return place + 1
            if self.others.get(place, "").endswith("after") and self.names_any(place, trigger.start):
                return place + 1  # what stands before it has had its verdict
            if word in (",", "and", "with") and self._another_clause(place, trigger):
                return place + 1
            if kind == "device gone after" and word in ("following", "after"):
                return place + 1
        return 0

    def _another_clause(self, place: int, trigger: Hit) -> bool:
        """Whether what stands before a comma, an "and" or a "with" is no longer meant by a trigger further on."""
        if not self.names_any(place + 1, trigger.start):
            return False
        if any(word in _VERBS for word in self.words[max(0, place - _SUBJECT) : place]):
            return True
        between = self.words[place + 1 : trigger.start]
        return self.words[place] != "and" and not any(word in ("and", "or") for word in between)

    def _nearest(self, trigger: Hit) -> int:
        return max((one.start for one in self.named if one.end == trigger.start), default=trigger.start)


def _places(words: Sequence[str], those: Container[str]) -> list[int]:
    return [place for place, word in enumerate(words) if word in those]


def _first(places: Sequence[int], start: int) -> int:
    """The first of sorted places from `start` on; beyond every sentence where there is none."""
    at = bisect_right(places, start - 1)
    return places[at] if at < len(places) else 1 << 30
