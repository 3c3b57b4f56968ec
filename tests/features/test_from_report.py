"""Report text -> feature vector: what radiologists dictate, and what must not change the answer."""

import math
import re

import pytest
import report_cases
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.features import BUILT_IN, Vocabulary, VocabularyError, from_report, load_vocabulary, mentions, to_labels
from monai_cars.features.reports.report import LIKELY_VALUE

SENTENCES = list(report_cases.sentence_cases())
REPORTS = list(report_cases.report_cases())
HELD_OUT = [tuple(item) for group in report_cases.read("held_out") for item in group["items"]]
# What the first reading of the held-out sentences got right, before anything was mended for them.
HELD_OUT_RIGHT = 56


@pytest.mark.parametrize(("group", "text", "says", "vocabulary"), SENTENCES)
def test_sentence(group, text, says, vocabulary):
    got = from_report(text, vocabulary)
    assert report_cases.differences(got, report_cases.expected(says, vocabulary)) == {}


@pytest.mark.parametrize(("text", "says"), [(case[1], case[2]) for case in REPORTS], ids=[case[0] for case in REPORTS])
def test_report(text, says):
    assert report_cases.differences(from_report(text), report_cases.expected(says)) == {}


def test_held_out_sentences():
    right = [not report_cases.differences(from_report(text), report_cases.expected(says)) for text, says in HELD_OUT]
    assert len(right) == 60
    assert sum(right) >= HELD_OUT_RIGHT


def test_names_and_values_as_the_docs_say():
    seen = from_report("Small left effusion, possible pneumonia. No pneumothorax.", vocabulary="chexpert14")
    assert (seen["Pleural Effusion"], seen["effusion"], seen["Pneumothorax"]) == (1.0, 1.0, 0.0)
    assert math.isnan(seen["Pneumonia"])
    assert len(seen) == 14
    assert seen.tensor.dtype == torch.float32


def test_doubt_can_be_given_a_value():
    text = "Possible pneumonia. Likely atelectasis."
    assert from_report(text, uncertain=0.5)["Pneumonia"] == 0.5
    assert from_report(text)["Atelectasis"] == 1
    doubted = from_report(text, likely=0.75)
    assert doubted["Atelectasis"] == 0.75
    assert math.isnan(doubted["Lung Opacity"])  # only what is surely present makes its ancestors present
    assert math.isnan(from_report(text, likely=None)["Atelectasis"])
    assert math.isnan(from_report(text, likely=math.nan)["Atelectasis"])
    for name in ("uncertain", "likely", "suggested"):
        with pytest.raises(VocabularyError, match=rf"{name} must be in \[0, 1\], or None for unknown \(got -1\)"):
            from_report(text, **{name: -1})


@pytest.mark.parametrize("read", [from_report, mentions])
def test_errors(read):
    with pytest.raises(TypeError, match=r"a report is a string \(got bytes\); read files and decode"):
        read(b"No effusion.")
    for empty in ("", " \n\t"):
        with pytest.raises(VocabularyError, match="The report is empty; leave films without a report out"):
            read(empty)
    with pytest.raises(VocabularyError, match="No vocabulary 'mine'"):
        read("No effusion.", "mine")


@pytest.mark.parametrize("vocabulary", BUILT_IN)
def test_a_report_that_says_nothing_is_unknown_and_never_normal(vocabulary):
    seen = from_report("INDICATION: Pneumonia, effusion. FINDINGS: See the CT report.", vocabulary)
    assert seen.known() == {}
    with pytest.raises(VocabularyError, match=r"An empty vector of .* has no label"):
        seen.labels()


def test_labels_of_reports():
    carpa = load_vocabulary("carpa-19")
    assert from_report("Normal chest radiograph.", carpa).labels()["no relevant finding"] == 1
    assert from_report("Right lower lobe mass.", carpa).labels()["suspicious malignancy"] == 1
    assert to_labels(from_report("Small right pneumothorax.", carpa).tensor, carpa)[5] == 1


def test_mentions_can_be_read():
    text = "HISTORY: edema.\nIMPRESSION: Small left\neffusion; may represent edema. The heart is not enlarged."
    found = mentions(text)
    assert [(one.finding, one.status) for one in found] == [
        ("Pleural Effusion", "present"),
        ("Edema", "uncertain"),
        ("Cardiomegaly", "absent"),
    ]
    assert [text[one.start : one.end] == one.phrase and one.phrase in one.sentence for one in found] == [True] * 3
    assert found[2].phrase == "heart is not enlarged"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Evaluate for pneumonia.", "ignored"),
        ("Likely pneumonia.", "likely"),
        ("Pneumonitis.", "suggested"),
        ("No pneumonia.", "absent"),
    ],
)
def test_a_mention_says_why(text, status):
    assert [one.status for one in mentions(text) if one.finding == "Pneumonia"] == [status]


def test_present_outweighs_doubt_and_doubt_absence():
    assert from_report("No effusion. Possible effusion. Small effusion.")["Pleural Effusion"] == 1
    assert math.isnan(from_report("No effusion. Possible effusion.")["Pleural Effusion"])
    assert from_report("No edema. Mild vascular congestion.")["Edema"] == 0  # only suggested


def test_likely_is_present_probable_is_doubt_and_congestion_only_suggests():
    text = "Likely consolidation. Probable effusion. Pulmonary vascular congestion."
    seen = from_report(text, uncertain=0.5)
    assert seen["Consolidation"] == LIKELY_VALUE == 1
    assert seen["Pleural Effusion"] == 0.5
    assert math.isnan(seen["Edema"])  # nobody doubts it: it is another finding that hints at it
    assert from_report(text, suggested=0.25)["Edema"] == 0.25
    assert seen.uncertain == {"Pleural Effusion"}


def test_what_is_hedged_is_told_from_what_nobody_mentions():
    seen = from_report("Possible pneumonia. No edema. Small effusion.")
    assert [math.isnan(seen[name]) for name in ("Pneumonia", "Fracture")] == [True, True]
    assert seen.uncertain == {"Pneumonia"}
    assert seen.codes() == {
        "No Finding": "0",
        "Edema": "0",
        "Pneumonia": "-1",
        "Pleural Effusion": "1",
    }
    assert from_report("Possible pneumonia. Pneumonia.").uncertain == set()
    assert from_report("Possible consolidation. Pneumonia.").uncertain == set()  # which implies it
    assert from_report("Possible consolidation. Pneumonia.", hierarchy=False).uncertain == {"Consolidation"}
    assert from_report("Possible pneumonia.", uncertain=1).uncertain == {"Pneumonia"}


def test_without_hierarchy_only_what_is_said_of_a_finding_counts():
    text = "Pneumonia. Mild cardiomegaly. Fluid overload."
    assert set(from_report(text, hierarchy=False).present()) == {"Pneumonia", "Cardiomegaly"}
    assert set(from_report(text).present()) > {"Consolidation", "Lung Opacity", "Edema", "Enlarged Cardiomediastinum"}


def test_what_a_sentence_leaves_on_the_other_side_can_be_read():
    found = mentions("Right effusion has resolved; the left is unchanged. No left pneumothorax, small on the right.")
    assert [(one.finding, one.phrase, one.status) for one in found] == [
        ("Pleural Effusion", "effusion", "absent"),
        ("Pleural Effusion", "the left is unchanged", "present"),
        ("Pneumothorax", "pneumothorax", "present"),
    ]


def test_a_negated_child_denies_no_ancestor_and_a_doubtful_one_asserts_none():
    assert math.isnan(from_report("No atelectasis.")["Lung Opacity"])
    assert math.isnan(from_report("Possible atelectasis.")["Lung Opacity"])
    assert from_report("Atelectasis.")["Lung Opacity"] == 1
    assert from_report("No focal opacity. Atelectasis.")["Lung Opacity"] == 1


ALL = [(text, vocabulary) for _, text, _, vocabulary in SENTENCES + REPORTS]


@pytest.mark.parametrize("change", [str.upper, str.lower, lambda text: text.replace(" ", "   ")])
def test_case_and_spaces_do_not_matter(change):
    # Lines without full stops are told apart by their capitals; nothing else is.
    texts = [pair for pair in ALL if "Stable cardiomegaly\nDobbhoff" not in pair[0]]
    assert [
        text for text, vocabulary in texts if from_report(change(text), vocabulary) != from_report(text, vocabulary)
    ] == []


def test_where_a_line_breaks_does_not_matter():
    texts = [pair for pair in ALL if "\n" not in pair[0]]
    assert len(texts) > 200
    for text, vocabulary in texts:
        assert from_report(text.replace(" ", "\n"), vocabulary) == from_report(text, vocabulary), text


# fmt: off
WORDS = st.sampled_from([
    "no", "without", "pneumothorax", "effusion", "effusions", ",", ".", "and", "or", "but", "possible", "heart", "is",
    "normal", "enlarged", "not", "seen", "lungs", "clear", "may", "represent", "FINDINGS:", "HISTORY:", "IMPRESSION",
    "1.", "?", "___", "XXXX", ":", "-", "\n", "\n\n", "resolved", "previously", "for", "evaluate", "tube", "removed",
])
# fmt: on


@settings(deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=40).map(" ".join)), st.sampled_from(BUILT_IN))
def test_any_text_gives_absent_present_or_unknown(text, vocabulary):
    if not text.strip():
        return
    seen = from_report(text, vocabulary)
    assert all(value in (0, 1) or math.isnan(value) for value in seen.values())
    said = {one.finding for one in mentions(text, vocabulary) if one.status in ("present", "likely")}
    assert all(seen[name] == 1 for name in said)
    none = seen.vocabulary.no_finding
    if none and seen[none] == 1:
        assert not set(seen.present()) - {none, *seen.vocabulary.beside_no_finding}


@settings(deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=30))
def test_places_of_mentions_are_those_of_the_text(words):
    text = " ".join(words)
    if not text.strip():
        return
    for one in mentions(text):
        assert text[one.start : one.end] == one.phrase
        assert one.phrase in one.sentence


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no " * 4999 + "effusion", {"eff": 0}),
        ("portable " * 3000, {}),
        ("effusion, " * 2000, {"eff": 1}),
        ("\n" * 5000 + "x", {}),
        ("history: " * 2000, {}),
    ],
    ids=["no", "portable", "effusion", "lines", "history"],
)
def test_long_and_odd_texts(text, says):
    assert report_cases.differences(from_report(text), report_cases.expected(says)) == {}


def own(tmp_path, more):
    path = tmp_path / "own.yaml"
    path.write_text(f"name: ward\nfindings: [spot, water, Hernia]\n{more}")
    return load_vocabulary(path)


def test_a_users_own_phrases_and_concepts(tmp_path):
    ward = own(
        tmp_path, 'phrases: {spot: ["coin|round spot?", spotty lung]}\nreport: {water: {means: [pleural effusion]}}\n'
    )
    seen = from_report("A round spot, no hydrothorax. Hiatal hernia.", ward)
    assert dict(seen) == {"spot": 1.0, "water": 0.0, "Hernia": 1.0}
    assert from_report("No spotty lungs.", ward)["spot"] == 0


def test_a_finding_without_phrases_is_read_by_its_names(tmp_path):
    ward = own(tmp_path, "edits: {nodule: spot}\n")
    seen = from_report("A nodule in the left lung. No water. No hernia.", ward)
    assert dict(seen) == {"spot": 1.0, "water": 0.0, "Hernia": 0.0}


def test_a_concept_that_does_not_exist_is_refused(tmp_path):
    ward = own(tmp_path, "report: {water: {means: [juice]}}\n")
    with pytest.raises(
        VocabularyError, match=r"ward: `report: water`: there is no concept 'juice'; there are .*adenopathy"
    ):
        from_report("No effusion.", ward)


def test_a_vocabulary_made_in_memory():
    ward = Vocabulary(name="ward", findings=("ring",), phrases={"ring": ("ring shadow",)})
    assert from_report("Ring shadows in both apices.", ward)["ring"] == 1


def test_codes_are_snomed_concepts():
    for name in BUILT_IN:
        for codes in load_vocabulary(name).codes.values():
            assert all(re.fullmatch(r"\d{6,9}", code) for code in codes.values())
