"""An edit of one side is refused where nobody knows which side is which; the record says by whom sides are known."""

import pytest
from phantom import phantom
from phantom_film import drawn_header

from monai_cars.edits.edit import Edit
from monai_cars.edits.record import blank_record
from monai_cars.files.identity import uid
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(160, 160))


def made(laterality, **edit):
    header = drawn_header(FILM, laterality=laterality)
    return make_counterfactual(FILM.image, FILM.anatomy, Edit("insert", "nodule", severity=0.7, **edit), header=header)


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_edit_of_one_side_is_refused_where_sides_are_in_doubt(side):
    result = made("doubtful", side=side)
    assert not result.accepted
    assert result.record["attempts"] == 0
    assert result.record["reason"].startswith(f"which side of the film is the patient's {side} is in doubt")
    assert "say how the film lies (axes=, or in its file), or ask for no side" in result.record["reason"]
    assert not result.support.any()


@pytest.mark.parametrize("laterality", ["stated", "recognised", "given", "assumed"])
def test_the_record_says_by_whom_sides_are_known_and_nothing_else_changes(laterality):
    result, stated = made(laterality, side="left"), made("stated", side="left")
    assert result.accepted
    assert result.record == {**stated.record, "laterality": laterality}
    assert (result.image == stated.image).all()
    assert uid(None, "ab", [result.record], "study") == uid(None, "ab", [stated.record], "study")


def test_an_edit_of_no_side_is_made_all_the_same():
    result = made("doubtful")
    assert result.accepted
    assert result.record["laterality"] == "doubtful"


def test_the_identifier_of_a_film_follows_from_what_was_done():
    record = blank_record("insert", "nodule", 1, editor="attenuation")
    without = {key: value for key, value in record.items() if key != "laterality"}
    assert uid(None, "ab", [record], "series") == uid(None, "ab", [without], "series")
    assert uid(None, "ab", [record], "series") != uid(None, "ab", [{**record, "side": "left"}], "series")
