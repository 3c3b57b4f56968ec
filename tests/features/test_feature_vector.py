"""A feature vector read by name."""

import math
import pickle
from dataclasses import FrozenInstanceError

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_cars.features import FeatureVector, UnknownFindingError, VocabularyError, load_vocabulary, to_labels

CARPA, CHEXPERT, NIH = (load_vocabulary(name) for name in ("carpa-19", "chexpert-14", "nih-14"))


def test_every_usual_name_of_a_finding_reads_it():
    vector = FeatureVector({"Pleural Effusion": 1, "Cardiomegaly": 0}, "chexpert-14")
    assert vector["Pleural Effusion"] == vector["effusion"] == vector["pleural effusion"] == 1
    assert vector["enlarged heart"] == vector["cardiomegaly"] == 0
    assert math.isnan(vector["Edema"])


def test_it_is_a_mapping_over_the_vocabulary():
    vector = FeatureVector([0] * 13 + [1], NIH)
    assert tuple(vector) == NIH.findings
    assert len(vector) == 14
    assert dict(vector)["Hernia"] == 1
    assert "Mass" in vector
    assert "gout" not in vector
    assert vector.get("gout") is None


def test_an_unknown_finding_is_named_with_the_remedy():
    with pytest.raises(UnknownFindingError, match=r"^NIH-14 does not say what 'gout' is called in it: add `edits"):
        FeatureVector([0] * 14, NIH)["gout"]
    with pytest.raises(KeyError):
        FeatureVector([0] * 14, NIH)["gout"]


def test_wrong_values():
    with pytest.raises(VocabularyError, match=r"NIH-14 has shape \(14,\)"):
        FeatureVector([0], NIH)
    with pytest.raises(VocabularyError, match="'Mass' must be in"):
        FeatureVector({"Mass": -1}, NIH)
    with pytest.raises(VocabularyError, match="NIH-14 has no finding 'No Finding'"):
        FeatureVector(FeatureVector({"Pleural Effusion": 1}, CHEXPERT), NIH)


def test_it_cannot_be_changed_and_hands_out_copies():
    vector = FeatureVector({"Mass": 1}, NIH)
    vector.tensor.zero_()
    assert vector["Mass"] == 1
    with pytest.raises(FrozenInstanceError):
        vector.vocabulary = CARPA


def test_unknown_equals_unknown():
    assert FeatureVector({"Mass": 1}, NIH) == FeatureVector({"mass": 1}, NIH)
    assert FeatureVector({"Mass": 1}, NIH) != FeatureVector({"Mass": 1, "Nodule": 0}, NIH)
    assert FeatureVector([0] * 14, NIH) != FeatureVector([0] * 14, CHEXPERT)
    assert len({FeatureVector({"Mass": 1}, NIH), FeatureVector({"Mass": 1}, NIH)}) == 1


def test_it_says_what_is_known():
    vector = FeatureVector({"Mass": 1, "Nodule": 0.3}, NIH)
    assert repr(vector) == "FeatureVector({'Mass': 1, 'Nodule': 0.3}, 'NIH-14', 12 unknown)"
    assert vector.present() == ("Mass",)
    assert vector.present(0.2) == ("Mass", "Nodule")
    assert vector.known() == {"Mass": 1, "Nodule": pytest.approx(0.3)}


def test_labels_follow_by_rule_where_there_are_rules():
    labels = FeatureVector([float(name == "pleural air") for name in CARPA.findings], CARPA).labels()
    assert [name for name, value in labels.items() if value] == ["pneumothorax"]
    assert FeatureVector({"Mass": 1}, NIH).labels()["Mass"] == 1


@pytest.mark.parametrize("vocabulary", [CARPA, CHEXPERT, NIH], ids=lambda vocabulary: vocabulary.name)
def test_an_empty_vector_has_no_label(vocabulary):
    with pytest.raises(VocabularyError, match=f"An empty vector of {vocabulary.name} has no label"):
        FeatureVector({}, vocabulary).labels()


@given(st.lists(st.sampled_from([0.0, 1.0, 0.25, math.nan]), min_size=19, max_size=19))
def test_it_holds_what_it_was_given(values):
    vector = FeatureVector(values, CARPA)
    assert torch.equal(vector.tensor.nan_to_num(-1), torch.tensor(values).nan_to_num(-1))
    assert FeatureVector(vector, CARPA) == FeatureVector(vector.tensor, "carpa-19") == vector
    assert pickle.loads(pickle.dumps(vector)) == vector
    if vector.known() and any(value != 0 for value in values):
        labels = torch.tensor(list(vector.labels().values()))
        assert torch.equal(labels.nan_to_num(-1), to_labels(values, CARPA).nan_to_num(-1))
