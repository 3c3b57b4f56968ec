"""Thresholds from data: the promised rates hold on patients that the calibration never saw."""

import numpy as np
import pytest

from monai_cars.gates.calibration import PARTS, calibrate_gate, part_of, passing
from monai_cars.gates.thresholds import BOUNDED, Bounded
from monai_cars.gates.trials import Trials

TOGETHER = {
    "anatomy_preserved": Bounded("preservation", at_most=False),
    "noise": Bounded("preservation", at_most=True),
    "moved": Bounded("change", at_most=False),
    "located": Bounded("change", at_most=False),
    "left": Bounded("level", at_most=True),
    "there": Bounded("level", at_most=False),
}


@pytest.fixture(autouse=True)
def table(monkeypatch):
    """Checks of all purposes and both directions, whatever the library ships."""
    monkeypatch.setattr("monai_cars.gates.thresholds.BOUNDED", TOGETHER)
    monkeypatch.setattr("monai_cars.gates.calibration.BOUNDED", TOGETHER)


def draw(rng, names, n=900, attempts=1, shift=0.0):
    level = rng.normal(size=(n, 1, 1))
    values = shift + level + rng.normal(size=(n, attempts, len(names)))
    return Trials(names, values, np.array([f"p{k}" for k in range(n)]))


PRESERVED, CHANGED = ("anatomy_preserved", "noise"), ("moved", "located")


def test_every_promise_holds_on_other_patients():
    rng = np.random.default_rng(0)
    pairs = {kind: draw(rng, PRESERVED, shift=s) for kind, s in (("repeat", 0.0), ("light", 0.3))}
    controls = {
        "insert nodule": {kind: draw(rng, CHANGED, attempts=4, shift=s) for kind, s in (("sham", 0), ("blur", 1))}
    }
    positives = {"insert nodule": draw(rng, ("there", "left"), shift=2.0)}
    healthy = {"insert nodule": draw(rng, ("there", "left"))}
    found = calibrate_gate(pairs, controls, positives, healthy)
    rng = np.random.default_rng(1)
    limits = found.of("insert", "nodule")
    assert set(limits) == set(TOGETHER)
    for s in (0.0, 0.3):
        fresh = draw(rng, PRESERVED, n=5000, shift=s)
        assert 1 - passing(fresh, limits, "preservation").mean() < 0.065
    rates = [passing(draw(rng, CHANGED, n=5000, attempts=4, shift=s), limits, "change").mean() for s in (0, 1)]
    # The stricter kind decides: the other passes less often than it might.
    assert rates[0] < rates[1] < 0.075
    above = passing(draw(rng, ("there",), n=5000, shift=2.0), limits, "level").mean()
    assert above == pytest.approx(0.8, abs=0.04)
    assert found.max_attempts == 4
    assert found.counts["insert nodule: blur"] == 900
    passed, of = found.tested["pair: repeat"]
    assert 250 < of < 350
    assert passed > 0.9 * of
    assert found.tested["insert nodule: healthy films"][0] < found.tested["insert nodule: real positives"][0]


def test_more_attempts_make_the_change_threshold_stricter():
    rng = np.random.default_rng(2)
    four = draw(rng, CHANGED, attempts=4)
    once = Trials(CHANGED, four.values[:, :1], four.patients)
    thresholds = [calibrate_gate({}, {"insert mass": {"sham": t}}).of("insert", "mass")["moved"] for t in (once, four)]
    assert thresholds[1] > thresholds[0]


def test_patients_stay_together_and_parts_are_thirds():
    parts = [part_of(str(k), 0) for k in range(3000)]
    assert set(parts) == set(PARTS)
    assert all(parts.count(part) == pytest.approx(1000, abs=90) for part in PARTS)
    assert parts != [part_of(str(k), 1) for k in range(3000)]


def test_films_of_few_patients_are_few():
    rng = np.random.default_rng(3)
    many = draw(rng, PRESERVED)
    few = Trials(many.names, many.values, np.array([f"p{k % 20}" for k in range(900)]))
    message = (
        r"calibrate_gate, pair: repeat: a bound that holds with probability 0.95 needs at least 19 patients, got \d+"
    )
    with pytest.raises(ValueError, match=message):
        calibrate_gate({"repeat": few})


def test_checks_that_are_not_calibrated_are_left_alone():
    rng = np.random.default_rng(4)
    mixed = draw(rng, ("inside_lung", "noise"))
    assert set(calibrate_gate({"repeat": mixed}).everywhere) == {"noise"}
    message = r"pair: repeat: no preservation check was made on these films \(made: inside_lung; known: anatomy"
    with pytest.raises(ValueError, match=message):
        calibrate_gate({"repeat": Trials(("inside_lung",), mixed.of("inside_lung"), mixed.patients)})


def test_films_on_which_nothing_could_be_tried_say_nothing():
    rng = np.random.default_rng(5)
    found = draw(rng, CHANGED, attempts=2)
    gone = found.values.copy()
    gone[::2] = np.nan
    kept = Trials(CHANGED, found.values[1::2], found.patients[1::2])
    thinned = Trials(CHANGED, gone, found.patients)
    first, second = (calibrate_gate({}, {"insert mass": {"sham": t}}).by_edit for t in (kept, thinned))
    assert first == second


def test_a_check_that_is_missing_on_nearly_all_films_has_no_bound():
    found = draw(np.random.default_rng(7), CHANGED, attempts=2)
    found.values[10:, :, 1] = np.nan
    found.values[0] = 1.0
    message = (
        r"insert mass: blur: no bound of moved, located: of [23]\d\d films there was a value of moved on \d{3}, "
        r"located on \d, so that too few have all of them; leave out the check that is missing, or judge films"
    )
    with pytest.raises(ValueError, match=message):
        calibrate_gate({}, {"insert mass": {"blur": found}})


def test_what_was_not_made_does_not_count_and_what_lacks_a_check_is_rejected():
    found = draw(np.random.default_rng(9), PRESERVED)
    test = np.array([part_of(name, 0) == "test" for name in found.patients])
    never, half = np.flatnonzero(test)[:20], np.flatnonzero(test)[20:50]
    whole = calibrate_gate({"repeat": found})
    values = found.values.copy()
    values[never] = np.nan
    values[half, :, 0] = np.nan
    lacking = Trials(found.names, values, found.patients)
    thinned = calibrate_gate({"repeat": lacking})
    assert thinned.everywhere == whole.everywhere
    limits = whole.everywhere
    kept = np.setdiff1d(np.flatnonzero(test), [*never, *half])
    passed = passing(found, limits, "preservation")[kept].sum()
    assert thinned.tested["pair: repeat"] == (passed, test.sum() - 20)
    assert not passing(lacking, limits, "preservation")[[*never, *half]].any()


def test_an_attempt_that_was_not_made_takes_nothing_from_a_pair():
    values = np.array([[[0.4], [np.nan]], [[0.4], [0.6]], [[np.nan], [np.nan]]])
    pairs = Trials(("noise",), values, np.array(["a", "b", "c"]))
    assert passing(pairs, {"noise": 0.5}, "preservation").tolist() == [True, False, False]


def test_a_deletion_is_to_stay_below_its_level():
    found = draw(np.random.default_rng(8), ("there",))
    limits = [calibrate_gate({}, positives={f"{done} mass": found}).of(done, "mass") for done in ("insert", "delete")]
    assert limits[0]["there"] < limits[1]["there"]
    shares = [
        passing(found, limit, "level", done).mean() for limit, done in zip(limits, ("insert", "delete"), strict=True)
    ]
    assert shares == pytest.approx([0.8, 0.8], abs=0.05)


def test_the_hash_is_of_the_values():
    rng = np.random.default_rng(6)
    found = draw(rng, ("noise",))
    other = Trials(found.names, found.values + 1e-9, found.patients)
    hashes = [calibrate_gate({"repeat": t}).data_sha256 for t in (found, found, other)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_value_at_its_threshold_passes():
    film = Trials(("moved", "noise"), np.array([[[0.5, 0.5]]]), np.array(["a"]))
    for purpose in ("change", "preservation", "level"):
        assert passing(film, {"moved": 0.5, "noise": 0.5}, purpose).all()
    assert not passing(film, {"moved": 0.51}, "change").any()
    assert not passing(film, {"noise": 0.49}, "preservation").any()


def test_the_library_itself_names_only_checks_it_has():
    assert all(found.purpose in ("preservation", "change", "level") for found in BOUNDED.values())
