"""Thresholds are kept, read back, and put into the checks that they are of."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from monai_cars.chest_xray import BUNDLE
from monai_cars.chest_xray.checks.anatomy_preserved import AnatomyPreserved
from monai_cars.gates import NoSeam
from monai_cars.gates.thresholds import (
    BOUNDED,
    Bounded,
    GateThresholds,
    bounded,
    digest,
    shipped_thresholds,
    with_threshold,
)

FOUND = GateThresholds(
    {"anatomy_preserved": 0.93},
    {"insert mass": {"anatomy_preserved": 0.8}},
    alpha=0.05,
    level=0.2,
    max_attempts=4,
    data_sha256="ab" * 32,
    counts={"pair: repeat films": 40},
    tested={"pair: repeat films": (12, 13)},
)


def test_what_is_saved_is_read_back(tmp_path):
    FOUND.save(tmp_path / "gate.json")
    assert GateThresholds.load(tmp_path / "gate.json") == FOUND
    FOUND.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "gate.json").read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 7}, "must hold gate thresholds of version 1, got 7; calibrate again"),
        ({"more": 1}, "missing or unknown: more"),
    ],
)
def test_another_file_is_refused(tmp_path, change, message):
    FOUND.save(tmp_path / "gate.json")
    found = json.loads((tmp_path / "gate.json").read_text()) | change
    (tmp_path / "gate.json").write_text(json.dumps(found))
    with pytest.raises(ValueError, match=message):
        GateThresholds.load(tmp_path / "gate.json")
    (tmp_path / "gate.json").write_text("[]")
    with pytest.raises(ValueError, match="version 1, got None"):
        GateThresholds.load(tmp_path / "gate.json")


def test_checks_take_their_thresholds_and_others_keep_theirs():
    seam, anatomy = FOUND.applied([NoSeam(threshold=2.0), AnatomyPreserved()], "insert", "mass")
    assert (seam.threshold, anatomy.threshold) == (2.0, 0.8)
    assert FOUND.applied([AnatomyPreserved()], "delete", "mass")[0].threshold == 0.93
    assert GateThresholds().applied([AnatomyPreserved()], "insert", "mass") == [AnatomyPreserved()]


def test_the_name_says_whether_they_were_calibrated():
    assert GateThresholds().name == "first settings"
    assert FOUND.name == "calibrated sha256:abababababab, alpha 0.05 over 4 attempts"
    assert replace(FOUND, max_attempts=None).name == "calibrated sha256:abababababab, alpha 0.05"


def test_thresholds_are_numbers_of_calibrated_checks():
    with pytest.raises(ValueError, match="not for 'outside_unchanged'; leave it out"):
        bounded("outside_unchanged")
    with pytest.raises(ValueError, match="threshold of anatomy_preserved must be a finite number, got inf"):
        with_threshold(AnatomyPreserved(), float("inf"))


def test_outward_is_rejected_by_preservation_and_accepted_by_the_others():
    assert Bounded("preservation", True).outward() == Bounded("change", False).outward() == 1
    assert Bounded("preservation", False).outward() == Bounded("change", True).outward() == -1
    for operation, sign in (("insert", 1), ("delete", -1)):
        assert Bounded("level", False).outward(operation) == sign == -Bounded("level", True).outward(operation)
        assert Bounded("change", False).outward(operation) == 1
        assert Bounded("level", False, of_before=True).outward(operation) == 1


def test_a_threshold_of_another_name():
    @dataclass(frozen=True)
    class Renamed:
        bound: float = 1.0
        name: str = "anatomy_preserved"

    with pytest.raises(TypeError, match="threshold"):
        with_threshold(Renamed(), 0.5)


def test_the_shipped_file_is_read():
    shipped = shipped_thresholds(BUNDLE)
    assert shipped is shipped_thresholds(BUNDLE)
    known = {*shipped.everywhere, *(n for v in shipped.by_edit.values() for n in v)}
    assert known <= set(BOUNDED)


def test_the_digest_sees_names_shapes_and_values():
    one = {"a": np.zeros((2, 3)), "b": np.array(["x"])}
    assert digest(one) == digest(dict(reversed(one.items())))
    others = [{**one, "a": np.zeros((3, 2))}, {**one, "b": np.array(["y"])}, {"c": one["a"], "b": one["b"]}]
    assert len({digest(one), *map(digest, others)}) == 4
