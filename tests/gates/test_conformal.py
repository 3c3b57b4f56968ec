"""Bounds hold what they promise on scores that are exchangeable, ties, attempts and correlated checks included."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.gates.conformal import (
    beyond,
    conformal_bound,
    conformal_rank,
    film_scores,
    joint_bounds,
    normalised,
    value_at,
    worst_of_patients,
)

NUMBERS = st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=40)


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2, 0.5])
def test_the_rank_is_the_least_that_covers(alpha):
    needed = math.ceil(1 / alpha - 1)
    for n in range(needed, needed + 60):
        rank = conformal_rank(n, alpha)
        # Of n + 1 exchangeable scores each is equally likely to be the new one.
        assert rank / (n + 1) >= 1 - alpha - 1e-12 > (rank - 1) / (n + 1) - 1e-9
    with pytest.raises(
        ValueError, match=rf"needs at least {needed} patients, got {needed - 1}; add films of more patients"
    ):
        conformal_rank(needed - 1, alpha)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -1.0])
def test_alpha_is_a_probability(alpha):
    with pytest.raises(ValueError, match=rf"alpha must lie in \(0, 1\), got {alpha}"):
        conformal_rank(100, alpha)


def test_a_bound_is_exceeded_as_often_as_promised_whatever_the_ties():
    rng = np.random.default_rng(0)
    for draw in (rng.standard_cauchy, lambda size: rng.integers(0, 4, size).astype(float)):
        above = [draw(1)[0] > conformal_bound(draw(39), 0.1) for _ in range(4000)]
        assert np.mean(above) <= 0.1 + 3 * math.sqrt(0.09 / 4000)


@settings(deadline=None, max_examples=60)
@given(NUMBERS, NUMBERS)
def test_normalising_keeps_the_order_and_goes_back(values, reference):
    values, reference = np.array(values), np.array(reference)
    scores = normalised(values, reference)
    assert (np.diff(scores[np.argsort(values)]) >= 0).all()
    for value, score in zip(values, scores, strict=True):
        back = value_at(score, reference)
        # The largest value with that score is no smaller, and no reference lies between the two.
        assert back >= value or back == pytest.approx(value, rel=1e-6, abs=1e-6)
        assert not ((reference < back - 1e-6) & (reference >= value)).any()


def test_what_could_not_be_made_scores_nothing():
    assert normalised(np.array([np.nan, 1.0]), np.array([0.0, np.nan])).tolist() == [-math.inf, 1.5]
    assert value_at(-math.inf, np.array([0.0])) == -math.inf
    with pytest.raises(ValueError, match="a reference must hold at least one number, got none"):
        normalised(np.zeros(1), np.array([np.nan]))


def _tables(rng, films, attempts, checks):
    """Correlated checks of different units: a film's own level, shared by its attempts, and noise."""
    level = rng.normal(size=(films, 1, 1))
    return (level + rng.normal(size=(films, attempts, checks))) * 10.0 ** np.arange(checks)


@pytest.mark.parametrize(("joint", "attempts"), [("any", 1), ("all", 1), ("all", 4)])
def test_the_joint_rate_is_what_was_asked_for(joint, attempts):
    rng = np.random.default_rng(1)
    rates = []
    for _ in range(60):
        reference = _tables(rng, 60, attempts, 5).reshape(-1, 5)
        bounds = joint_bounds(_tables(rng, 99, attempts, 5), reference, alpha=0.05, joint=joint)
        rates.append(beyond(_tables(rng, 200, attempts, 5), bounds, joint).mean())
    assert np.mean(rates) == pytest.approx(0.05, abs=0.012)


def test_bounds_of_one_check_alone_would_reject_far_more():
    rng = np.random.default_rng(2)
    values, reference = rng.normal(size=(300, 1, 10)), rng.normal(size=(300, 10))
    alone = np.array([conformal_bound(column, 0.05) for column in values[:, 0].T])
    together = joint_bounds(values, reference, alpha=0.05, joint="any")
    fresh = rng.normal(size=(5000, 1, 10))
    assert beyond(fresh, alone, "any").mean() > 0.3
    assert beyond(fresh, together, "any").mean() < 0.08


def test_more_attempts_ask_for_more():
    rng = np.random.default_rng(3)
    values, reference = rng.normal(size=(400, 4, 2)), rng.normal(size=(300, 2))
    once = joint_bounds(values[:, :1], reference, alpha=0.05, joint="all")
    four = joint_bounds(values, reference, alpha=0.05, joint="all")
    assert (four > once).all()
    # Bounds of one attempt let 1 - 0.95^4 = 18.5 % through over four.
    fresh = rng.normal(size=(20_000, 4, 2))
    assert beyond(fresh, once, "all").mean() == pytest.approx(0.185, abs=0.06)
    assert beyond(fresh, four, "all").mean() == pytest.approx(0.05, abs=0.03)


def test_the_bound_is_not_beyond_itself():
    values = np.random.default_rng(4).integers(0, 3, (100, 1, 2)).astype(float)
    bounds = joint_bounds(values, values[:, 0], alpha=0.05, joint="any")
    scores = film_scores(values, values[:, 0], "any")
    limit = conformal_bound(scores, 0.05)
    assert (beyond(values, bounds, "any") == (scores > limit)).all()


@pytest.mark.parametrize(("joint", "expected"), [("any", [True, False]), ("all", [False, False])])
def test_an_attempt_that_could_not_be_made_is_not_beyond(joint, expected):
    values = np.array([[[2.0, np.nan]], [[np.nan, np.nan]]])
    assert beyond(values, np.ones(2), joint).tolist() == expected


def test_films_of_a_patient_are_attempts_of_one():
    values = np.arange(12.0).reshape(3, 2, 2)
    merged, names = worst_of_patients(values, np.array(["b", "a", "b"]))
    assert names.tolist() == ["a", "b"]
    assert merged[1].tolist() == [[0, 1], [2, 3], [8, 9], [10, 11]]
    assert np.isnan(merged[0, 2:]).all()
    assert worst_of_patients(values[:0], np.array([], str))[0].shape == (0, 0, 2)
