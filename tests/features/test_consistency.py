"""Feature vectors and requests that contradict themselves are refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_cars.features import VocabularyError, check_consistent, contradictions, load_vocabulary, vector_of
from monai_cars.features.consistency import check_combination, names_normal

CARPA, CHEXPERT, NIH = (load_vocabulary(name) for name in ("carpa-19", "chexpert-14", "nih-14"))


def test_a_normal_film_with_a_finding():
    vector = vector_of({"unremarkable": 1, "mass": 1}, CARPA, otherwise=0)
    assert contradictions(vector, CARPA) == ("'unremarkable' with 'mass'",)
    with pytest.raises(VocabularyError, match=r"cannot show 'unremarkable' with 'mass' \(CARPA-19\): make one"):
        check_consistent(vector, CARPA)


def test_a_finding_without_what_it_implies():
    vector = vector_of({"Consolidation": 1}, CHEXPERT, otherwise=0)
    assert contradictions(vector, CHEXPERT) == ("'Consolidation' without 'Lung Opacity', which it implies",)
    assert contradictions(vector, CHEXPERT, ancestors=False) == ()
    check_consistent(vector_of({"Consolidation": 1}, CHEXPERT), CHEXPERT)


def test_devices_do_not_contradict_a_film_without_findings():
    check_consistent({"No Finding": 1, "Support Devices": 1}, CHEXPERT)
    assert contradictions({"No Finding": 1, "Fracture": 1}, CHEXPERT) == ("'No Finding' with 'Fracture'",)


@given(st.lists(st.sampled_from([0.0, math.nan, 0.2]), min_size=14, max_size=14))
def test_a_vector_without_a_finding_contradicts_nothing(values):
    assert contradictions(values, CHEXPERT) == contradictions(values, NIH) == ()


@pytest.mark.parametrize("word", ["No Finding", "no_finding", "Unremarkable", "normal"])
def test_requests(word):
    assert names_normal(word)
    with pytest.raises(ValueError, match=f"contradict each other: '{word}' says that there is none, and 'mass' is"):
        check_combination(["mass", word])
    with pytest.raises(ValueError, match=f"'{word}' is no finding to insert; leave the film alone"):
        check_combination([word])
    check_combination(["mass", "mass"])
