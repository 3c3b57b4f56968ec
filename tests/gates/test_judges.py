"""Which models judge, and that they know other patients than the editor."""

import warnings

import pytest
from closed_form_models import bright_localiser, density_teacher

from monai_cars.editors import AttenuationEditor
from monai_cars.gates import Gate, MasksKept, OutsideUnchanged, TargetLevel, TargetMoved
from monai_cars.gates.judges import editor_data, judges, learned_from, require_independent
from monai_cars.teachers import CallableTeacher, SharedDataError, SharedDataWarning
from monai_cars.weights_records import EDITOR_PATIENTS, TEACHER_PATIENTS


def trained_on(*data: str) -> Gate:
    teacher = CallableTeacher("trained", lambda film, anatomy: [0.5], ("Mass",), frozenset(data), sha256="b" * 64)
    return Gate([OutsideUnchanged(), TargetMoved(teacher)])


def test_every_model_is_told_once_with_its_hash_and_data():
    gate = Gate(
        [*trained_on(TEACHER_PATIENTS, "b").checks, TargetLevel(density_teacher()), MasksKept([bright_localiser()])]
    )
    assert judges(gate) == (
        {"name": "trained", "sha256": "b" * 64, "data": ["b", TEACHER_PATIENTS]},
        {"name": "density", "sha256": "", "data": ["nothing"]},
        {"name": "bright", "sha256": "", "data": ["nothing"]},
    )
    assert judges(Gate([OutsideUnchanged()])) == ()


def test_checks_that_are_no_dataclasses_are_passed_over():
    class Plain:
        name = "plain"

        def __call__(self, before, after, context): ...

    assert judges(Gate([Plain()])) == ()


def test_what_editors_learned_from():
    assert editor_data(AttenuationEditor()) == {EDITOR_PATIENTS}
    assert learned_from("microsoft/radedit@" + 40 * "a" + ", stabilityai/sdxl-vae@" + 40 * "b") >= {"nih-chestxray14"}
    assert learned_from("folder sha256:12") is None
    assert learned_from(None) == learned_from("") == frozenset()


def test_an_editors_own_statement_goes_first():
    class Own:
        name, weights, data = "own", "healthy_lung sha256:1", ("mimic-cxr",)

    assert editor_data(Own()) == {"mimic-cxr"}


@pytest.mark.parametrize("strict", [True, False])
def test_other_patients_pass_in_silence(strict):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        require_independent(trained_on(TEACHER_PATIENTS), frozenset({EDITOR_PATIENTS}), strict=strict)
        require_independent(Gate([TargetMoved(density_teacher())]), frozenset({EDITOR_PATIENTS}), strict=strict)
        require_independent(Gate([]), None, strict=strict)


def test_shared_patients_warn_or_refuse_and_name_both():
    message = (
        "attenuation and the gate's model 'trained' were both trained on nih-chestxray14:editor-patients; judge with a "
        "teacher that was trained on other patients"
    )
    with pytest.warns(SharedDataWarning, match=message):
        require_independent(
            trained_on(EDITOR_PATIENTS), editor_data(AttenuationEditor()), strict=False, editor="attenuation"
        )
    with pytest.raises(SharedDataError, match=message):
        require_independent(
            trained_on(EDITOR_PATIENTS), editor_data(AttenuationEditor()), strict=True, editor="attenuation"
        )


def test_a_strict_gate_refuses_what_is_not_stated():
    with pytest.raises(SharedDataError, match=r"it is not known what the editor was trained on, .* give the editor an"):
        require_independent(trained_on("a"), None, strict=True)
    with pytest.raises(SharedDataError, match=r"model 'trained' states no training data, .*; state its data="):
        require_independent(trained_on(), frozenset(), strict=True)
    require_independent(trained_on(), None, strict=False)
