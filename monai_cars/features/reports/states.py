"""What a sentence says of a structure's state: "heart size is normal", "blunting of the left costophrenic angle"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monai_cars.features.reports.lexicon import Found, anatomy
from monai_cars.features.reports.patterns import Hit
from monai_cars.features.reports.words import GRAMMAR

NORMAL = frozenset(
    ("normal", "high normal", "small", "clear", "dry", "negative")
)  # states that deny rather than assert
_COPULAS = GRAMMAR["copulas"]
_DEGREES = GRAMMAR["degrees"]
_OF = GRAMMAR["of"]
_ON = GRAMMAR["places"]
_VERBS = GRAMMAR["structure verbs"]
_JOINS = GRAMMAR["joins"]
_LINKS = GRAMMAR["links"]
_GOING_ON = frozenset(("is", "are", "remain", "appear"))
_SHARE = 5  # words between two predicates of one subject, at most
_REACH = 6  # words between a predicate and the structure after it, at most


class State(NamedTuple):
    """A concept that follows from a structure and its predicate.

    Attributes:
        concept: what is said.
        status: "present", "uncertain" or "absent".
        sure: the words deny a finding; no scope of a "no" turns them round.
        start: first word, of either.
        end: after the last word.
        structure: where the structure is.
        predicate: where the predicate is.
    """

    concept: str
    status: str
    sure: bool
    start: int
    end: int
    structure: Hit
    predicate: Hit


def states(words: Sequence[str], found: Found) -> list[State]:
    """What a sentence says of structures."""
    groups: dict[Hit, list[Hit]] = {}
    for structure, predicates in _pairs(words, found).items():
        for predicate in predicates:
            groups.setdefault(predicate, []).append(structure)
    return [state for predicate, members in groups.items() for state in _said(predicate, members)]


def _said(predicate: Hit, members: list[Hit]) -> list[State]:
    said = []
    for structure in members:
        entry = anatomy()["structures"][structure.payload]
        if entry.get("alone") and (
            any(one.payload != structure.payload for one in members) or predicate.start - structure.end > _SHARE
        ):
            continue
        start, end = min(structure.start, predicate.start), max(structure.end, predicate.end)
        for status, names in entry["states"].get(predicate.payload, {}).items():
            sure = predicate.payload in NORMAL
            said += [State(name, status, sure, start, end, structure, predicate) for name in names]
    return said


def _pairs(words: Sequence[str], found: Found) -> dict[Hit, list[Hit]]:
    """Each structure with its predicates, read from left to right.

    A predicate belongs to the structures before it that have none yet ("heart and hila are normal"), or, right before a
    structure, to that one and to those joined to it that get none of their own ("normal heart and hila").
    """
    structures = [hit for hit in found.structures if _is_subject(hit, words, found)]
    items = [*((hit, True) for hit in structures), *((hit, False) for hit in found.predicates)]
    items.sort(key=lambda item: (item[0].start, item[0].end))
    pairs: dict[Hit, list[Hit]] = {}
    waiting: list[Hit] = []  # structures that the next predicate may speak of
    group: list[Hit] = []  # those that the last one spoke of
    ahead: list[Hit] = []  # predicates that stand before their structure
    direct: Hit | None = None  # the structure right after them
    place = 0
    for position, (hit, is_structure) in enumerate(items):
        if _parted(words, place, hit.start, found, bool(waiting)):
            waiting, group, ahead, direct = [], [], [], None
        if is_structure:
            if ahead:
                pairs[hit] = list(ahead)
                direct = direct or hit
            waiting.append(hit)
        elif not _told_of_a_finding(hit, words, found):
            if _attributive(hit, items[position + 1 :], words):
                ahead = [*ahead, hit] if ahead and direct is None else [hit]
                waiting, group, direct = [], [], None
            elif waiting:
                if _predicative(hit, waiting[-1], words):
                    group = [one for one in waiting if one is not direct] or waiting
                    pairs.update({one: [*pairs.get(one, []), hit] if one is direct else [hit] for one in group})
                waiting, ahead, direct = [], [], None
            elif group and _shares(hit, group, words, place):
                for one in group:
                    pairs[one].append(hit)
        place = max(place, hit.end)
    return pairs


def _is_subject(hit: Hit, words: Sequence[str], found: Found) -> bool:
    """A structure that is spoken of, not a place ("over the heart")."""
    before = [word for word in words[max(0, hit.start - 3) : hit.start] if word not in ("the", "left", "right", "both")]
    if not before or before[-1] not in _ON:
        return True
    return before[-1] == "in" and any(one.end <= hit.start and hit.start - one.end <= 2 for one in found.predicates)


def _parted(words: Sequence[str], start: int, end: int, found: Found, waiting: bool) -> bool:
    """Whether another clause or a finding begins between two places."""
    between = words[start:end]
    if any(word in _LINKS for word in between):
        return True
    if any(start <= hit.start < end for hit in found.findings):
        return True
    verb = False
    for word in between:
        verb = verb or word in _VERBS
        if verb and word in (",", "and") and waiting:
            return True
    return False


def _near(predicate: Hit, structure: Hit, words: Sequence[str]) -> bool:
    return all(word in _OF or word in _DEGREES for word in words[predicate.end : structure.start])


def _attributive(predicate: Hit, following: Sequence[tuple[Hit, bool]], words: Sequence[str]) -> bool:
    """Whether a predicate stands before its structure: "normal heart", "enlargement of the cardiac silhouette"."""
    if not following or (predicate.start and words[predicate.start - 1] in _COPULAS - {"of", "has", "have", ":"}):
        return False
    after, is_structure = following[0]
    gap = words[predicate.end : after.start]
    if len(gap) > _REACH or any(word not in _OF and word not in _DEGREES for word in gap):
        return False
    if not is_structure:
        return after.start - predicate.end <= 1 and _attributive(after, following[1:], words)
    return not gap or gap[0] not in ("and", "or", "to")


def _predicative(predicate: Hit, structure: Hit, words: Sequence[str]) -> bool:
    """Whether a predicate after a structure speaks of it; "large" and the like need to stand right behind it."""
    adjacent = anatomy()["states"][predicate.payload].get("adjacent", ())
    if words[predicate.start] not in adjacent or predicate.end - predicate.start > 1:
        return True
    between = words[structure.end : predicate.start]
    return all(word in _COPULAS or word in _DEGREES or word in ("size", "in") for word in between)


def _shares(predicate: Hit, group: Sequence[Hit], words: Sequence[str], place: int) -> bool:
    """Whether a further predicate speaks of the same structures: "enlarged but stable"."""
    between = _last_part(words[place : predicate.start])
    if len(between) > _SHARE or predicate.start < group[-1].end:
        return False
    if not between or (between[0] not in _JOINS and between[0] not in _DEGREES):
        return False
    if any(word not in _JOINS and word not in _DEGREES and word not in _COPULAS for word in between):
        return False
    after = words[predicate.end : predicate.end + 1]
    return not after or after[0] in (",", "in", "for", "and", "with", "but", "given", "as", "-", "without")


def _last_part(between: Sequence[str]) -> Sequence[str]:
    """What leads to a further predicate: "exaggerated by technique and is likely normal" goes on with "and is"."""
    for place in range(len(between) - 2, 0, -1):
        if between[place] in ("and", "but") and between[place + 1] in _GOING_ON:
            return between[place:]
    return between


def _told_of_a_finding(predicate: Hit, words: Sequence[str], found: Found) -> bool:
    """Whether a predicate belongs to a finding that follows at once ("enlarged lymph nodes")."""
    if predicate.payload in NORMAL:
        return False
    ends = range(predicate.end, predicate.end + 3)
    near = [hit for hit in found.findings if hit.start in ends]
    return any(all(word in _OF or word in _DEGREES for word in words[predicate.end : hit.start]) for hit in near) and (
        words[predicate.end : predicate.end + 1] != ["and"]
    )
