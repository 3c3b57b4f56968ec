"""CARPA's perturbations of a feature vector (arXiv 2603.15525): what a film could have shown instead."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, combinations

import numpy as np

from monai_cars.echo import echo
from monai_cars.features.consistency import PRESENT, check_consistent
from monai_cars.features.feature_vector import FeatureVector
from monai_cars.features.vocabulary import VocabularyError

KINDS = ("insertion", "deletion", "inter-class", "intra-class", "random")
MOST_FLIPS = 3  # of a random perturbation: it stays near the film that it came from
TRIES = 50  # draws for each random perturbation that is wanted, before all are counted
Plausible = Callable[[FeatureVector], bool]


class TooFewPerturbationsError(ValueError):
    """A feature vector has fewer distinct perturbations than were asked for."""


def perturbations(
    vector: FeatureVector, kind: str, count: int = 1, seed: int = 0, *, plausible: Plausible | None = None
) -> list[FeatureVector]:
    """Distinct perturbations of a feature vector, none of them the vector itself; the same for the same seed.

    * insertion: one absent finding becomes present, with all that it implies;
    * deletion: one present finding becomes absent, with all that implies it;
    * inter-class: one finding is replaced by another (or a first one appears) so that the labels change;
    * intra-class: one finding appears, goes or is replaced and the labels stay;
    * random: one to three findings are flipped.

    Unknown findings are never touched. "No finding" follows: 1 where all else is absent, 0 where anything is present.
    A perturbed vector describes another film: it is no label of the one that it came from.

    Args:
        vector: to start from.
        kind: one of KINDS.
        count: how many.
        seed: decides which.
        plausible: keeps only vectors that it is true of, such as `co_occurring(vectors of real films)`.

    Raises:
        ValueError: another kind or count.
        TooFewPerturbationsError: fewer distinct ones than asked for; it says how many there are.
        VocabularyError: the vector contradicts itself or has no label.

    Example:
        >>> from monai_cars.features import load_vocabulary, vector_of
        >>> carpa = load_vocabulary("carpa-19")
        >>> film = FeatureVector(vector_of({"nodule": 1}, carpa, otherwise=0), carpa)
        >>> [changed.present() for changed in perturbations(film, "deletion")]
        [('unremarkable',)]
        >>> all(changed.labels() == film.labels() for changed in perturbations(film, "intra-class", 3))
        True
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)} (got {echo(kind)}).")
    if count < 1:
        raise ValueError(f"count must be at least 1 (got {count}).")
    R = np.random.RandomState(seed % 2**32)
    found = _drawn(vector, count, R, plausible) if kind == "random" else []
    if len(found) < count:
        found = possible(vector, kind, plausible=plausible)
        if len(found) < count:
            raise TooFewPerturbationsError(
                f"{vector!r} has {len(found)} distinct perturbations of the kind {echo(kind)}, fewer than the {count} "
                "asked for; ask for fewer or for another kind."
            )
        found = [found[index] for index in R.permutation(len(found))]
    return found[:count]


def perturb(vector: FeatureVector, kind: str, R: np.random.RandomState) -> FeatureVector:
    """One perturbation of a feature vector, drawn from `R`; see `perturbations`."""
    return perturbations(vector, kind, 1, int(R.randint(2**31)))[0]


def possible(vector: FeatureVector, kind: str, *, plausible: Plausible | None = None) -> list[FeatureVector]:
    """All distinct perturbations of one kind, in an order of their own; see `perturbations`."""
    _labels(vector)  # refuses a vector without a label
    check_consistent(vector, vector.vocabulary, ancestors=False)
    found: dict[FeatureVector, None] = {}
    for present, absent in _changes(vector, kind):
        changed = _changed(vector, present, absent)
        if _accepted(changed, vector, kind, plausible):
            found[changed] = None
    return list(found)


def co_occurring(vectors: Iterable[FeatureVector]) -> Plausible:
    """CARPA's rule of plausibility: what is present together must be present together in some real film.

    Example:
        >>> real = co_occurring([FeatureVector({"Mass": 1, "Effusion": 1}, "nih-14")])
        >>> real(FeatureVector({"Effusion": 1}, "nih-14")), real(FeatureVector({"Hernia": 1}, "nih-14"))
        (True, False)
    """
    seen = {frozenset(vector.present()) for vector in vectors}
    return lambda vector: any(frozenset(vector.present()) <= real for real in seen)


def _changes(vector: FeatureVector, kind: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(findings to make present, findings to make absent) of one kind; not all of them lead to a vector that counts."""
    present, absent = _sides(vector)
    appear = [((name,), ()) for name in absent]
    go = [((), (name,)) for name in present]
    swap = [((new,), (old,)) for old in present for new in absent]
    if kind == "insertion":
        yield from appear
    elif kind == "deletion":
        yield from go
    elif kind == "inter-class":
        yield from swap if present else appear
    elif kind == "intra-class":
        yield from chain(appear, go, swap)
    else:
        flips = chain.from_iterable(combinations((*present, *absent), size) for size in range(1, MOST_FLIPS + 1))
        for flipped in flips:
            yield tuple(n for n in flipped if n in absent), tuple(n for n in flipped if n in present)


def _drawn(
    vector: FeatureVector, count: int, R: np.random.RandomState, plausible: Plausible | None
) -> list[FeatureVector]:
    """Random perturbations, as many of them as a bounded number of draws finds."""
    _labels(vector)
    check_consistent(vector, vector.vocabulary, ancestors=False)
    present, absent = _sides(vector)
    findings = (*present, *absent)
    found: dict[FeatureVector, None] = {}
    for _ in range(TRIES * count if findings else 0):
        size = min(1 + R.randint(MOST_FLIPS), len(findings))
        flipped = [findings[index] for index in R.permutation(len(findings))[:size]]
        changed = _changed(vector, [n for n in flipped if n in absent], [n for n in flipped if n in present])
        if _accepted(changed, vector, "random", plausible):
            found[changed] = None
        if len(found) == count:
            break
    return list(found)


def _sides(vector: FeatureVector) -> tuple[list[str], list[str]]:
    """The present and the absent findings; "no finding" follows from the others and is none of them."""
    known = {name: value for name, value in vector.known().items() if name != vector.vocabulary.no_finding}
    return [n for n, value in known.items() if value >= PRESENT], [n for n, value in known.items() if value < PRESENT]


def _changed(vector: FeatureVector, present: Iterable[str], absent: Iterable[str]) -> FeatureVector:
    """The vector with some findings made absent, then others present, and all that follows from it."""
    vocabulary, values = vector.vocabulary, dict(vector)
    for name in absent:
        values.update(dict.fromkeys((name, *vocabulary.implying(name)), 0.0))
    for name in present:
        values.update(dict.fromkeys((name, *vocabulary.implied(name)), 1.0))
    if vocabulary.no_finding is not None:
        beside = (vocabulary.no_finding, *vocabulary.beside_no_finding)
        others = [value for name, value in values.items() if name not in beside]
        values[vocabulary.no_finding] = _none_of(others)
    return FeatureVector(values, vocabulary)


def _none_of(values: list[float]) -> float:
    if any(value >= PRESENT for value in values):
        return 0.0
    return math.nan if any(map(math.isnan, values)) else 1.0


def _accepted(changed: FeatureVector, vector: FeatureVector, kind: str, plausible: Plausible | None) -> bool:
    # What a hierarchy adds to the vector as it was given is no perturbation of it.
    if changed == vector or changed == _changed(vector, (), ()):
        return False
    try:
        labels = _labels(changed)
    except VocabularyError:  # nothing is left, and the vocabulary cannot say so
        return False
    if kind in ("inter-class", "intra-class") and (labels == _labels(vector)) != (kind == "intra-class"):
        return False
    return plausible is None or plausible(changed)


def _labels(vector: FeatureVector) -> tuple[str, ...]:
    """Each label as present, absent or unknown."""
    values = vector.labels().values()
    return tuple("unknown" if math.isnan(v) else "present" if v >= PRESENT else "absent" for v in values)
