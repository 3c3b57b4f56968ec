"""Feature vectors: one float a finding, 1 present, 0 absent, NaN unknown, soft values in between allowed."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import torch

from monai_cars.echo import echo
from monai_cars.edits.edit import OPERATIONS
from monai_cars.features.vocabulary import Vocabulary, VocabularyError


def as_vector(values: Any, vocabulary: Vocabulary) -> torch.Tensor:
    """A checked copy of a feature vector.

    Args:
        values: V numbers (sequence, array or tensor), each in [0, 1], NaN or None (unknown); or a mapping of findings
            to such numbers (a `FeatureVector`, say), in which what is not named is unknown.
        vocabulary: whose findings they are.

    Returns:
        (V,) float32.

    Raises:
        VocabularyError: another length, a value outside [0, 1], or an unknown finding.

    Example:
        >>> from monai_cars.features import load_vocabulary
        >>> as_vector([0] * 13 + [1], load_vocabulary("nih-14")).sum()
        tensor(1.)
    """
    if isinstance(values, Mapping):
        return vector_of(values, vocabulary)
    if isinstance(values, (list, tuple)) and len(values) == len(vocabulary):
        values = [_number(value, name, vocabulary) for name, value in zip(vocabulary.findings, values, strict=True)]
    vector = torch.as_tensor(values, dtype=torch.float32).detach().cpu().clone()
    if vector.shape != (len(vocabulary),):
        raise VocabularyError(
            f"A feature vector of {vocabulary.name} has shape ({len(vocabulary)},), one value a finding "
            f"(got {tuple(vector.shape)})."
        )
    wrong = (vector < 0) | (vector > 1)
    if wrong.any():
        first = int(wrong.nonzero()[0])
        raise VocabularyError(
            f"{vocabulary.name}: {echo(vocabulary.findings[first])} must be in [0, 1] or NaN "
            f"(got {vector[first].item():g})"
            "; code uncertain mentions as NaN or as a probability."
        )
    return vector


def _number(value: Any, finding: str, vocabulary: Vocabulary) -> float:
    """A value of a finding; None (a JSON file's null) is unknown."""
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError):
        raise VocabularyError(
            f"{vocabulary.name}: {echo(finding)} must be a number in [0, 1], or None for unknown (got {echo(value)})."
        ) from None


def vector_of(findings: Mapping[str, float], vocabulary: Vocabulary, *, otherwise: float = math.nan) -> torch.Tensor:
    """The feature vector that says `findings` and `otherwise` of all others; (V,) float32.

    Raises:
        VocabularyError: a finding that the vocabulary does not name, or a value outside [0, 1].

    Example:
        >>> from monai_cars.features import load_vocabulary
        >>> vector_of({"Mass": 1}, load_vocabulary("nih-14"), otherwise=0).nonzero().item()
        4
    """
    vector = [float(otherwise)] * len(vocabulary)
    named: dict[int, str] = {}
    for finding, value in findings.items():
        index = vocabulary.index(vocabulary.term(finding) if vocabulary.names(finding) else finding)
        if index in named:
            raise VocabularyError(
                f"{vocabulary.name}: {echo(named[index])} and {echo(finding)} mean "
                f"{echo(vocabulary.findings[index])}; give one."
            )
        named[index] = finding
        vector[index] = _number(value, finding, vocabulary)
    return as_vector(vector, vocabulary)


def present_findings(vector: Any, vocabulary: Vocabulary, *, threshold: float = 0.5) -> tuple[str, ...]:
    """Names of the findings at or above `threshold`; unknown ones are not present."""
    values = as_vector(vector, vocabulary)
    return tuple(name for name, value in zip(vocabulary.findings, values.tolist(), strict=True) if value >= threshold)


def apply_edit(
    vector: Any,
    vocabulary: Vocabulary,
    finding: str,
    operation: str,
    *,
    instance_only: bool = True,
    kept: Collection[str] = (),
) -> torch.Tensor:
    """What a feature vector says after an accepted edit.

    An insertion sets the finding, all that it implies and all that is drawn with it to 1, clears "no finding", and
    makes unknown what the new finding may hide. A deletion of one instance changes nothing. A deletion of every
    instance sets the finding to 0 and makes unknown what rested on it; it never says that the film is now normal, since
    nobody has looked for the rest.

    Args:
        vector: V numbers in [0, 1] or NaN.
        vocabulary: whose findings they are.
        finding: as the editors or the vocabulary call it.
        operation: "insert", "delete" or "sham" (changes nothing).
        instance_only: of a deletion: other instances of the finding remain, or may remain, on the film.
        kept: of an insertion: findings that it is known not to hide, since they lie elsewhere.

    Returns:
        (V,) float32, a new tensor.

    Raises:
        VocabularyError: an unknown finding or operation, or a vector that does not fit.

    Example:
        >>> from monai_cars.features import load_vocabulary
        >>> chexpert = load_vocabulary("chexpert-14")
        >>> normal = vector_of({"No Finding": 1}, chexpert, otherwise=0)
        >>> present_findings(apply_edit(normal, chexpert, "nodule", "insert"), chexpert)
        ('Lung Opacity', 'Lung Lesion')
    """
    if operation not in OPERATIONS:
        raise VocabularyError(f"operation must be one of {', '.join(OPERATIONS)} (got {echo(operation)}).")
    after = as_vector(vector, vocabulary)
    if operation == "sham":
        return after
    name = vocabulary.term(finding)
    if operation == "insert":
        return _inserted(after, vocabulary, name, {vocabulary.term(other) for other in kept})
    return after if instance_only else _deleted(after, vocabulary, name)


def _inserted(after: torch.Tensor, vocabulary: Vocabulary, name: str, kept: set[str]) -> torch.Tensor:
    for hidden in set(vocabulary.unsettles.get(name, ())) - kept:
        after[vocabulary.index(hidden)] = math.nan
    if vocabulary.no_finding is not None and name not in vocabulary.beside_no_finding:
        after[vocabulary.index(vocabulary.no_finding)] = 0
    for present in (name, *vocabulary.drawn_with(name)):
        after[vocabulary.index(present)] = 1
    return after


def _deleted(after: torch.Tensor, vocabulary: Vocabulary, name: str) -> torch.Tensor:
    after[vocabulary.index(name)] = 0
    for finding in vocabulary.implying(name):
        if after[vocabulary.index(finding)] != 0:
            after[vocabulary.index(finding)] = math.nan
    for rested in vocabulary.drawn_with(name):
        others = [after[vocabulary.index(other)] == 1 for other in vocabulary.implying(rested)]
        if after[vocabulary.index(rested)] != 0 and not any(others):
            after[vocabulary.index(rested)] = math.nan
    if vocabulary.no_finding is not None and name not in vocabulary.beside_no_finding:
        after[vocabulary.index(vocabulary.no_finding)] = math.nan
    return after
