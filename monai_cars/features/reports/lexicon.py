"""All phrases of this package (and of a user's vocabulary), ready to be found in a sentence in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from monai_cars.echo import echo
from monai_cars.features.reports.patterns import Hit, PhraseMatcher, longest, outside
from monai_cars.features.reports.words import read_phrases
from monai_cars.features.vocabulary_checks import VocabularyError

OWN = "own: "  # before the name of a finding that brings its own phrases
_NOT = "not: "
_OF_CONCEPTS = ("alternatives", "made by technique")  # entries of context.yaml that list concepts, not phrases
_AT_END = " at the end"  # of triggers that count only where a clause ends


class Found(NamedTuple):
    """What the phrases find in one sentence.

    Attributes:
        findings: named findings; payload is the concept.
        structures: anatomical structures; payload is the structure.
        predicates: words that tell a structure's state; payload is the state.
        triggers: words that deny, doubt or end; payload is the kind of `context.yaml`.
    """

    findings: list[Hit]
    structures: list[Hit]
    predicates: list[Hit]
    triggers: list[Hit]


class Lexicon:
    """Finds findings, structures, their states, and what denies or doubts them.

    Args:
        own: finding -> phrases of a user's vocabulary.
    """

    def __init__(self, own: Mapping[str, Sequence[str]] | None = None) -> None:
        self._matcher = PhraseMatcher()
        for concept, entry in findings().items():
            self._add("finding", concept, entry["phrases"], entry.get("not", ()))
        for name, phrases in (own or {}).items():
            self._add("finding", OWN + name, phrases, ())
        for structure, entry in anatomy()["structures"].items():
            self._add("structure", structure, entry["names"], entry.get("not", ()))
        for state, entry in anatomy()["states"].items():
            self._add("predicate", state, [*entry["words"], *entry.get("adjacent", ())], ())
        for kind, phrases in context().items():
            self._add("trigger", kind, phrases, ())

    def _add(self, group: str, name: str, phrases: Sequence[str], others: Sequence[str]) -> None:
        for phrase in phrases:
            self._matcher.add(phrase, (group, name))
        for phrase in others:
            self._matcher.add(phrase, (group, _NOT + name))

    def find(self, words: Sequence[str]) -> Found:
        """Everything in a sentence; of phrases of one kind that overlap the longest."""
        groups: dict[str, list[Hit]] = {"finding": [], "structure": [], "predicate": [], "trigger": []}
        for hit in self._matcher.hits(words):
            group, name = hit.payload
            if not name.endswith(_AT_END):
                groups[group].append(hit._replace(payload=name))
            elif hit.end == len(words) or words[hit.end] == ",":
                groups[group].append(hit._replace(payload=name.removesuffix(_AT_END)))
        named = longest(groups["finding"])
        placed = outside(longest(groups["structure"]), named, same_place=True)
        told = outside(longest(groups["predicate"]), named)
        said = outside(longest(groups["trigger"]), named)
        return Found(_meant(named), _meant(placed), told, said)


def _meant(hits: list[Hit]) -> list[Hit]:
    """Without the places where a phrase has another sense."""
    others = {(hit.start, hit.end, hit.payload) for hit in hits if hit.payload.startswith(_NOT)}
    return [
        hit
        for hit in hits
        if not hit.payload.startswith(_NOT) and (hit.start, hit.end, _NOT + hit.payload) not in others
    ]


@cache
def findings() -> dict[str, dict[str, Any]]:
    """Concept -> its `phrases`, the phrases that are `not` it, and the part that is normal where it is `denied`."""
    return read_phrases("findings")


@cache
def anatomy() -> dict[str, dict[str, Any]]:
    """`structures` and `states` of anatomy.yaml."""
    return read_phrases("anatomy")


@cache
def context() -> dict[str, list[str]]:
    """Kind of trigger -> phrases."""
    return {kind: phrases for kind, phrases in read_phrases("context").items() if kind not in _OF_CONCEPTS}


@cache
def alternatives() -> frozenset[str]:
    """Concepts of which "this or that" asserts neither."""
    return frozenset(read_phrases("context")["alternatives"])


@cache
def made_by_technique() -> frozenset[str]:
    """Concepts that a film's technique may feign."""
    return frozenset(read_phrases("context")["made by technique"])


@cache
def concepts() -> frozenset[str]:
    """Names of everything a vocabulary can read from a report."""
    told = {
        concept
        for entry in anatomy()["structures"].values()
        for says in entry["states"].values()
        for names in says.values()
        for concept in names
    }
    return frozenset(findings()) | told


@cache
def shared_lexicon() -> Lexicon:
    """The lexicon of this package alone."""
    return Lexicon()


def check_concept(name: str, where: str) -> None:
    """Refuses a concept that does not exist."""
    if name not in concepts():
        raise VocabularyError(f"{where}: there is no concept {echo(name)}; there are {', '.join(sorted(concepts()))}.")
