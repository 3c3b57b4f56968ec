"""Structures and colours come from what a run wrote; earlier runs had one organ."""

import pytest

from monai_cars.reporting.legend import PALETTE, grouped, read_structures


def test_a_run_of_before_outlines_what_it_did():
    names, colours = read_structures({"seed": 1})
    assert names == ("right_lung", "left_lung", "heart")
    assert colours == {"right_lung": (76, 201, 220), "left_lung": (76, 201, 220), "heart": (255, 159, 67)}
    told = {"structures": list(names), "colours": {name: list(colour) for name, colour in colours.items()}}
    assert read_structures(told) == (names, colours)


def test_names_without_colours_are_told_apart():
    names, colours = read_structures({"structures": [f"part {number}" for number in range(len(PALETTE))]})
    assert len(set(colours.values())) == len(names) == len(PALETTE)


def test_an_organ_without_structures_has_no_legend():
    assert grouped(*read_structures({"structures": []})) == []


def test_structures_have_an_order_which_a_mapping_in_json_has_not():
    with pytest.raises(ValueError, match=r"structures of run\.json must be a list of names in the masks' order \(got"):
        read_structures({"structures": {"heart": [1, 2, 3]}})


@pytest.mark.parametrize("colour", [[1, 2], [0, 0, 256], [0, -1, 0], [0.5, 0, 0]])
def test_what_is_no_colour_is_refused(colour):
    with pytest.raises(ValueError, match=r"colour of 'wall' must be three whole numbers from 0 to 255 \(got \["):
        read_structures({"structures": ["wall"], "colours": {"wall": colour}})
