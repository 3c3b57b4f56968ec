"""Every phrase of every concept fires, and is what the vocabularies take it for."""

import pytest

from monai_cars.features import BUILT_IN, load_vocabulary, mentions
from monai_cars.features.reports.lexicon import anatomy, concepts, context, findings, shared_lexicon
from monai_cars.features.reports.patterns import PhraseMatcher, longest, variants
from monai_cars.features.reports.sentences import sentences
from monai_cars.features.reports.states import states

PHRASES = [(concept, phrase) for concept, entry in findings().items() for phrase in entry["phrases"]]
OTHERS = [(concept, phrase) for concept, entry in findings().items() for phrase in entry.get("not", ())]
STATUS = {"means": "present", "implied_by": "implied", "suggested_by": "suggested"}


def said(phrase):
    """Sentences that assert a phrase, one for each of its variants."""
    return ["Again seen: " + " ".join(word for word in words if word != "_") + "." for words in variants(phrase)]


def named(text):
    return {hit.payload for sentence in sentences(text) for hit in shared_lexicon().find(sentence.words).findings}


@pytest.mark.parametrize(("concept", "phrase"), PHRASES)
def test_a_phrase_names_its_concept(concept, phrase):
    assert [text for text in said(phrase) if concept not in named(text)] == []


@pytest.mark.parametrize(("concept", "phrase"), OTHERS)
def test_a_phrase_of_another_sense_does_not(concept, phrase):
    assert [text for text in said(phrase) if concept in named(text)] == []


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_phrase_of_a_finding_fires(name):
    vocabulary = load_vocabulary(name)
    missed = [
        text
        for finding, relations in vocabulary.report.items()
        for relation, status in STATUS.items()
        for concept in relations.get(relation, ())
        for phrase in findings().get(concept, {}).get("phrases", ())
        for text in said(phrase)
        if (finding, status) not in {(one.finding, one.status) for one in mentions(text, vocabulary)}
    ]
    assert missed == []


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_finding_is_read_from_known_concepts(name):
    vocabulary = load_vocabulary(name)
    assert set(vocabulary.report) == set(vocabulary.findings) - {vocabulary.no_finding}
    assert {
        concept for entry in vocabulary.report.values() for names in entry.values() for concept in names
    } <= concepts()


@pytest.mark.parametrize("structure", anatomy()["structures"])
def test_every_state_of_a_structure_is_understood(structure):
    entry = anatomy()["structures"][structure]
    missed = []
    for words in (words for name in entry["names"] for words in variants(name)):
        for state, says in entry["states"].items():
            for word in anatomy()["states"][state]["words"][:4]:
                text = f"The {' '.join(words)} is {' '.join(next(iter(variants(word))))}."
                [sentence] = sentences(text)
                found = shared_lexicon().find(sentence.words)
                got = {(one.concept, one.status) for one in states(sentence.words, found)}
                got |= {(hit.payload, "present") for hit in found.findings}
                missed += [] if {(name, status) for status, names in says.items() for name in names} <= got else [text]
    assert missed == []


def test_every_trigger_can_be_read():
    for kind, phrases in context().items():
        assert [phrase for phrase in phrases if not isinstance(phrase, str)] == [], kind
        for phrase in phrases:
            assert list(variants(phrase))


def test_a_state_is_told_by_words_of_its_own():
    words = [word for entry in anatomy()["states"].values() for word in entry["words"]]
    assert sorted({word for word in words if words.count(word) > 1}) == []


@pytest.mark.parametrize("phrase", ["", "_", "_ a", "a _", "a||b", "|", 3, None])
def test_a_phrase_that_cannot_be_read_is_refused(phrase):
    with pytest.raises(ValueError, match="a phrase"):
        list(variants(phrase))


def test_the_longest_phrase_wins_and_gaps_end_with_the_clause():
    matcher = PhraseMatcher()
    for phrase in ("effusion", "pericardial effusion", "fluid _ fissure"):
        matcher.add(phrase, phrase)
    words = ["pericardial", "effusion", "fluid", "in", "the", "fissure"]
    assert [hit.payload for hit in longest(matcher.hits(words))] == ["pericardial effusion", "fluid _ fissure"]
    assert matcher.hits(["fluid", "and", "a", "fissure"]) == []
