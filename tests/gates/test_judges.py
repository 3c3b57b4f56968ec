"""Which models judge, and that they know other patients than the editor."""

import warnings

import pytest
from closed_form_models import bright_localiser, density_teacher

from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.gate import default_gate
from monai_cars.chest_xray.training.teacher_films import EDITOR_PATIENTS, TEACHER_PATIENTS
from monai_cars.findings.severity import SEVERITY
from monai_cars.gates import Gate, IdentityStable, MasksKept, OutsideUnchanged, TargetLevel, TargetMoved
from monai_cars.gates.judges import editor_data, judges, learned_from, recorded_data, require_independent
from monai_cars.teachers import CallableTeacher, SharedDataError, SharedDataWarning


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


def test_one_unknown_part_of_the_weights_makes_a_strict_answer_unknown():
    weights = "healthy_lung sha256:01, me/mine@0123"
    assert learned_from(weights) == {EDITOR_PATIENTS}
    assert learned_from(weights, strict=True) is None
    known = "microsoft/radedit@a, stabilityai/sdxl-vae@b, microsoft/BiomedVLP-BioViL-T@c"
    assert learned_from(known, strict=True) == learned_from(known) >= {"mimic-cxr"}


def test_the_record_tells_what_the_editor_states_of_itself():
    assert recorded_data({"weights": "healthy_lung sha256:1", "editor_data": ["mimic-cxr"]}) == {"mimic-cxr"}
    assert recorded_data({"weights": "healthy_lung sha256:1", "editor_data": None}) == {EDITOR_PATIENTS}
    assert recorded_data({"weights": "healthy_lung sha256:1"}) == {EDITOR_PATIENTS}
    assert recorded_data({"weights": "healthy_lung sha256:1, me/mine@2"}, strict=True) is None


def test_judges_of_one_name_are_all_compared():
    gate = Gate([TargetMoved(trained_on(EDITOR_PATIENTS).checks[1].teacher), TargetLevel(_trained(TEACHER_PATIENTS))])
    assert [judge["data"] for judge in judges(gate)] == [[EDITOR_PATIENTS], [TEACHER_PATIENTS]]
    with pytest.raises(SharedDataError, match="were both trained on nih-chestxray14:editor-patients"):
        require_independent(gate, frozenset({EDITOR_PATIENTS}), strict=True)


def _age(film, anatomy):
    return {"age": 50.0}


def _trained(*data):
    return trained_on(*data).checks[1].teacher


class Asks:
    """A check that is no dataclass and asks a model."""

    name = "asks"

    def __init__(self, model):
        self.model = model

    def __call__(self, before, after, context): ...


@pytest.mark.parametrize(
    "check",
    [IdentityStable(describers=(_age,)), Asks(_age), Asks([_age]), Asks({"age": _age})],
    ids=["describers", "attribute", "list", "mapping"],
)
def test_a_strict_gate_refuses_callables_that_state_no_data(check):
    gate = Gate([check])
    message = rf"'_age', which the check '{check.name}' asks, states no training data, .*; give it an attribute data"
    with pytest.raises(SharedDataError, match=message):
        require_independent(gate, frozenset({EDITOR_PATIENTS}), strict=True)
    require_independent(gate, frozenset({EDITOR_PATIENTS}), strict=False)


def test_a_model_of_a_plain_check_and_a_function_with_data_are_compared():
    def describe(film, anatomy): ...

    describe.data = frozenset({EDITOR_PATIENTS})
    assert judges(Gate([Asks(_trained("b"))])) == ({"name": "trained", "sha256": "b" * 64, "data": ["b"]},)
    with pytest.raises(SharedDataError, match="the gate's model 'describe' were both trained on"):
        require_independent(Gate([Asks(describe)]), frozenset({EDITOR_PATIENTS}), strict=True)


def test_every_shipped_gate_states_its_data():
    for finding in SEVERITY:
        for operation in ("insert", "delete", "sham"):
            require_independent(default_gate(finding, operation, "full"), editor_data(AttenuationEditor()), strict=True)
