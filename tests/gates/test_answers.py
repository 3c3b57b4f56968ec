"""Answers of models: asked once each, told apart by the model itself, and probabilities."""

from dataclasses import dataclass

import pytest
import torch
from phantom import phantom
from phantom_film import context

from monai_cars.chest_xray.teacher.network import TeacherNetwork
from monai_cars.chest_xray.teacher.shipped import NetworkLocaliser, NetworkTeacher
from monai_cars.edits.edit import Edit
from monai_cars.gates import NothingHallucinated, OffTargetStable
from monai_cars.gates.answers import opacity_maps, probabilities
from monai_cars.teachers import SegmenterLocaliser, TeacherError

BEFORE, AFTER = torch.zeros(1, 4, 4), torch.ones(1, 4, 4)


@dataclass
class Bare:
    """A teacher that checks nothing itself; 0.5 before the edit, `after` behind it."""

    after: object
    name: str = "bare"
    outputs: tuple = ("Hernia", "COVID-19")
    data: frozenset = frozenset({"nothing"})
    auroc = {}  # noqa: RUF012
    asked: int = 0

    def __call__(self, film, anatomy):
        self.asked += 1
        return self.after if film.any() else dict.fromkeys(self.outputs, 0.5)


def seen():
    return context(Edit("insert", "nodule"), torch.ones(4, 4, dtype=torch.bool))


def test_models_of_one_name_keep_their_own_answers_and_are_asked_once():
    one, other = Bare({"Hernia": 0.1, "COVID-19": 0.2}), Bare({"Hernia": 0.8, "COVID-19": 0.9})
    here = seen()
    for teacher in (one, other, one, other):
        assert probabilities(teacher, BEFORE, AFTER, here)[1] == teacher.after
    assert (one.asked, other.asked) == (2, 2)
    dark, bright = (SegmenterLocaliser("map", lambda film, p=p: torch.full((4, 4), p)) for p in (0.25, 0.75))
    assert [float(opacity_maps(each, BEFORE, AFTER, here)[1].max()) for each in (dark, bright)] == [0.25, 0.75]


def test_a_model_that_is_gone_leaves_its_answers_to_nobody():
    here = seen()
    for value in (0.1, 0.2, 0.3, 0.4):  # each may be made where the one before it lay
        answer = {"Hernia": value, "COVID-19": value}
        assert probabilities(Bare(answer), BEFORE, AFTER, here)[1] == answer


@pytest.mark.parametrize("value", [float("nan"), torch.tensor(float("nan")), 1.2, -3, float("inf")])
@pytest.mark.parametrize("check", [OffTargetStable, lambda teacher: NothingHallucinated(teacher, {"COVID-19": 0.3})])
def test_what_is_no_probability_is_refused(check, value):
    message = r"'COVID-19' of the teacher 'bare' must be a probability in \[0, 1\], got \S+; apply a sigmoid or softmax"
    with pytest.raises(TeacherError, match=message):
        check(Bare({"Hernia": 0.5, "COVID-19": value}))(BEFORE, AFTER, seen())


def test_an_output_that_is_not_answered_is_named():
    with pytest.raises(TeacherError, match="the teacher 'bare' did not answer COVID-19; leave it out of outputs"):
        probabilities(Bare({"Hernia": 0.5}), BEFORE, AFTER, seen())


class Counted(TeacherNetwork):
    """A network that counts how often it was asked."""

    asked = 0

    def forward(self, x):
        self.asked += 1
        return super().forward(x)


@pytest.mark.parametrize("size", [(256, 240), (640, 600)])
def test_a_teacher_and_a_localiser_of_one_network_ask_it_once_a_film(size):
    drawn = phantom(size=size)
    network = Counted((4, 8), findings=1, width=4).eval()
    teacher, localiser = NetworkTeacher("one", network, ("opacity",)), NetworkLocaliser("map", network)
    after, here = drawn.image + 1, context(Edit("insert", "nodule"), drawn.anatomy[0] > 0, anatomy=drawn.anatomy)
    probable = probabilities(teacher, drawn.image, after, here)
    maps = [opacity_maps(localiser, drawn.image, after, here, step) for step in (2, 2, 1)]
    assert network.asked == 2
    assert probable[0] == teacher(drawn.image, drawn.anatomy)
    whole = localiser(after, drawn.anatomy)
    assert torch.equal(maps[2][1], whole)
    torch.testing.assert_close(maps[0][1], whole[::2, ::2], rtol=0, atol=1e-6)
