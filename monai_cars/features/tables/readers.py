"""Several readings of one film as one vector."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from monai_cars.features.consistency import PRESENT
from monai_cars.features.feature_vector import FeatureVector


def combined(vectors: Sequence[FeatureVector], how: str) -> FeatureVector:
    """What readers say together of each finding.

    Args:
        vectors: of one film and one vocabulary, one or more.
        how: "any" (present where one says so), "all" (where everyone does), "majority" of those that say anything (a
            tie is uncertain), or their "mean".

    Example:
        >>> first, second = (FeatureVector({"Mass": value}, "nih-14") for value in (1, 0))
        >>> combined([first, second], "any")["Mass"], combined([first, second], "mean")["Mass"]
        (1.0, 0.5)
    """
    vocabulary = vectors[0].vocabulary
    none = vocabulary.no_finding
    values, doubtful = {}, set()
    for name in vocabulary.findings:
        said = [vector[name] for vector in vectors]
        values[name] = _COMBINED[_NONE[how] if name == none else how](said)
        tied = how == "majority" and math.isnan(values[name]) and not all(map(math.isnan, said))
        if math.isnan(values[name]) and (tied or any(name in vector.uncertain for vector in vectors)):
            doubtful.add(name)
    beside = {none, *vocabulary.beside_no_finding}
    if none is not None and any(value >= PRESENT for name, value in values.items() if name not in beside):
        values[none] = 0.0 if how != "mean" else min(values[none], 1 - PRESENT)
        doubtful.discard(none)
    return FeatureVector(values, vocabulary, uncertain=doubtful)


def one_of(values: Sequence[float]) -> float:
    """Present where any says so; absent only where all do."""
    if 1.0 in values:
        return 1.0
    return math.nan if any(map(math.isnan, values)) else max(values)


def _each(values: Sequence[float]) -> float:
    if 0.0 in values:
        return 0.0
    return math.nan if any(map(math.isnan, values)) else min(values)


def _majority(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    for_it = sum(value >= PRESENT for value in known)
    return math.nan if 2 * for_it == len(known) else float(2 * for_it > len(known))


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


_COMBINED: dict[str, Callable[[Sequence[float]], float]] = {
    "any": one_of,
    "all": _each,
    "majority": _majority,
    "mean": _mean,
}
_NONE = {"any": "all", "all": "any", "majority": "majority", "mean": "mean"}  # of "no finding": the other way round
