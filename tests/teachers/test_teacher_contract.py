"""Any callable becomes a teacher, and answers what it promised or is refused."""

import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.teachers import CallableTeacher, Embedder, Localiser, SegmenterLocaliser, Teacher, TeacherError

FILM, ANATOMY = torch.zeros(1, 4, 4), torch.zeros(3, 4, 4)
NAMES = ("a", "b")


def teacher(answer, **options) -> CallableTeacher:
    return CallableTeacher("t", lambda film, anatomy: answer, NAMES, **options)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1))
def test_a_mapping_numbers_and_a_tensor_say_the_same(a, b):
    answers = [{"b": b, "a": a, "more": 7.0}, [a, b], torch.tensor([[a, b]], dtype=torch.float64)]
    for answer in answers:
        assert teacher(answer)(FILM, ANATOMY) == pytest.approx({"a": a, "b": b}, abs=1e-6)


def test_rounding_beyond_the_ends_is_cut():
    assert teacher([1 + 5e-5, -5e-5])(FILM, ANATOMY) == {"a": 1.0, "b": 0.0}


def test_protocols_know_their_own():
    one = teacher([0, 0])
    assert isinstance(one, Teacher)
    assert isinstance(SegmenterLocaliser("s", lambda film: film[0]), Localiser)
    assert not isinstance(SegmenterLocaliser("s", lambda film: film[0]), Teacher)
    assert isinstance(one, Embedder)  # protocols look at names only: a teacher has all that an embedder has


def constant(film, anatomy):
    return [0.25, 0.75]


def test_a_teacher_travels_to_workers():
    travelled = pickle.loads(pickle.dumps(CallableTeacher("t", constant, NAMES, frozenset({"nih"}), {"a": 0.8})))
    assert travelled(FILM, ANATOMY) == {"a": 0.25, "b": 0.75}
    assert (travelled.data, travelled.auroc) == ({"nih"}, {"a": 0.8})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([0.1], "the teacher 't' must answer one number for each of its 2 outputs, got 1"),
        ({"a": 0.1}, "the teacher 't' did not answer b; leave it out of outputs"),
        ([0.1, 2.5], r"'b' of the teacher 't' must be a probability in \[0, 1\], got 2.5; apply a sigmoid or softmax"),
        ([float("nan"), 0.1], r"'a' of the teacher 't' must be a probability in \[0, 1\], got nan"),
    ],
)
def test_answers_that_were_not_promised_are_refused(answer, message):
    with pytest.raises(TeacherError, match=message):
        teacher(answer)(FILM, ANATOMY)


@pytest.mark.parametrize("outputs", [(), ("a", "a")])
def test_outputs_have_different_names(outputs):
    with pytest.raises(TeacherError, match="outputs of the teacher 't' must be different names, got"):
        CallableTeacher("t", constant, outputs)


def test_an_auroc_is_of_an_output():
    with pytest.raises(TeacherError, match="auroc of the teacher 't' names z, its outputs are a, b; name outputs only"):
        teacher([0, 0], auroc={"z": 0.9})
