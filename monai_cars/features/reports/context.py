"""Whether a finding that a sentence names is said to be there (after NegEx, Chapman 2001, and ConText, Harkema 2009).

A trigger ("no", "cannot exclude", "has resolved") reaches forward or backward to the end of its clause. A list goes on
("no consolidation, effusion, or pneumothorax"); a new clause does not ("no pneumothorax, small effusion", "no effusion
and the heart is enlarged").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monai_cars.features.reports.lexicon import alternatives
from monai_cars.features.reports.patterns import Hit
from monai_cars.features.reports.words import GRAMMAR

PRESENT, LIKELY, UNCERTAIN, ABSENT, IGNORED = "present", "likely", "uncertain", "absent", "ignored"
IMPLIED, SUGGESTED = "implied", "suggested"  # by another finding; a denial of this one outweighs both
DEVICE = "support device"

_ENDINGS = {"not a denial"}
_VERBS = GRAMMAR["verbs"]
_NEW_SUBJECTS = GRAMMAR["new subjects"]
_ASSERTING = GRAMMAR["asserting"]
_LATER = GRAMMAR["later"]
_SEEN = GRAMMAR["seen"]
_ADVERBS = GRAMMAR["adverbs"]
_YET = GRAMMAR["yet"]
_OR = GRAMMAR["or"]
_COMPARED = GRAMMAR["compared"]
_IN_PLACE = 6  # words from a comma to the finding that a clause is about, at most


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
    trigger: Hit


def judge(words: Sequence[str], named: Sequence[Named], triggers: Sequence[Hit], asked: bool) -> list[str]:
    """The status of each named finding: present, likely, uncertain, absent or ignored.

    Args:
        words: the sentence.
        named: what it names.
        triggers: what `Lexicon.find` found.
        asked: the sentence is a question.
    """
    clause = _Clause(words, named, triggers)
    scopes = [scope for trigger in triggers if clause.faces(trigger) for scope in clause.reach(trigger)]
    return [_status(one, scopes, words, clause, asked) for one in named]


def _status(one: Named, scopes: Sequence[Scope], words: Sequence[str], clause: _Clause, asked: bool) -> str:
    kinds = {scope.kind for scope in scopes if scope.start <= one.start and one.end <= scope.end}
    if one.sure:
        return IGNORED if _turned(words, one.start) or "ignored before" in kinds else PRESENT
    if {"ignored before", "ignored after"} & kinds:
        return IGNORED
    if "uncertain after" in kinds:
        return UNCERTAIN
    if _absent(one, kinds):
        return ABSENT
    if asked or kinds & {"uncertain before", "uncertain list before"} or clause.offered(one):
        return UNCERTAIN
    if "earlier" in kinds and not clause.goes_on(one):
        return IGNORED
    return LIKELY if "likely before" in kinds else PRESENT


def _turned(words: Sequence[str], place: int) -> bool:
    """Whether a word that denies a finding is denied itself: "not entirely clear"."""
    while place and words[place - 1] in _ADVERBS:
        place -= 1
    return place > 0 and words[place - 1] in ("not", "no", "never")


def _absent(one: Named, kinds: set[str]) -> bool:
    if one.concept == DEVICE and kinds & {"device gone before", "device gone after"}:
        return True
    if one.concept == DEVICE:
        return "absent before" in kinds or "absent after" in kinds
    return bool(kinds & {"absent before", "absent after", "absent after it", "resolved before"})


class _Clause:
    """One sentence: its words, what it names, and where its clauses end."""

    def __init__(self, words: Sequence[str], named: Sequence[Named], triggers: Sequence[Hit]) -> None:
        self.words = words
        self.triggers = triggers
        self.named = sorted(named, key=lambda one: one.start)
        self.boundaries = {hit.start for hit in triggers if hit.payload == "boundary"}
        self.links = {place for hit in triggers if hit.payload == "link" for place in range(hit.start, hit.end)}
        self.still = {hit.start for hit in triggers if hit.payload == "still there"}
        self.others = {hit.start: hit.payload for hit in triggers}
        self.ends = {one.end for one in named}

    def faces(self, trigger: Hit) -> bool:
        """Whether a word that can stand on either side ("resolved", "possible") speaks in this direction."""
        place, kind = (trigger.start, trigger.end), trigger.payload
        others = [one.payload for one in self.triggers if (one.start, one.end) == place]
        before = any(one.endswith(" before") for one in others)
        if not (before and any(one.endswith(" after") for one in others)):
            return True
        near = self.words[trigger.end : trigger.end + _IN_PLACE]
        stop = next((at for at, word in enumerate(near) if word in (",", "with", "-")), len(near))
        follows = any(trigger.end <= one.start < trigger.end + stop for one in self.named)
        return kind.endswith(" before" if follows else " after")

    def reach(self, trigger: Hit) -> list[Scope]:
        """What a trigger reaches."""
        kind = trigger.payload
        if kind.endswith(("before", "earlier")):
            return [Scope(kind, trigger.end, self._forward(trigger, kind), trigger)]
        if kind == "uncertain around":
            ahead = Scope("uncertain before", trigger.end, self._forward(trigger, "uncertain before"), trigger)
            return [ahead, Scope("uncertain after", self._backward(trigger, kind), trigger.start, trigger)]
        if kind.endswith("after it"):
            return [Scope(kind, self._nearest(trigger), trigger.start, trigger)]
        if kind.endswith("after"):
            return [Scope(kind, self._backward(trigger, kind), trigger.start, trigger)]
        return []

    def _forward(self, trigger: Hit, kind: str) -> int:
        seen = False
        for place in range(trigger.end, len(self.words)):
            word = self.words[place]
            if place in self.boundaries or (word in _LATER and kind != "ignored before"):
                return place
            other = self.others.get(place)
            if other in _ENDINGS or (other == "absent before" and kind != "absent before"):
                return place
            if word == "with" and place not in self.links and kind != "ignored before" and place > trigger.end:
                return place
            if word in (",", "and") and (seen or self._new_clause(place + 1, kind)):
                return place
            if place in self.ends and word in _ASSERTING and not self._or_follows(place):
                return place
            if word == "there" and place > trigger.end:
                return place
            seen = seen or (word in _SEEN and kind == "absent before" and self._listed_before(trigger.end, place))
        return len(self.words)

    def _new_clause(self, place: int, kind: str) -> bool:
        """Whether what follows a comma or an "and" is said anew."""
        rest = self._rest(place)
        if not rest or rest[0] in _NEW_SUBJECTS:
            return bool(rest)
        if any(word in _OR for word in rest):
            return False
        if kind in ("uncertain before", "likely before") and self.words[place - 1] == ",":
            return True
        if rest[0] in _ASSERTING or any(word in _VERBS for word in rest):
            return True
        return self._changes_to_device(place)

    def _rest(self, place: int) -> Sequence[str]:
        """The words up to the next boundary."""
        end = min((one for one in self.boundaries if one >= place), default=len(self.words))
        return self.words[place:end]

    def _or_follows(self, place: int) -> bool:
        return any(word in _OR for word in self._rest(place))

    def _changes_to_device(self, place: int) -> bool:
        """Devices and findings are not denied in one breath without an "or"."""
        after = [one for one in self.named if place <= one.start < place + _IN_PLACE]
        before = [one for one in self.named if one.end <= place]
        return bool(after and before) and (after[0].concept == DEVICE) != (before[-1].concept == DEVICE)

    def _listed_before(self, start: int, end: int) -> bool:
        return any(start <= one.start < end for one in self.named)

    def _backward(self, trigger: Hit, kind: str) -> int:
        for place in range(trigger.start - 1, -1, -1):
            word = self.words[place]
            if word in _YET and not self._listed_before(place, trigger.start):
                continue  # "no fracture is seen but cannot be excluded" goes on about the same
            if place in self.boundaries or self.others.get(place) in _ENDINGS:
                return place + 1
            if word in (",", "and", "with") and self._another_clause(place, trigger, kind):
                return place + 1
            if kind == "device gone after" and word in ("following", "after"):
                return place + 1
        return 0

    def _another_clause(self, place: int, trigger: Hit, kind: str) -> bool:
        """Whether what stands before a comma, an "and" or a "with" is no longer meant by a trigger further on."""
        between = self.words[place + 1 : trigger.start]
        about = self._listed_before(place + 1, trigger.start)
        if not about:
            return False
        if any(word in _VERBS for word in self.words[max(0, place - 12) : place]):
            return True
        return self.words[place] != "and" and not any(word in ("and", "or") for word in between)

    def _nearest(self, trigger: Hit) -> int:
        return max((one.start for one in self.named if one.end == trigger.start), default=trigger.start)

    def offered(self, one: Named) -> bool:
        """Whether it stands in an alternative ("atelectasis or pneumonia")."""
        unchanged = any(hit.payload in _ENDINGS and hit.end <= one.start for hit in self.triggers)
        if one.concept not in alternatives() or unchanged:  # "no change in the opacity or effusion" offers nothing
            return False
        after = self.words[one.end : one.end + 2]
        if after and (after[0] in _OR or list(after) == [",", "versus"] or list(after) == [",", "vs"]):
            return True
        if after and after[0] == "/" and self._alternative_at(one.end + 1):
            return True
        if "than" in self.words[max(0, one.start - 3) : one.start] and _COMPARED.intersection(self.words[: one.start]):
            return True
        for place in range(one.start - 1, max(-1, one.start - 5), -1):
            if self.words[place] == "/" and place in self.ends:
                return any(other.end == place and other.concept in alternatives() for other in self.named)
            if self.words[place] in _OR:
                return any(other.end <= place and place - other.end <= 2 for other in self.named)
            if place + 1 in self.ends:
                return False
        return False

    def _alternative_at(self, place: int) -> bool:
        return any(other.start == place and other.concept in alternatives() for other in self.named)

    def goes_on(self, one: Named) -> bool:
        """Whether the clause says what became of a finding of an earlier film."""
        return any(place >= one.end for place in self.still)
