"""Vocabularies: what ships is complete, and a user's own file fails with a message that helps."""

import pytest

from monai_cars.edits.edit import SEVERITY
from monai_cars.features import BUILT_IN, Vocabulary, VocabularyError, load_vocabulary


@pytest.mark.parametrize(("name", "size"), [("carpa-19", 19), ("chexpert-14", 14), ("nih-14", 14)])
def test_sizes(name, size):
    assert len(load_vocabulary(name)) == size
    assert load_vocabulary(name.upper()) == load_vocabulary(name)
    assert load_vocabulary(name.replace("-", "")) is load_vocabulary(name)


# What a vocabulary has no word for; an edit of it cannot keep such a vector in step and is refused.
UNNAMED = {
    "carpa-19": {"edema", "atelectasis", "enlarged cardiomediastinum", "fracture", "support devices"},
    "chexpert-14": {"irregular diaphragm"},
    "nih-14": {
        "irregular hilum",
        "adenopathy",
        "irregular diaphragm",
        "enlarged cardiomediastinum",
        "fracture",
        "support devices",
    },
}


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("finding", SEVERITY)
def test_an_editable_finding_has_a_name_or_is_known_to_have_none(name, finding):
    vocabulary = load_vocabulary(name)
    assert vocabulary.names(finding) == (finding not in UNNAMED[name])
    if vocabulary.names(finding):
        assert vocabulary.term(finding) in vocabulary.findings


def test_own_names_are_taken_as_they_are():
    assert load_vocabulary("nih-14").term("Hernia") == "Hernia"


def test_ancestors_are_followed_upwards_and_downwards():
    chexpert = load_vocabulary("chexpert-14")
    assert chexpert.implied("Pneumonia") == ("Consolidation", "Lung Opacity")
    assert set(chexpert.implying("Lung Opacity")) == {
        "Lung Lesion",
        "Edema",
        "Consolidation",
        "Pneumonia",
        "Atelectasis",
    }


def test_a_users_own_file(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("name: ward\nfindings: [spot, clear]\nno_finding: clear\nedits: {nodule: spot}\n")
    own = load_vocabulary(path)
    assert (own.term("nodule"), own.no_finding, own.index("clear")) == ("spot", "clear", 1)
    assert load_vocabulary(own) is own


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b", r"own.yaml: a vocabulary is a mapping .*got list"),
        ("findings: [a]", r"`name` is missing"),
        ("name: x", r"`findings` is missing"),
        ("name: x\nfindings: a", r"`findings` must be a list of names \(got 'a'\)"),
        ("name: x\nfindings: [a, a]", r"the finding 'a' is listed twice"),
        ("name: x\nfindings: [a, 3]", r"findings are non-empty strings.*got 3"),
        ("name: x\nfindings: [a]\nfinding: b", r"unknown entry 'finding'"),
        ("name: x\nfindings: [a]\nno_finding: b", r"`no_finding` names 'b', which is not among the findings a"),
        ("name: x\nfindings: [a]\nedits: {nodule: b}", r"`edits` names 'b'"),
        ("name: x\nfindings: [a]\nedits: [nodule]", r"`edits` must map a name to its entry"),
        ("name: x\nfindings: [a]\nbeside_no_finding: [b]", r"`beside_no_finding` names 'b'"),
        ("name: x\nfindings: [a]\nbeside_no_finding: a", r"`beside_no_finding: findings` must be a list"),
        ("name: x\nfindings: [a]\nbrings: {a: [b]}", r"`brings` names 'b'"),
        ("name: x\nfindings: [a]\nunsettles: {a: [b]}", r"`unsettles` names 'b'"),
        ("name: x\nfindings: [a, b]\nancestors: {a: b}", r"`ancestors: a` must be a list of findings \(got 'b'\)"),
        ("name: x\nfindings: [a, b]\nancestors: {a: [b], b: [a]}", r"`ancestors` go in a circle through 'a'"),
        ("name: x\nfindings: [a]\nlabels: {l: {some: [a]}}", r"`labels: l`: a rule is a finding"),
        ("name: x\nfindings: [a]\nlabels: {l: {any: [b]}}", r"`labels: l` names 'b'"),
        ("name: x\nfindings: [a]\nphrases: {b: [b]}", r"`phrases` names 'b'"),
        ("name: x\nfindings: [a]\nphrases: {a: spot}", r"`phrases: a` must be a list of phrases \(got 'spot'\)"),
        ("name: x\nfindings: [a]\nphrases: {a: [_ spot]}", r"`phrases: a`: a phrase begins and ends with a word"),
        ("name: x\nfindings: [a]\nphrases: {a: [3]}", r"`phrases: a`: a phrase is words such as .*\(got 3\)"),
        ("name: x\nfindings: [a]\nreport: {a: {is: [b]}}", r"`report: a` maps means, implied_by, suggested_by"),
        ("name: x\nfindings: [a]\ncodes: {a: {RadLex: 3}}", r"`codes: a` maps a scheme to a code, both in quotes"),
        ("name: [x", r"own.yaml: not YAML"),
    ],
)
def test_errors_of_a_users_own_file(tmp_path, text, message):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(VocabularyError, match=message):
        load_vocabulary(path)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(VocabularyError, match=r"No vocabulary 'nih15': it is neither built in \(carpa-19, chexpert-14"):
        load_vocabulary("nih15")


def test_a_finding_without_a_name_says_what_to_add():
    with pytest.raises(VocabularyError, match=r"ward does not say what 'nodule' is called in it: add `edits: \{nodule"):
        Vocabulary(name="ward", findings=("spot",)).term("nodule")
    with pytest.raises(VocabularyError, match="ward has no finding 'x'; it has spot"):
        Vocabulary(name="ward", findings=("spot",)).index("x")
