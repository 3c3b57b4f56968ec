"""Structures and colours come from what a run wrote; earlier runs had one organ."""

import pytest

from monai_cars.reporting.legend import EARLIER, PALETTE, grouped, read_structures


def test_a_run_of_before_outlines_what_it_did():
    names, colours = read_structures({"seed": 1})
    assert names == ("right_lung", "left_lung", "heart")
    assert colours == {"right_lung": (76, 201, 220), "left_lung": (76, 201, 220), "heart": (255, 159, 67)}
    assert read_structures({"structures": list(EARLIER)}) == (names, colours)


def test_names_without_colours_are_told_apart():
    names, colours = read_structures({"structures": [f"part {number}" for number in range(len(PALETTE))]})
    assert len(set(colours.values())) == len(names) == len(PALETTE)


def test_an_organ_without_structures_has_no_legend():
    assert grouped(*read_structures({"structures": []})) == []


@pytest.mark.parametrize("colour", [[1, 2], [0, 0, 256], [0, -1, 0], [0.5, 0, 0]])
def test_what_is_no_colour_is_refused(colour):
    with pytest.raises(ValueError, match=r"colour of 'wall' must be three whole numbers from 0 to 255 \(got \["):
        read_structures({"structures": [{"name": "wall", "colour": colour}]})
