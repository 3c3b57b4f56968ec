"""Acceptance by group: counts are counts, intervals cover, patients are drawn whole."""

import numpy as np
import pytest
import torch

from monai_cars.evaluation.acceptance import (
    AcceptanceRate,
    acceptance_by,
    acceptance_table,
    age_band,
    patient_bootstrap,
    wilson,
)

EDITS = [
    {"finding": "nodule", "view": "PA", "age": 30, "patient_id": 1, "accepted": True},
    {"finding": "nodule", "view": "AP", "age": 70, "patient_id": 2, "accepted": False},
    {"finding": "mass", "view": "PA", "age": None, "patient_id": 1, "accepted": True},
    {"finding": "mass", "accepted": False, "patient_id": 3},
]


def counts(found):
    return {rate.group: (rate.accepted, rate.total) for rate in found}


def test_groups_are_counted():
    assert counts(acceptance_by(EDITS)) == {("mass",): (1, 2), ("nodule",): (1, 2)}
    assert counts(acceptance_by(EDITS, ["finding", "view"])) == {
        ("mass", "PA"): (1, 1),
        ("mass", "unknown"): (0, 1),
        ("nodule", "AP"): (0, 1),
        ("nodule", "PA"): (1, 1),
    }
    assert counts(acceptance_by(EDITS, age_band)) == {("18-39",): (1, 1), ("65-79",): (0, 1), ("unknown",): (1, 2)}
    assert counts(acceptance_by(EDITS, ())) == {(): (2, 4)}
    assert acceptance_by([]) == []


def test_totals_are_kept_however_they_are_grouped():
    for by in ("finding", "view", age_band, ("finding", "view", age_band)):
        found = acceptance_by(EDITS, by)
        assert sum(rate.total for rate in found) == len(EDITS)
        assert sum(rate.accepted for rate in found) == 2


def test_a_record_without_an_outcome_is_refused():
    with pytest.raises(ValueError, match=r"record 0 has no entry 'accepted' \(it has finding\); give edit entries"):
        acceptance_by([{"finding": "mass"}])


@pytest.mark.parametrize(
    ("age", "band"),
    [(0, "0-13"), (13.9, "0-13"), (14, "14-17"), (18, "18-39"), (64, "40-64"), (80, "80+"), (float("nan"), "unknown")],
)
def test_bands_are_half_open(age, band):
    assert age_band({"age": age}) == band


def test_wilson_has_its_closed_form():
    k, n, z = 7, 40, 1.959963984540054
    middle, half = (k + z * z / 2) / (n + z * z), z * np.sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    assert wilson(k, n) == pytest.approx((middle - half, middle + half), abs=1e-9)


def test_edits_of_one_patient_are_no_independent_draws():
    outcomes = [bool(patient % 2) for patient in range(40) for _ in range(10)]
    patients = [patient for patient in range(40) for _ in range(10)]
    low, high = patient_bootstrap(outcomes, patients)
    alone = wilson(sum(outcomes), len(outcomes))
    assert high - low > 2 * (alone[1] - alone[0])
    assert patient_bootstrap(outcomes, patients) == (low, high)
    assert acceptance_by(
        [{"accepted": ok, "p": p} for ok, p in zip(outcomes, patients, strict=True)], (), patient="p"
    ) == [AcceptanceRate((), 200, 400, 40, low, high)]


@pytest.mark.parametrize("outcome", [True, False])
def test_one_outcome_is_no_certainty(outcome):
    low, high = patient_bootstrap([outcome] * 30, [k // 3 for k in range(30)])
    assert (low, high) == wilson(10 * outcome, 10)
    assert high - low > 0.2


def test_the_bootstrap_covers():
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(150):
        shares = rng.beta(3, 2, 40)
        outcomes = rng.random((40, 4)) < shares[:, None]
        low, high = patient_bootstrap(outcomes.ravel().tolist(), np.repeat(np.arange(40), 4).tolist(), seed=seed)
        held += low <= 0.6 <= high
    assert held > 0.88 * 150


def test_rows_of_a_table():
    text = acceptance_table(acceptance_by(EDITS, ["finding", "view"]))
    assert text.splitlines()[0].startswith("| mass | PA | 1/1 | 100% (")
    assert len(text.splitlines()) == 4


@pytest.mark.parametrize("one", [np.int64(1), np.array(1), torch.tensor(1), 1.0])
def test_numbers_of_any_library_are_one_group_and_nan_is_unknown(one):
    values = [1, one, None, "", float("nan"), np.float32("nan"), torch.tensor(float("nan"))]
    edits = [{"accepted": True, "site": value} for value in values]
    assert counts(acceptance_by(edits, "site")) == {(1,): (2, 2), ("unknown",): (5, 5)}
