"""Which outputs an edit may move: nothing that a label still rests on, in any vocabulary."""

import pytest
import torch

from monai_cars.edits.edit import SEVERITY
from monai_cars.features import BUILT_IN, apply_edit, load_vocabulary
from monai_cars.findings.severity import ALIASES
from monai_cars.gates.implications import (
    IMPLICATIONS,
    NO_FINDING,
    concept,
    decisive,
    judging_output,
    stable_outputs,
    synonyms,
    target_output,
)
from monai_cars.teachers import CallableTeacher

NAMED = [
    (finding, name)
    for name in BUILT_IN
    for finding in SEVERITY
    if load_vocabulary(name).names(finding)
]  # fmt: skip
KNOWN = {name for row in IMPLICATIONS.values() for name in row.may_move} | {NO_FINDING, "hernia", "pleural thickening"}


def test_every_finding_has_a_row_and_what_judges_it_may_move():
    assert set(IMPLICATIONS) == set(SEVERITY)
    for row in IMPLICATIONS.values():
        assert set(row.asked_as) <= set(row.may_move)
        assert len(set(row.may_move)) == len(row.may_move)
        assert NO_FINDING not in row.may_move


def test_every_name_of_the_vocabularies_is_a_known_concept():
    names = [*SEVERITY, *ALIASES, *(name for v in BUILT_IN for name in load_vocabulary(v).findings)]
    assert {concept(name) for name in names} <= KNOWN
    assert all(concept(meant) == meant for meant in synonyms().values())


@pytest.mark.parametrize(("finding", "vocabulary"), NAMED)
def test_labels_that_rest_on_what_an_insertion_moves_do_not_survive_it(finding, vocabulary):
    """A label that stays known after the insertion is an output that must stay; the others may move."""
    known = load_vocabulary(vocabulary)
    absent = torch.zeros(len(known))
    after = apply_edit(absent, known, finding, "insert")
    changed = {name for name, value in zip(known.findings, after.tolist(), strict=True) if value != 0}
    assert not changed & set(stable_outputs(finding, "insert", known.findings))


@pytest.mark.parametrize(("finding", "vocabulary"), NAMED)
def test_every_vocabulary_has_an_output_that_judges_what_it_names(finding, vocabulary):
    known = load_vocabulary(vocabulary)
    lesion_as_opacity = vocabulary == "chexpert-14" and finding == "irregular parenchyma"
    output = target_output(finding, known.findings)
    assert output == known.term(finding) or finding in ("infection", "pneumonitis") or lesion_as_opacity
    assert concept(output) in IMPLICATIONS[finding].may_move


@pytest.mark.parametrize(
    ("finding", "outputs", "judge"),
    [
        ("consolidation", ("opacity", "effusion"), "opacity"),
        ("consolidation", ("Infiltration", "Lung Opacity"), "Lung Opacity"),
        ("consolidation", ("Infiltration",), "Infiltration"),
        ("opacities", ("Consolidation",), None),
        ("nodule", ("Lung Opacity", "Infiltration", "Mass"), None),
        ("nodule", ("nodule or mass",), "nodule or mass"),
        ("Cardiomegaly", ("Cardiomegaly",), "Cardiomegaly"),
        ("infection", ("pneumonitis", "infection"), "infection"),
        ("fracture", ("COVID-19",), None),
    ],
)
def test_a_broader_output_stands_in_never_a_narrower_one(finding, outputs, judge):
    assert target_output(finding, outputs) == judge


def test_a_sham_may_move_nothing_and_no_finding_never_counts():
    outputs = ("No Finding", "Mass", "COVID-19", "normal", "unremarkable")
    assert stable_outputs("mass", "sham", outputs) == ("Mass", "COVID-19")
    assert stable_outputs("mass", "delete", outputs) == ("COVID-19",)


def test_an_unknown_finding_is_refused():
    with pytest.raises(ValueError, match=r"finding must be one of nodule, mass.* \(got 'gout'\); give an editable"):
        target_output("gout", ("Mass",))


@pytest.mark.parametrize(
    ("stated", "judge"),
    [
        ({"consolidation": 0.69, "opacity": 0.81}, "opacity"),
        ({"consolidation": 0.76, "opacity": 0.81}, "consolidation"),
        ({"consolidation": 0.69, "opacity": 0.7}, "consolidation"),
        ({}, "consolidation"),
    ],
)
def test_the_closest_output_that_is_told_well_judges(stated, judge):
    teacher = CallableTeacher("t", lambda film, anatomy: [0, 0, 0], ("consolidation", "opacity", "edema"), auroc=stated)
    assert judging_output("consolidation", teacher) == judge
    assert decisive(teacher, "consolidation") == (stated.get(judge, 0) >= 0.75)
    assert judging_output("fracture", teacher) is None


@pytest.mark.parametrize(("stated", "verdict"), [({"opacity": 0.75}, True), ({"opacity": 0.749}, False), ({}, False)])
def test_a_classifier_decides_where_it_states_that_it_can_tell(stated, verdict):
    teacher = CallableTeacher("t", lambda film, anatomy: [0.5], ("opacity",), auroc=stated)
    assert decisive(teacher, "consolidation") is verdict
    assert not decisive(teacher, "nodule")
