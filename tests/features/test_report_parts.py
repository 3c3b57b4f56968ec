"""Words, sentences and sections of reports."""

import pytest

from monai_cars.features.reports.sections import sections
from monai_cars.features.reports.sentences import sentences
from monai_cars.features.reports.words import normal, tokens


def parts(text):
    return [" ".join(text[part.start : part.end].split()) for part in sections(text)]


def words(text):
    return [" ".join(sentence.words) for sentence in sentences(text)]


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("Effusions", "effusion"),
        ("OPACITIES", "opacity"),
        ("masses", "mass"),
        ("oedema", "edema"),
        ("haemothoraces", "hemothorax"),
        ("pnuemothorax", "pneumothorax"),
        ("consolidatoin", "consolidation"),  # an error that no list has
        ("infusion", "infusion"),
        ("injection", "injection"),
        ("patient's", "patient"),
        ("is", "is"),
        ("atelectasis", "atelectasis"),
        ("apices", "apex"),
    ],
)
def test_one_spelling(word, form):
    assert normal(word) == form


def test_places_of_words_are_those_of_the_text():
    text = "Air-space  disease,\tL > R; atelec-\ntasis"
    found = tokens(text)
    assert [token.word for token in found] == ["airspace", "disease", ",", "l", ">", "r", ";", "atelectasis"]
    assert text[found[0].start : found[0].end] == "Air-space"
    assert text[found[-1].start : found[-1].end] == "atelec-\ntasis"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No effusion. Heart normal.", ["no effusion", "heart normal"]),
        ("No effusion.Heart normal", ["no effusion", "heart normal"]),
        ("1. No effusion 2. Normal heart", ["no effusion 2", "normal heart"]),
        ("1) No effusion 2) Normal heart", ["no effusion", "normal heart"]),
        ("Seen by Dr. Smith at 5:02 a.m. today.", ["seen by dr smith at 5:02 a.m today"]),
        ("A 1.5 cm nodule.", ["a 1.5 cm nodule"]),
        ("A wrapped\nsentence is one.", ["a wrapped sentence is one"]),
        ("No effusion\n\nNormal heart", ["no effusion", "normal heart"]),
        ("No effusion\nNormal heart", ["no effusion", "normal heart"]),
        ("Right upper\nLobe opacity", ["right upper lobe opacity"]),
        ("- No effusion\n- Normal heart\n* Clear", ["- no effusion", "normal heart", "clear"]),
        ("There are no XXXX of effusion since ___.", ["there are no of effusion since"]),
        ("...", []),
        ("12.", []),
    ],
)
def test_sentences(text, expected):
    assert [sentence.removeprefix("- ").removeprefix("* ") for sentence in words(text)] == [
        one.removeprefix("- ") for one in expected
    ]


def test_questions():
    [asked] = sentences("Left effusion?")
    assert asked.asked
    [prefixed] = sentences("?effusion")
    assert (prefixed.words, prefixed.asked) == (["?", "effusion"], False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No effusion.", ["No effusion."]),
        ("HISTORY: cough. FINDINGS: clear.", ["clear."]),
        ("Clinical Information: cough\nComparison: None\nFindings: clear", ["clear"]),
        ("REASON FOR THIS EXAMINATION: r/o effusion\nIMPRESSION: clear", ["clear"]),
        ("INDICATION: cough\n\nCOMPARISON: none\n\nThe lungs are clear.", ["The lungs are clear."]),
        ("INDICATION: cough. The lungs are clear.", ["The lungs are clear."]),
        ("WET READ: effusion\nFINDINGS: clear", ["clear"]),
        ("WET READ: effusion", ["effusion"]),
        ("FINDINGS: clear RECOMMENDATION: follow up to exclude a mass", ["clear"]),
        ("PORTABLE CHEST, 3/4: clear", ["PORTABLE CHEST, 3/4: clear"]),
        ("XR CHEST\nHISTORY\ncough\nFINDINGS\nclear\nIMPRESSION\nnormal", ["XR CHEST", "clear", "normal"]),
        ("HISTORY: cough\nBONY THORAX: clear", ["BONY THORAX: clear"]),
        ("findings: clear\nheart: normal", ["clear", "heart: normal"]),
    ],
)
def test_sections(text, expected):
    assert parts(text) == expected
