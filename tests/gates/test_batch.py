"""Edits judged together: the verdicts of each alone, and a network asked once a batch."""

from dataclasses import replace

import pytest
import torch
from closed_form_models import density_teacher
from phantom import phantom
from phantom_film import context

from monai_cars.chest_xray.teacher.network import TeacherNetwork
from monai_cars.chest_xray.teacher.shipped import NetworkLocaliser, NetworkTeacher
from monai_cars.edits.edit import Edit
from monai_cars.gates import ConditionMet, Gate, LevelInside, OutsideUnchanged, TargetMoved
from monai_cars.gates.batch import judge_many


class Counted(TeacherNetwork):
    asked = 0

    def forward(self, x):
        self.asked += 1
        return super().forward(x)


def network():
    torch.manual_seed(0)
    return Counted((4, 8), findings=1, width=4).eval()


def edits(count: int) -> list:
    """Films of different sizes with a denser right lung."""
    made = []
    for number in range(count):
        film = phantom(size=(256 + 16 * number, 240))
        lesion = film.anatomy[0] > 0
        after = film.image + 200.0 * number * lesion
        made.append((film.image, after, context(Edit("insert", "consolidation"), lesion, anatomy=film.anatomy)))
    return made


def gate_of(net):
    teacher, localiser = NetworkTeacher("one", net, ("opacity",)), NetworkLocaliser("map", net)
    checks = [OutsideUnchanged(), TargetMoved(teacher), ConditionMet(localiser), LevelInside(localiser)]
    return Gate(checks, ("level_inside",), "mine")


@pytest.mark.parametrize(("batch_size", "asked"), [(1, 5), (2, 3), (16, 1)])
def test_the_verdicts_are_those_of_each_alone(batch_size, asked):
    net = network()
    gate = gate_of(net)
    together = list(judge_many(gate, edits(5), batch_size=batch_size))
    assert net.asked == asked
    alone = [gate(*edit) for edit in edits(5)]
    assert [verdict.thresholds for verdict in together] == ["mine"] * 5
    for one, other in zip(together, alone, strict=True):
        assert one.accepted == other.accepted
        for found, expected in zip(one.checks, other.checks, strict=True):
            assert found.value == pytest.approx(expected.value, rel=1e-4, abs=1e-5)
            assert replace(found, value=None, reason="") == replace(expected, value=None, reason="")


def test_models_without_a_network_are_asked_film_by_film():
    films: list = []
    gate = Gate([TargetMoved(density_teacher(asked=films))])
    assert [verdict.accepted for verdict in judge_many(gate, edits(3))] == [gate(*edit).accepted for edit in edits(3)]
    assert len(films) == 12


def test_edits_are_read_as_they_are_judged():
    read = []

    def reading():
        for number, edit in enumerate(edits(4)):
            read.append(number)
            yield edit

    verdicts = judge_many(Gate([OutsideUnchanged()]), reading(), batch_size=2)
    assert read == []
    next(verdicts)
    assert read == [0, 1]


def test_a_batch_holds_at_least_one():
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        judge_many(Gate([]), [], batch_size=0)
