"""Thresholds with a promise: split conformal prediction for a decision that many checks and attempts make together.

Scores of one kind (say, of films on which nothing was edited) are taken to be exchangeable. Then a new score exceeds
the ``ceil((n + 1)(1 - alpha))``-th smallest of n earlier ones with a probability of at most alpha, whatever its
distribution (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005; Lei et al., JASA 2018).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

Joint = Literal["any", "all"]
SLACK = 1e-9  # of a reference's spread: a bound gives back the value it was made of, whatever the last bit


def conformal_rank(n: int, alpha: float) -> int:
    """Which of n sorted scores bounds a new one: ``ceil((n + 1)(1 - alpha))``, counted from 1.

    Args:
        n: scores at hand.
        alpha: largest probability that a new score is above the bound, in (0, 1).

    Raises:
        ValueError: alpha out of range, or too few scores for it.

    Example:
        >>> conformal_rank(19, 0.05), conformal_rank(300, 0.05)
        (19, 286)
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie in (0, 1), got {alpha}")
    rank = math.ceil((n + 1) * (1 - alpha) - 1e-9)
    if rank > n:
        needed = math.ceil(1 / alpha - 1 - 1e-9)
        raise ValueError(
            f"a bound that holds with probability {1 - alpha:g} needs at least {needed} patients, got {n}; add films "
            "of more patients, or ask for less with a larger alpha"
        )
    return rank


def conformal_bound(scores: np.ndarray, alpha: float) -> float:
    """The bound that a new exchangeable score exceeds with probability at most alpha.

    Args:
        scores: (n,).
        alpha: in (0, 1).

    Raises:
        ValueError: too few scores.

    Example:
        >>> conformal_bound(np.arange(1.0, 20.0), 0.05)
        19.0
    """
    rank = conformal_rank(len(scores), alpha)
    return float(np.sort(np.asarray(scores, float))[rank - 1])


def normalised(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Share of a reference that lies below each value, so that checks of different units can be compared.

    ``#{reference < v} / (m + 1)``; beyond the largest of the m references the excess over it is added, in units of the
    distance from their median to their largest: a rank alone could not tell a new extreme from a far one.

    Args:
        values: any shape; NaN (a check that could not be made) becomes minus infinity.
        reference: (m,) of other patients than the values', NaN is left out.

    Raises:
        ValueError: a reference without a number.

    Example:
        >>> normalised(np.array([0.0, 2.5, 9.0]), np.array([1.0, 2.0, 3.0])).round(2).tolist()
        [0.0, 0.5, 6.75]
    """
    known = _known(reference)
    below = np.searchsorted(known, values, side="left") / (len(known) + 1)
    excess = np.clip(np.asarray(values, float) - known[-1], 0.0, None) / _spread(known)
    return np.where(np.isnan(values), -np.inf, below + excess)


def value_at(score: float, reference: np.ndarray) -> float:
    """The largest value whose normalised score is at most `score`; inverse of `normalised`.

    Example:
        >>> value_at(6.75, np.array([1.0, 2.0, 3.0])), value_at(0.25, np.array([1.0, 2.0, 3.0]))
        (9.0, 2.0)
    """
    known = _known(reference)
    highest = len(known) / (len(known) + 1)
    if score >= highest:
        return float(known[-1] + (score - highest) * _spread(known))
    if score < 0:
        return -math.inf
    return float(known[min(math.floor(score * (len(known) + 1) + 1e-9), len(known) - 1)])


def _known(reference: np.ndarray) -> np.ndarray:
    known = np.sort(np.asarray(reference, float).ravel())
    known = known[~np.isnan(known)]
    if not len(known):
        raise ValueError("a reference must hold at least one number, got none; was the check made on any film?")
    return known


def _spread(known: np.ndarray) -> float:
    return float(known[-1] - np.median(known)) or 1.0


def joint_bounds(values: np.ndarray, reference: np.ndarray, *, alpha: float, joint: Joint) -> np.ndarray:
    """One bound a check, such that a new film goes beyond them with probability at most alpha.

    A film goes beyond when, in at least one of its attempts, ``"any"`` of the checks is above its bound (a film that a
    gate rejects), or ``"all"`` are (a control that a gate accepts). So the score of an attempt is the largest, or the
    smallest, of its normalised values, that of a film the largest of its attempts, and the conformal bound of those is
    taken back to each check's own unit.

    Args:
        values: (n, A, J) of n films of as many patients, A attempts and J checks; larger = further beyond.
        reference: (m, J) values of other patients.
        alpha: in (0, 1).
        joint: whether any or all checks must be beyond.

    Returns:
        (J,) bounds; a value equal to its bound is not beyond.

    Raises:
        ValueError: too few films, or no reference.

    Example:
        >>> draws = np.random.default_rng(0).normal(size=(600, 1, 3))
        >>> bounds = joint_bounds(draws[:300], draws[300:, 0], alpha=0.05, joint="any")
        >>> bool((bounds > 1.7).all())
        True
    """
    scores = film_scores(values, reference, joint)
    bound = conformal_bound(scores, alpha)
    return np.array([value_at(bound, column) + SLACK * _spread(_known(column)) for column in reference.T])


def film_scores(values: np.ndarray, reference: np.ndarray, joint: Joint) -> np.ndarray:
    """(n,) how far each film goes beyond; see `joint_bounds`.

    Example:
        >>> one, of = np.array([[[1.0, 5.0]]]), np.array([[0.0, 0.0], [2.0, 2.0]])
        >>> film_scores(one, of, "all").round(2).tolist(), film_scores(one, of, "any").round(2).tolist()
        ([0.33], [3.67])
    """
    checks = np.stack([normalised(values[..., j], reference[:, j]) for j in range(values.shape[2])], axis=-1)
    attempts = checks.max(-1) if joint == "any" else checks.min(-1)
    return attempts.max(-1)


def beyond(values: np.ndarray, bounds: np.ndarray, joint: Joint) -> np.ndarray:
    """(n,) bool: which films go beyond the bounds in any attempt; values (n, A, J), NaN is not beyond.

    Example:
        >>> beyond(np.array([[[1.0, 0.0], [np.nan, 9.0]]]), np.array([0.5, 0.5]), "all").tolist()
        [False]
    """
    over = values > bounds
    attempts = np.any(over, axis=-1) if joint == "any" else np.all(over, axis=-1)
    return np.asarray(np.any(attempts, axis=-1))


def worst_of_patients(values: np.ndarray, patients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Films of one patient become attempts of one: patients are exchangeable, films of one patient are not.

    Args:
        values: (n, A, J).
        patients: (n,) identifiers.

    Returns:
        (p, A', J) with NaN where a patient has fewer films, and the (p,) sorted identifiers.

    Example:
        >>> merged, names = worst_of_patients(np.zeros((3, 2, 1)), np.array(["b", "a", "b"]))
        >>> merged.shape, np.isnan(merged).sum(), names.tolist()
        ((2, 4, 1), np.int64(2), ['a', 'b'])
    """
    names, owner = np.unique(patients, return_inverse=True)
    _, attempts, checks = values.shape
    merged = np.full((len(names), attempts * int(np.bincount(owner).max(initial=0)), checks), np.nan)
    filled = np.zeros(len(names), int)
    for film, patient in zip(values, owner, strict=True):
        merged[patient, filled[patient] : filled[patient] + attempts] = film
        filled[patient] += attempts
    return merged, names
