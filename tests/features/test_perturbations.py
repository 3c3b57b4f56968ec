"""CARPA's perturbations: distinct, different from the source, consistent, reproducible, and of the kind they claim."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monai_cars.features import (
    BUILT_IN,
    KINDS,
    FeatureVector,
    TooFewPerturbationsError,
    Vocabulary,
    VocabularyError,
    apply_edit,
    check_consistent,
    co_occurring,
    load_vocabulary,
    perturb,
    perturbations,
    vector_of,
)
from monai_cars.features.perturbations import possible

CARPA, CHEXPERT, NIH = (load_vocabulary(name) for name in ("carpa-19", "chexpert-14", "nih-14"))


def film(*present, vocabulary=CARPA, unknown=()):
    values = {**dict.fromkeys(present, 1.0), **dict.fromkeys(unknown, math.nan)}
    return FeatureVector(vector_of(values, vocabulary, otherwise=0), vocabulary)


NORMAL = film("unremarkable")


@st.composite
def films(draw, vocabulary=CARPA):
    """A film that could be: some findings inserted into a normal one, some values unknown."""
    vector = vector_of({vocabulary.no_finding: 1} if vocabulary.no_finding else {}, vocabulary, otherwise=0)
    others = [name for name in vocabulary.findings if name != vocabulary.no_finding]
    for name in draw(st.lists(st.sampled_from(others), max_size=4)):
        vector = apply_edit(vector, vocabulary, name, "insert")
    if draw(st.booleans()):
        vector = vector.nan_to_num(0)
    return FeatureVector(vector, vocabulary)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(BUILT_IN).flatmap(lambda name: films(load_vocabulary(name))), st.sampled_from(KINDS), st.data())
def test_what_holds_for_every_perturbation(vector, kind, data):
    count = data.draw(st.integers(1, 4))
    seed = data.draw(st.integers(0, 2**40))
    try:
        found = perturbations(vector, kind, count, seed)
    except TooFewPerturbationsError:
        assert len(possible(vector, kind)) < count
        return
    assert len(set(found)) == count
    assert vector not in found
    assert perturbations(vector, kind, count, seed) == found
    for changed in found:
        check_consistent(changed, vector.vocabulary)
        changed.labels()  # none is empty
        # What nobody knew is still unknown, unless it follows from what is now present or absent.
        vocabulary = vector.vocabulary
        settled = set(changed.known()) - set(vector.known()) - {vocabulary.no_finding}
        follows = {other for name in changed.present() for other in vocabulary.implied(name)}
        gone = [name for name, value in changed.known().items() if value < 0.5]
        assert settled <= follows | {other for name in gone for other in vocabulary.implying(name)}


@settings(max_examples=20, deadline=None)
@given(films(), st.integers(0, 1000))
def test_each_kind_does_what_it_says(vector, seed):
    before = set(vector.present()) - {"unremarkable"}
    found = {kind: possible(vector, kind) for kind in KINDS if kind != "random"}
    for kind, vectors in found.items():
        for changed in vectors:
            after = set(changed.present()) - {"unremarkable"}
            if kind == "insertion":
                assert before < after
            elif kind == "deletion":
                assert after < before
            elif kind == "inter-class":
                assert changed.labels() != vector.labels()
            else:
                one, two = (list(v.labels().values()) for v in (changed, vector))
                assert np.array_equal(one, two, equal_nan=True)
    assume(any(found.values()))  # each is a random one too; to list all of those takes a second
    assert perturb(vector, "random", np.random.RandomState(seed)) != vector


def test_insertions_into_a_normal_film():
    found = possible(NORMAL, "insertion")
    assert len(found) == 18
    assert not any(changed["unremarkable"] for changed in found)
    (effusion,) = [changed for changed in found if changed["effusion"]]
    assert effusion.present() == ("effusion", "fluid")


def test_deleting_the_last_finding_leaves_a_film_that_says_it_is_normal():
    (changed,) = possible(film("nodule"), "deletion")
    assert changed == NORMAL
    (unsure,) = possible(film("nodule", unknown=["mass"]), "deletion")
    assert math.isnan(unsure["unremarkable"])


def test_deleting_what_a_finding_implies_deletes_the_finding():
    found = possible(film("consolidation", "opacities"), "deletion")
    assert {changed.present() for changed in found} == {("opacities",), ("unremarkable",)}


def test_a_vocabulary_without_rules_has_no_classes_to_stay_in():
    mass = film("Mass", vocabulary=NIH)
    with pytest.raises(TooFewPerturbationsError, match=r"'NIH-14'\) has 0 distinct perturbations of the kind 'intra"):
        perturbations(mass, "intra-class")
    assert perturbations(mass, "inter-class")[0]["Mass"] == 0
    assert perturbations(mass, "deletion")[0].present() == ()


def test_devices_stay_beside_a_film_without_findings():
    vector = film("Fracture", "Support Devices", vocabulary=CHEXPERT)
    found = {changed.present() for changed in possible(vector, "deletion")}
    assert found == {("No Finding", "Support Devices"), ("Fracture",)}


def test_what_never_occurs_together_can_be_left_out():
    real = co_occurring([film("nodule", "effusion", "fluid"), film("enlarged heart")])
    found = perturbations(film("nodule"), "insertion", 2, plausible=real)
    assert {changed.present() for changed in found} == {("nodule", "effusion", "fluid"), ("nodule", "fluid")}
    with pytest.raises(TooFewPerturbationsError, match=r"has 2 distinct perturbations .* fewer than the 3 asked for"):
        perturbations(film("nodule"), "insertion", 3, plausible=real)


def test_random_ones_are_counted_when_they_run_out():
    own = Vocabulary(name="ward", findings=("spot", "line"))
    vector = FeatureVector([1, 0], own)
    assert {changed.present() for changed in perturbations(vector, "random", 3)} == {(), ("line",), ("spot", "line")}
    with pytest.raises(TooFewPerturbationsError, match="has 3 distinct perturbations of the kind 'random', fewer than"):
        perturbations(vector, "random", 4)


def test_errors():
    with pytest.raises(ValueError, match=r"kind must be one of insertion, deletion, .* \(got 'swap'\)"):
        perturbations(NORMAL, "swap")
    with pytest.raises(ValueError, match=r"count must be at least 1 \(got 0\)"):
        perturbations(NORMAL, "random", 0)
    with pytest.raises(TooFewPerturbationsError, match="has 0 distinct perturbations of the kind 'deletion'"):
        perturbations(NORMAL, "deletion")
    with pytest.raises(VocabularyError, match="cannot show 'unremarkable' with 'mass'"):
        perturbations(film("unremarkable", "mass"), "insertion")
    with pytest.raises(VocabularyError, match="empty vector of CARPA-19 has no label"):
        perturbations(FeatureVector({}, CARPA), "random")
    with pytest.raises(VocabularyError, match="empty vector of CARPA-19 has no label"):
        perturbations(film(), "insertion")
