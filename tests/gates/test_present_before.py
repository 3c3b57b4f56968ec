"""Whether a localiser saw something to delete: heights of discs in closed form."""

import pytest
import torch
from closed_form_models import bright_localiser
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import context, disc

from monai_cars.chest_xray.gate import GateModels, default_gate
from monai_cars.edits.edit import Edit, Region
from monai_cars.gates import PresentBefore
from monai_cars.gates.thresholds import GateThresholds

SHAPE = (160, 200)
HERE, THERE = (60.0, 50.0), (60.0, 150.0)
DELETE = Edit("delete", "consolidation", region=Region(box=(0.0, 0.0, 5.0, 5.0)))
NOTHING = torch.zeros(1, *SHAPE)
LESION = disc(SHAPE, HERE, 12)


def opacity(centre, height: float = 80.0) -> torch.Tensor:
    return height * disc(SHAPE, centre, 12.0).float()[None]


def result(before, edit=DELETE, lesion=LESION, **options):
    return PresentBefore(bright_localiser(), **options)(before, NOTHING, context(edit, lesion))


def test_what_was_there_is_seen():
    found = result(opacity(HERE))
    assert (found.name, found.verdict) == ("present_before", "pass")
    assert found.value == pytest.approx(0.8)


@pytest.mark.parametrize("before", [NOTHING, opacity(THERE)])
def test_a_healthy_place_is_refused_whatever_lies_elsewhere(before):
    found = result(before)
    assert (found.value, found.code) == (0.0, "present_before_failed")
    assert "saw no more than 0.00 there before the edit" in found.reason


@settings(max_examples=10, deadline=None)
@given(st.floats(1, 99), st.floats(1, 99))
def test_the_film_after_the_deletion_is_not_asked(height, left):
    check = PresentBefore(bright_localiser())
    values = [check(opacity(HERE, height), opacity(HERE, after), context(DELETE, LESION)).value for after in (0, left)]
    assert values == [pytest.approx(height / 100)] * 2


def test_an_insertion_and_a_sham_ask_for_nothing():
    for edit in (Edit("insert", "consolidation"), Edit("sham", "consolidation")):
        found = result(opacity(HERE), edit)
        assert (found.verdict, found.code) == ("unavailable", "nothing_asked")


def test_no_lesion():
    found = result(opacity(HERE), lesion=torch.zeros(SHAPE, dtype=torch.bool))
    assert (found.verdict, found.reason) == ("unavailable", "no lesion was drawn")


def test_a_calibrated_level_is_required_of_deletions_alone():
    level = GateThresholds({}, {"delete consolidation": {"present_before": 0.31}}, alpha=0.05, data_sha256="ab" * 32)
    models = GateModels(None, bright_localiser())
    deletion, insertion = (
        default_gate("consolidation", operation, "full", models=models, thresholds=level)
        for operation in ("delete", "insert")
    )
    assert "present_before" in set(deletion.names) - set(deletion.advisory)
    assert next(check for check in deletion.checks if check.name == "present_before").threshold == 0.31
    assert "present_before" not in insertion.names
