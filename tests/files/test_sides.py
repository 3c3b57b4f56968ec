import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_cars.edits.axes import ORDERS, orient
from monai_cars.files.sides import (
    EXIF_OF,
    LETTERS_OF,
    OF_EXIF,
    OF_LETTERS,
    SILENT,
    Sides,
    affine_of_film,
    of_affine,
    of_cosines,
    of_directions,
    principal,
)

STANDARD = np.array([[0, 1], [2, 3]])  # upper right, upper left, lower right, lower left of the patient
OPPOSITE = {"L": "R", "R": "L", "H": "F", "F": "H"}


def lying(order):
    """Which way columns and rows grow, read off a film that lies in an order."""
    import torch

    laid = orient(torch.from_numpy(STANDARD), ORDERS.index(order))
    places = {int(value): (row, column) for (row, column), value in np.ndenumerate(laid.numpy())}
    steps = {
        "L": np.subtract(places[1], places[0]),
        "F": np.subtract(places[2], places[0]),
    }
    found = {}
    for letter, (down, across) in steps.items():
        found["across" if across else "down"] = letter if down + across > 0 else OPPOSITE[letter]
    return found["across"], found["down"]


def test_letters_and_orders_mean_the_same():
    assert set(OF_LETTERS.values()) == set(ORDERS)
    for order in ORDERS:
        assert LETTERS_OF[order] == lying(order)
        assert of_directions(*lying(order)) == Sides(order, "stated")


def test_exif_counts_as_its_standard_draws_it():
    """Where the stored first row and first column belong in the picture as it is to be seen."""
    first = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }
    grows = {"top": "F", "bottom": "H", "left": "L", "right": "R"}  # away from its edge, in a film's usual view
    for number, (row, column) in first.items():
        assert LETTERS_OF[OF_EXIF[number]] == (grows[column], grows[row])
        assert EXIF_OF[OF_EXIF[number]] == number


@pytest.mark.parametrize(
    ("letters", "order"),
    [(("LF", "FR"), "HW"), (("r", " f "), "HW-flip"), (("LA", "FP"), "HW"), (("HL", "RF"), "WH-turn")],
)
def test_the_first_letter_of_a_compound_direction_counts(letters, order):
    assert of_directions(*letters) == Sides(order, "stated")


@pytest.mark.parametrize(
    "letters", [("L", "L"), ("L", "R"), ("A", "F"), ("L", "P"), ("LEFT", "FOOT"), ("", ""), ("LR", "F"), ("L", "FH")]
)
def test_directions_that_are_none_of_a_frontal_film_say_nothing(letters):
    assert of_directions(*letters) == SILENT


@given(st.text(max_size=6))
def test_a_direction_is_one_of_six_letters_or_none(text):
    assert principal(text) in {None, *"LRAPHF"}


def test_cosines_say_what_letters_say():
    towards = {"L": (1, 0, 0), "R": (-1, 0, 0), "H": (0, 0, 1), "F": (0, 0, -1)}
    for order in ORDERS:
        cosines = [part for letter in lying(order) for part in towards[letter]]
        assert of_cosines(cosines) == Sides(order, "stated")
        assert of_cosines([0.97 * part + 0.1 for part in cosines]).axes == order
    for axial_or_none in ([1, 0, 0, 0, 1, 0], [0] * 6, [float("nan")] * 6):
        assert of_cosines(axial_or_none) == SILENT


def test_an_affine_comes_back_and_defaults_say_nothing():
    for order in ORDERS:
        affine = affine_of_film(order, 0.2, 0.1)
        assert np.linalg.norm(affine[:3, :2], axis=0) == pytest.approx([0.1, 0.2])
        assert abs(np.linalg.det(affine)) == pytest.approx(0.02)
        assert of_affine(affine) == (SILENT if order == "HW" else Sides(order, "stated"))
    for default in (np.eye(4), np.diag([0.2, 0.2, 1, 1]), np.diag([-1.0, -1, 1, 1]), np.zeros((4, 4))):
        assert of_affine(default) == SILENT


@pytest.mark.parametrize("order", [order for order in ORDERS if order not in ("HW", "HW-turn")])
def test_what_a_plane_of_pictures_says_has_to_be_seen(order):
    coronal = affine_of_film(order, 1.0, 1.0)
    assert of_affine(coronal[[0, 2, 1, 3]]) == Sides(order, "doubtful")  # the feet where the back is
