"""Feature vectors, what edits do to them, and the labels that follow."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from monai_cars.edits.edit import SEVERITY
from monai_cars.features import (
    BUILT_IN,
    Vocabulary,
    VocabularyError,
    apply_edit,
    as_vector,
    check_consistent,
    label_names,
    load_vocabulary,
    present_findings,
    to_labels,
    vector_of,
)

CARPA, CHEXPERT, NIH = (load_vocabulary(name) for name in ("carpa-19", "chexpert-14", "nih-14"))
VALUES = st.one_of(st.just(math.nan), st.sampled_from([0.0, 1.0]), st.floats(0, 1, width=32))


def same(a, b):
    return torch.equal(a.nan_to_num(-1), b.nan_to_num(-1))


def carpa(*present):
    return vector_of(dict.fromkeys(present, 1), CARPA, otherwise=0)


def labels_of(vector):
    return dict(zip(label_names(CARPA), to_labels(vector, CARPA).tolist(), strict=True))


@pytest.mark.parametrize("values", [[0.0] * 14, np.zeros(14), torch.zeros(14, dtype=torch.int64)])
def test_anything_of_the_right_length_is_a_vector(values):
    assert as_vector(values, NIH).dtype == torch.float32


def test_a_mapping_leaves_what_it_does_not_name_unknown():
    vector = as_vector({"cardiomegaly": 1, "Mass": 0}, NIH)
    assert (vector[NIH.index("Cardiomegaly")], vector[NIH.index("Mass")]) == (1, 0)
    assert vector.isnan().sum() == 12


def test_vector_errors():
    with pytest.raises(VocabularyError, match=r"NIH-14 has shape \(14,\).*got \(13,\)"):
        as_vector([0] * 13, NIH)
    with pytest.raises(VocabularyError, match=r"'Cardiomegaly' must be in \[0, 1\] or NaN \(got -1\)"):
        as_vector([0, -1] + [0] * 12, NIH)
    with pytest.raises(VocabularyError, match="NIH-14 has no finding 'gout'"):
        vector_of({"gout": 1}, NIH)
    with pytest.raises(VocabularyError, match="NIH-14: 'Effusion' and 'fluid' mean 'Effusion'; give one"):
        vector_of({"Effusion": 1, "fluid": 0}, NIH)
    with pytest.raises(VocabularyError, match="operation must be one of insert, delete, sham"):
        apply_edit([0] * 14, NIH, "mass", "remove")


def test_insertion_sets_ancestors_clears_no_finding_and_unsettles_what_it_may_hide():
    after = apply_edit(vector_of({"No Finding": 1}, CHEXPERT, otherwise=0), CHEXPERT, "consolidation", "insert")
    assert present_findings(after, CHEXPERT) == ("Lung Opacity", "Consolidation")
    assert after[CHEXPERT.index("No Finding")] == 0
    assert after[CHEXPERT.index("Pneumonia")].isnan()
    assert after[CHEXPERT.index("Fracture")] == 0


def test_a_hidden_positive_becomes_unknown():
    after = apply_edit(vector_of({"Nodule": 1}, NIH, otherwise=0), NIH, "effusion", "insert")
    assert after[NIH.index("Nodule")].isnan()


def test_deleting_one_instance_or_a_sham_changes_nothing():
    before = vector_of({"Mass": 1}, NIH)
    assert same(apply_edit(before, NIH, "mass", "delete"), before)
    assert same(apply_edit(before, NIH, "mass", "sham"), before)


def test_deleting_every_instance_never_makes_a_film_normal():
    before = vector_of({"Lung Lesion": 1, "Lung Opacity": 1}, CHEXPERT, otherwise=0)
    after = apply_edit(before, CHEXPERT, "nodule", "delete", instance_only=False)
    assert after[CHEXPERT.index("Lung Lesion")] == 0
    assert after[CHEXPERT.index("Lung Opacity")].isnan()
    assert after[CHEXPERT.index("No Finding")].isnan()


def test_an_ancestor_stays_while_another_finding_implies_it():
    before = vector_of({"Consolidation": 1, "Edema": 1, "Lung Opacity": 1, "Pneumonia": 1}, CHEXPERT, otherwise=0)
    after = apply_edit(before, CHEXPERT, "consolidation", "delete", instance_only=False)
    assert after[CHEXPERT.index("Lung Opacity")] == 1
    assert after[CHEXPERT.index("Pneumonia")].isnan()


@given(st.data(), st.sampled_from(BUILT_IN), st.sampled_from(list(SEVERITY)))
def test_an_edit_leaves_a_valid_vector_and_the_given_one_alone(data, name, finding):
    vocabulary = load_vocabulary(name)
    assume(vocabulary.names(finding))
    before = torch.tensor(data.draw(st.lists(VALUES, min_size=len(vocabulary), max_size=len(vocabulary))))
    kept = before.clone()
    inserted = apply_edit(before, vocabulary, finding, "insert")
    assert same(before, kept)
    assert inserted[vocabulary.index(vocabulary.term(finding))] == 1
    assert same(apply_edit(inserted, vocabulary, finding, "insert"), inserted)  # a second one adds nothing
    deleted = apply_edit(before, vocabulary, finding, "delete", instance_only=False)
    assert deleted[vocabulary.index(vocabulary.term(finding))] == 0
    assert same(as_vector(deleted, vocabulary), deleted)


@pytest.mark.parametrize(
    ("present", "label"),
    [
        (["unremarkable"], "no relevant finding"),
        (["irregular hilum"], "suspicious malignancy"),
        (["infection", "opacities"], "pneumonia"),
        (["opacities"], "other finding"),
        (["costophrenic angle"], "effusion"),
        (["enlarged heart"], "cardiomegaly"),
        (["pleural air"], "pneumothorax"),
        (["irregular diaphragm", "lung collapse"], "pneumothorax"),
        (["lung collapse"], "other finding"),
        (["unremarkable", "mass"], "suspicious malignancy"),
        (["unremarkable", "opacities"], "other finding"),
    ],
)
def test_carpa_rules(present, label):
    assert labels_of(carpa(*present)) == {name: float(name == label) for name in label_names(CARPA)}


def test_labels_with_unknown_and_soft_findings():
    unknown = labels_of(vector_of({"mass": 1, "consolidation": math.nan}, CARPA, otherwise=0))
    assert unknown["suspicious malignancy"] == 1
    assert math.isnan(unknown["pneumonia"])
    assert unknown["other finding"] == 0
    assert math.isnan(labels_of(vector_of({"opacities": math.nan}, CARPA, otherwise=0))["other finding"])
    soft = labels_of(vector_of({"mass": 0.7, "lung collapse": 0.25}, CARPA, otherwise=0))
    assert soft["suspicious malignancy"] == pytest.approx(0.7)
    assert soft["other finding"] == 0


@pytest.mark.parametrize("vector", [torch.zeros(19), torch.full((19,), math.nan)])
def test_an_empty_vector_is_an_error(vector):
    with pytest.raises(VocabularyError, match=r"empty vector of CARPA-19 has no label.*set 'unremarkable' to 1"):
        to_labels(vector, CARPA)


def test_a_vocabulary_without_rules_has_no_labels():
    with pytest.raises(VocabularyError, match="NIH-14 has no label rules"):
        to_labels(torch.zeros(14), NIH)
    own = Vocabulary(name="ward", findings=("spot",), labels={"bad": "spot"})
    with pytest.raises(VocabularyError, match=r"empty vector of ward has no label.*give such films no label"):
        to_labels([0], own)


@given(st.lists(VALUES, min_size=19, max_size=19))
def test_a_film_with_a_finding_is_never_normal(values):
    vector = torch.tensor(values)
    if not (vector.nan_to_num(1) != 0).any() or vector.isnan().all():
        return
    labels = to_labels(vector, CARPA)
    assert ((labels.isnan()) | ((labels >= 0) & (labels <= 1))).all()
    if (vector[1:] == 1).any():
        assert labels[0] == 0
        assert labels[1:].isnan().any() or (labels[1:] == 1).any()


def test_what_is_drawn_with_a_finding_is_present_too():
    after = apply_edit(vector_of({"unremarkable": 1}, CARPA, otherwise=0), CARPA, "lung collapse", "insert")
    assert set(present_findings(after, CARPA)) == {"lung collapse", "pleural air", "absent lung markings"}
    meniscus = apply_edit(vector_of({"unremarkable": 1}, CARPA, otherwise=0), CARPA, "meniscus sign", "insert")
    assert set(present_findings(meniscus, CARPA)) == {"meniscus sign", "effusion", "fluid", "costophrenic angle"}


def test_deleting_what_brought_others_leaves_those_unknown():
    after = apply_edit(
        carpa("pleural air", "absent lung markings"), CARPA, "pneumothorax", "delete", instance_only=False
    )
    assert after[CARPA.index("pleural air")] == 0
    assert after[CARPA.index("absent lung markings")].isnan()


def test_devices_stand_beside_no_finding():
    normal = vector_of({"No Finding": 1}, CHEXPERT, otherwise=0)
    with_tube = apply_edit(normal, CHEXPERT, "support devices", "insert")
    assert present_findings(with_tube, CHEXPERT) == ("No Finding", "Support Devices")
    without = apply_edit(with_tube, CHEXPERT, "support devices", "delete", instance_only=False)
    assert present_findings(without, CHEXPERT) == ("No Finding",)


def test_what_lies_elsewhere_is_not_hidden():
    before = vector_of({"Nodule": 1, "Mass": 1}, NIH, otherwise=0)
    after = apply_edit(before, NIH, "effusion", "insert", kept=["nodule"])
    assert after[NIH.index("Nodule")] == 1
    assert after[NIH.index("Mass")].isnan()


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("finding", SEVERITY)
def test_an_insertion_never_contradicts_itself(name, finding):
    vocabulary = load_vocabulary(name)
    if not vocabulary.names(finding):
        return
    start = {vocabulary.no_finding: 1} if vocabulary.no_finding else {}
    after = apply_edit(vector_of(start, vocabulary, otherwise=0), vocabulary, finding, "insert")
    check_consistent(after, vocabulary)
    if vocabulary.labels:
        assert to_labels(after, vocabulary)[0] == 0
