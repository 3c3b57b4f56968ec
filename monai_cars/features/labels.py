"""Labels that follow from findings by rule: "any" is the largest value, "all" the smallest, unknown stays unknown."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from monai_cars.features.vectors import as_vector
from monai_cars.features.vocabulary import Rule, Vocabulary, VocabularyError


def label_names(vocabulary: Vocabulary) -> tuple[str, ...]:
    """The labels of a vocabulary, in the order of `to_labels`; the last one is its "other finding".

    Example:
        >>> from monai_cars.features import load_vocabulary
        >>> label_names(load_vocabulary("carpa-19"))[-2:]
        ('pneumothorax', 'other finding')
    """
    if not vocabulary.labels:
        raise VocabularyError(f"{vocabulary.name} has no label rules: its findings are its labels.")
    return (*vocabulary.labels, vocabulary.other)


def to_labels(vector: Any, vocabulary: Vocabulary) -> torch.Tensor:
    """Labels of a feature vector, in the order of `label_names`.

    A label is NaN where an unknown finding could still change it. Findings that no rule covers make "other finding";
    a vector that calls itself free of findings and names one is labelled by the finding. Neither is ever normal.

    Args:
        vector: V numbers in [0, 1] or NaN.
        vocabulary: whose findings they are, with label rules.

    Returns:
        (L,) float32 in [0, 1] or NaN.

    Raises:
        VocabularyError: the vector names no finding and does not say that there is none, or nothing in it is known.

    Example:
        >>> from monai_cars.features import load_vocabulary, vector_of
        >>> carpa = load_vocabulary("carpa-19")
        >>> to_labels(vector_of({"opacities": 1}, carpa, otherwise=0), carpa)
        tensor([0., 0., 0., 0., 0., 0., 1.])
    """
    label_names(vocabulary)  # refuses a vocabulary without rules
    values = dict(zip(vocabulary.findings, as_vector(vector, vocabulary).tolist(), strict=True))
    _refuse_empty(values, vocabulary)
    labels = {name: _evaluate(rule, values) for name, rule in vocabulary.labels.items()}
    any_finding = _combine(max, 1.0, [value for name, value in values.items() if name != vocabulary.no_finding])
    normal = {name for name, rule in vocabulary.labels.items() if rule == vocabulary.no_finding}
    covered = _combine(max, 1.0, [value for name, value in labels.items() if name not in normal])
    for name in normal:
        labels[name] = _combine(min, 0.0, [labels[name], 1 - any_finding])
    return torch.tensor([*labels.values(), _uncovered(any_finding, covered)], dtype=torch.float32)


def _refuse_empty(values: dict[str, float], vocabulary: Vocabulary) -> None:
    if not any(value != 0 for value in values.values()) or all(math.isnan(value) for value in values.values()):
        remedy = f"set {vocabulary.no_finding!r} to 1" if vocabulary.no_finding else "give such films no label"
        raise VocabularyError(
            f"An empty vector of {vocabulary.name} has no label: no finding is present and none is said to be absent. "
            f"If the film was read as normal, {remedy}."
        )


def _evaluate(rule: Rule, values: dict[str, float]) -> float:
    if isinstance(rule, str):
        return values[rule]
    (kind, parts), *_ = rule.items()
    evaluated = [_evaluate(part, values) for part in parts]
    return _combine(max, 1.0, evaluated) if kind == "any" else _combine(min, 0.0, evaluated)


def _combine(extreme: Callable[..., float], decisive: float, values: list[float]) -> float:
    """`extreme` of the known values; one decisive value settles it, else an unknown one leaves it open."""
    known = [value for value in values if not math.isnan(value)]
    if decisive in known:
        return decisive
    return math.nan if len(known) < len(values) or not known else extreme(known)


def _uncovered(any_finding: float, covered: float) -> float:
    """How much of what is present no label explains."""
    if covered == 1 or any_finding == 0:
        return 0.0
    rest = any_finding - covered
    return rest if math.isnan(rest) else max(0.0, rest)
