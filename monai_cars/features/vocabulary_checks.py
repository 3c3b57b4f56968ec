"""What a vocabulary must be like, and the messages when it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from monai_cars.echo import cut, echo
from monai_cars.features.reports.patterns import variants

# How a concept of a report bears on a finding (`features.reading`).
RELATIONS = ("means", "implied_by", "suggested_by", "absent_without", "excluded_by")


class Told(Protocol):
    """What is checked of a vocabulary; see `features.vocabulary.Vocabulary`."""

    @property
    def findings(self) -> tuple[str, ...]:
        """Names, in the order of a feature vector."""
        ...

    @property
    def no_finding(self) -> str | None:
        """The finding that says that there is none."""
        ...

    @property
    def beside_no_finding(self) -> tuple[str, ...]:
        """What may be present without findings."""
        ...

    @property
    def edits(self) -> Mapping[str, str]:
        """What editors call a finding -> what it is called here."""
        ...

    @property
    def labels(self) -> Mapping[str, Any]:
        """Label -> rule over findings."""
        ...

    @property
    def codes(self) -> Mapping[str, Mapping[str, str]]:
        """Finding -> {scheme: code}."""
        ...

    def implied(self, finding: str) -> tuple[str, ...]:
        """All findings that a finding implies."""
        ...


class VocabularyError(ValueError):
    """A vocabulary, or something said about one, breaks its rules; the message says which and how to mend it."""


def names_of(key: str, name: str, others: Any) -> tuple[str, ...]:
    """A list of findings from a file."""
    if not isinstance(others, list):
        raise VocabularyError(f"`{key}: {name}` must be a list of findings (got {echo(others)}).")
    return tuple(others)


def report_entries(name: str, entry: Any) -> dict[str, tuple[str, ...]]:
    """An entry of `report` from a file: relation -> concepts."""
    if not isinstance(entry, dict) or any(key not in RELATIONS or not isinstance(entry[key], list) for key in entry):
        raise VocabularyError(f"`report: {name}` maps {', '.join(RELATIONS)} to lists of concepts (got {echo(entry)}).")
    return {relation: tuple(concepts) for relation, concepts in entry.items()}


def word_entries(name: str, entry: Any) -> tuple[str, ...]:
    """An entry of `phrases` from a file: phrases that can be read."""
    if not isinstance(entry, list) or not entry:
        raise VocabularyError(f"`phrases: {name}` must be a list of phrases (got {echo(entry)}).")
    for phrase in entry:
        try:
            list(variants(phrase))
        except ValueError as error:
            raise VocabularyError(f"`phrases: {name}`: {error}") from error
    return tuple(entry)


def check(vocabulary: Told) -> None:
    """Refuses a vocabulary that breaks a rule.

    Raises:
        VocabularyError: says which.
    """
    names = vocabulary.findings
    wrong: list[Any] = [name for name in names if not isinstance(name, str) or not name.strip()]
    if wrong or not names:
        raise VocabularyError(f"findings are non-empty strings, at least one (got {echo((wrong or [[]])[0])}).")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise VocabularyError(f"the finding {echo(twice[0])} is listed twice.")
    if vocabulary.no_finding is not None:
        _known(vocabulary, "no_finding", vocabulary.no_finding)
    for entry in vocabulary.beside_no_finding:
        _known(vocabulary, "beside_no_finding", entry)
    for key in ("ancestors", "brings", "unsettles"):
        for name, others in getattr(vocabulary, key).items():
            for entry in (name, *others):
                _known(vocabulary, key, entry)
    for entry in vocabulary.edits.values():
        _known(vocabulary, "edits", entry)
    for key in ("report", "phrases", "codes"):
        for entry in getattr(vocabulary, key):
            _known(vocabulary, key, entry)
    _check_codes(vocabulary)
    for label, rule in vocabulary.labels.items():
        _check_rule(vocabulary, label, rule)
    circular = [name for name in names if name in vocabulary.implied(name)]
    if circular:
        raise VocabularyError(f"`ancestors` go in a circle through {echo(circular[0])}.")


def _check_rule(vocabulary: Told, label: str, rule: Any) -> None:
    if isinstance(rule, str):
        _known(vocabulary, f"labels: {label}", rule)
    elif isinstance(rule, dict) and len(rule) == 1 and next(iter(rule)) in ("any", "all") and next(iter(rule.values())):
        for part in next(iter(rule.values())):
            _check_rule(vocabulary, label, part)
    else:
        raise VocabularyError(
            f"`labels: {label}`: a rule is a finding, {{any: [...]}} or {{all: [...]}} (got {echo(rule)})."
        )


def _known(vocabulary: Told, key: str, name: str) -> None:
    if name not in vocabulary.findings:
        raise VocabularyError(
            f"`{key}` names {echo(name)}, which is not among the findings {listed(vocabulary.findings)}."
        )


def _check_codes(vocabulary: Told) -> None:
    for name, codes in vocabulary.codes.items():
        if not isinstance(codes, Mapping) or not all(isinstance(part, str) for pair in codes.items() for part in pair):
            raise VocabularyError(f"`codes: {name}` maps a scheme to a code, both in quotes (got {echo(codes)}).")


def listed(names: tuple[str, ...]) -> str:
    """Names as a message shows them."""
    return ", ".join(cut(str(name)) for name in names)
