"""Filled-in forms are told by their shape, and what is none is left to the grammar of sentences."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_cars.features import mentions
from monai_cars.features.reports.answers import may_answer, pieces
from monai_cars.features.reports.context import answered
from monai_cars.features.reports.forms import items
from monai_cars.features.reports.grids import rows
from monai_cars.features.reports.lexicon import shared_lexicon
from monai_cars.features.reports.lines import parted
from monai_cars.features.reports.sentences import sentences


def told(text):
    return [(text[slice(*item.label)], item.says) for item in items(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Edema: Yes", [("Edema", "present")]),
        ("Edema: likely\nMass: equivocal", [("Edema", "likely"), ("Mass", "uncertain")]),
        ("Edema: n/a; Mass: Yes/No; Fracture: no", [("Edema", "ignored"), ("Mass", "ignored"), ("Fracture", "absent")]),
        ("Edema: [ ] Yes [ ] No", [("Edema", "ignored")]),
        ("Edema: [x] Yes [x] No", [("Edema", "ignored")]),
        ("Edema: ( ) Yes (x) No", [("Edema", "absent")]),
        ("Edema (yes/no): No", [("Edema", "absent")]),
        ("Edema, consolidation, mass: none", [("Edema, consolidation, mass", "absent")]),
        ("Small effusion, mass: none", [("mass", "absent")]),
        ("Edema: Yes, mild", [("Edema", "present")]),
        ("Present:\n- Edema\n- Mass\n\nNodule", [("Edema", "present"), ("Mass", "present")]),
        ("Absent: Edema; Mass. Nodule", [("Edema", "absent"), ("Mass", "absent")]),
        ("+edema, -mass", [("edema", "present"), ("mass", "absent")]),
        ("+ edema\n- mass", [("edema", "present"), ("mass", "absent")]),
        ("Edema-No\nMass/Yes", [("Edema", "absent"), ("Mass", "present")]),
        ("Edema\nY\nMass\nN", [("Edema", "present"), ("Mass", "absent")]),
        # No forms:
        ("Edema: No change on the right", []),
        ("Edema: none on the right, small on the left", []),
        ("No edema is present.", []),
        ("- edema\n- mass", []),
        ("-edema\n-mass", []),
        ("Edema is not\nseen", []),
        ("There is\nno\nedema", []),
        ("Absent: focal\nconsolidation", []),
        ("Edema + mass", []),
        ("The lungs are clear.", []),
    ],
)
def test_items(text, found):
    assert told(text) == found


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("Edema: Yes", "T:A"),
        ("1. Edema\t(no)", "TtA"),
        ("[x] Edema, ( ) Mass", "mT,mT"),
        ('"Edema": "-ve"', "T:A"),
        ("Edema. 0; Mass = 0", "T.T;T:A"),
        ("x-ray\n\nno finding: y", "TNT:A"),
        ("Edema -> +", "T:s"),
        ("no absent lung markings", "AAT"),
    ],
)
def test_shapes(text, shape):
    assert "".join(piece.letter for piece in pieces(text, 0, len(text))) == shape


@pytest.mark.parametrize(
    "text", ["Edema: Yes", "[ ] Edema", "edema no", "Mass\tPresent", "(+) mass", "mass:-ve", "Mass, 1"]
)
def test_a_form_is_never_passed_over(text):
    assert may_answer(text, 0, len(text)) or not items(text)


def test_prose_is_passed_over_at_little_cost():
    text = "The heart is enlarged. No effusion is seen. There is a small nodule."
    assert not may_answer(text, 0, len(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Finding\tYes\tNo\nEdema\tX\t\nMass\t\tx", ["present", "absent"]),
        ("| | Present | Absent | Unclear |\n|---|---|---|---|\n| Edema | | | x |", ["uncertain"]),
        ("Yes\tNo\tFinding\n[x]\t\tEdema", ["present"]),
        ("Finding\tYes\tNo\nEdema\t\t\nMass\tx\tx", []),
        ("Edema | Yes | Mass | No", []),
        ("Finding\tYes\tNo\nEdema\tx\tx\tx", []),
    ],
)
def test_grids(text, found):
    assert [row.says for row in rows(text, 0, len(text))] == found


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("no pneumothorax\neffusion is small", 2),
        ("heart is enlarged\nno effusion\nno edema", 3),
        ("edema is seen\neffusion", 2),
        ("no pneumothorax\neffusion or edema", 1),
        ("no pneumothorax,\neffusion", 1),
        ("effusion\nno larger than before", 1),
        ("clear\nlungs", 1),
        ("the left\npleural effusion", 1),
        ("free of\nedema", 1),
    ],
)
def test_lines_without_full_stops(text, parts):
    [sentence] = sentences(text)
    assert len(parted(sentence, shared_lexicon().find(sentence.words))) == parts


@pytest.mark.parametrize(
    ("status", "answer", "means"),
    [
        ("present", "", "present"),
        ("likely", "present", "likely"),
        ("present", "absent", "absent"),
        ("uncertain", "absent", "absent"),
        ("ignored", "absent", "absent"),  # "Rule out pneumothorax: No"
        ("ignored", "present", "uncertain"),
        ("absent", "present", "absent"),  # "No pneumothorax: Yes"
        ("absent", "likely", "uncertain"),
        ("present", "ignored", "ignored"),
    ],
)
def test_what_an_answer_makes_of_its_label(status, answer, means):
    assert answered(status, answer) == means


def test_a_mention_of_a_form_shows_label_and_answer():
    [one] = mentions("Heart size normal. Pleural effusion: Not seen.")[1:]
    assert (one.phrase, one.sentence, one.status) == ("Pleural effusion", "Pleural effusion: Not seen", "absent")


MARKS = st.sampled_from(
    [*"TyYnN+-:;,.=?|\t\n[]()x ", "Yes", "No", "edema", "mass", "[x]", "[ ]", "(-)", "Present", " - ", "- "]
)


@given(st.lists(MARKS, max_size=30).map("".join))
def test_items_stand_in_the_text_in_order(text):
    found = items(text)
    assert all(item.start <= item.label[0] < item.label[1] <= item.end <= len(text) for item in found)
    assert all(first.end <= second.start for first, second in pairwise(found))
