"""Whether a finding that a sentence names is said to be there (after NegEx, Chapman 2001, and ConText, Harkema 2009).

What a trigger reaches is told by `clauses`; here is what follows when several reach a finding, and when a denial is
denied itself ("not free of", "no sign of resolution").
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from monai_cars.features.reports.clauses import DEVICE, ENDINGS, Clauses, Named, Scope
from monai_cars.features.reports.lexicon import alternatives, made_by_technique
from monai_cars.features.reports.patterns import Hit
from monai_cars.features.reports.words import GRAMMAR

PRESENT, LIKELY, UNCERTAIN, ABSENT, IGNORED = "present", "likely", "uncertain", "absent", "ignored"
IMPLIED, SUGGESTED = "implied", "suggested"  # by another finding; a denial of this one outweighs both

_DENIALS = frozenset(("absent before", "denied before", "absent after", "absent after it"))
_ADVERBS = GRAMMAR["adverbs"]
_OR = GRAMMAR["or"]
_COMPARED = GRAMMAR["compared"]
_BETWEEN = GRAMMAR["between two denials"]


def judge(words: Sequence[str], named: Sequence[Named], triggers: Sequence[Hit], asked: bool) -> list[str]:
    """The status of each named finding: present, likely, uncertain, absent or ignored.

    Args:
        words: the sentence.
        named: what it names.
        triggers: what `Lexicon.find` found.
        asked: the sentence is a question.
    """
    clauses = Clauses(words, named, turned(words, triggers))
    kinds = _reached(named, clauses.scopes())
    return [_status(one, kinds[place], clauses, asked) for place, one in enumerate(named)]


def turned(words: Sequence[str], triggers: Sequence[Hit]) -> list[Hit]:
    """The triggers, those that deny a denial made one that is none.

    Example:
        >>> denials = [Hit(0, 1, 1, "absent before"), Hit(1, 3, 2, "absent before")]
        >>> [hit.payload for hit in turned(["not", "free", "of"], denials)]
        ['not a denial']
    """
    gone = [hit for hit in triggers if hit.payload in _DENIALS or hit.payload == "fails"]
    if len(gone) < 2:
        return [hit for hit in triggers if hit.payload != "fails"] if gone else list(triggers)
    places = sorted({(hit.start, hit.end) for hit in gone})
    pairs = {}
    for first, second in pairwise(places):
        between = words[first[1] : second[0]]
        if first[1] <= second[0] and all(word in _BETWEEN for word in between) and words[second[0]] in GRAMMAR["gone"]:
            pairs[first] = pairs[second] = Hit(first[0], second[1], second[1] - first[0], "not a denial")
    if not pairs:
        return [hit for hit in triggers if hit.payload != "fails"]
    kept = [hit for hit in triggers if (hit.start, hit.end) not in pairs and hit.payload != "fails"]
    return sorted([*kept, *dict.fromkeys(pairs.values())], key=lambda hit: (hit.start, hit.end))


def _reached(named: Sequence[Named], scopes: Sequence[Scope]) -> list[set[str]]:
    """The kinds of trigger that reach each finding."""
    kinds: list[set[str]] = [set() for _ in named]
    order = sorted(range(len(named)), key=lambda place: named[place].start)
    for scope in scopes:
        for place in order:
            one = named[place]
            if one.start >= scope.end:
                break
            if scope.start <= one.start and one.end <= scope.end:
                kinds[place].add(scope.kind)
    return kinds


def _status(one: Named, kinds: set[str], clauses: Clauses, asked: bool) -> str:
    if one.sure:
        return IGNORED if _denied(clauses.words, one.start) or "ignored before" in kinds else PRESENT
    if {"ignored before", "ignored after"} & kinds:
        return IGNORED
    if "uncertain after" in kinds or ("technique after" in kinds and one.concept in made_by_technique()):
        return UNCERTAIN
    if "denied before" in kinds and "absent after" in kinds:  # "no evidence that the effusion has resolved"
        return PRESENT
    if _absent(one, kinds):
        return ABSENT
    if asked or kinds & {"uncertain before", "uncertain list before"} or _offered(one, clauses):
        return UNCERTAIN
    if "earlier" in kinds and not _goes_on(one, clauses):
        return IGNORED
    return LIKELY if "likely before" in kinds else PRESENT


def _denied(words: Sequence[str], place: int) -> bool:
    """Whether a word that denies a finding is denied itself: "not entirely clear"."""
    while place and words[place - 1] in _ADVERBS:
        place -= 1
    return place > 0 and words[place - 1] in ("not", "no", "never")


def _absent(one: Named, kinds: set[str]) -> bool:
    if one.concept == DEVICE:
        return bool(kinds & {"device gone before", "device gone after", "absent before", "absent after"})
    return bool(kinds & _DENIALS)


def _offered(one: Named, clauses: Clauses) -> bool:
    """Whether it stands in an alternative ("atelectasis or pneumonia")."""
    words = clauses.words
    unchanged = any(hit.payload in ENDINGS and hit.end <= one.start for hit in clauses.triggers)
    if one.concept not in alternatives() or unchanged:  # "no change in the opacity or effusion" offers nothing
        return False
    after = words[one.end : one.end + 2]
    if after and (after[0] in _OR or list(after) == [",", "versus"] or list(after) == [",", "vs"]):
        return True
    if after and after[0] == "/" and _alternative_at(one.end + 1, clauses):
        return True
    if "than" in words[max(0, one.start - 3) : one.start] and _COMPARED.intersection(words[: one.start]):
        return True
    for place in range(one.start - 1, max(-1, one.start - 5), -1):
        if words[place] == "/" and place in clauses.ends:
            return any(other.end == place and other.concept in alternatives() for other in clauses.named)
        if words[place] in _OR:
            return any(other.end <= place and place - other.end <= 2 for other in clauses.named)
        if place + 1 in clauses.ends:
            return False
    return False


def _alternative_at(place: int, clauses: Clauses) -> bool:
    return any(other.start == place and other.concept in alternatives() for other in clauses.named)


def _goes_on(one: Named, clauses: Clauses) -> bool:
    """Whether the clause says what became of a finding of an earlier film."""
    return any(hit.payload == "still there" and hit.start >= one.end for hit in clauses.triggers)


def answered(status: str, answer: str) -> str:
    """The status of a finding in view of the answer that stands beside its name in a form.

    Example:
        >>> answered("present", "absent"), answered("absent", "present"), answered("absent", "absent")
        ('absent', 'absent', 'uncertain')
    """
    if not answer or (answer == PRESENT and status != IGNORED):
        return status
    if status == ABSENT and answer in (ABSENT, LIKELY):  # "No pneumothorax: No"
        return UNCERTAIN
    if answer == PRESENT:  # "Rule out pneumothorax: Yes"
        return UNCERTAIN
    return answer
