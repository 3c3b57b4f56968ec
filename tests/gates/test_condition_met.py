"""A localiser's mass and peak at the intended place: shares of discs in closed form."""

import numpy as np
import pytest
import torch
from closed_form_models import bright_localiser
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import context, disc

from monai_cars.edits.edit import Edit, Region
from monai_cars.gates import ConditionMet, Gate, LevelInside, PeakInside
from monai_cars.gates.intended import lesion_boxes
from monai_cars.teachers import SegmenterLocaliser, TeacherError

SHAPE = (160, 200)
HERE, THERE = (60.0, 50.0), (60.0, 150.0)
INSERT = Edit("insert", "consolidation")
DELETE = Edit("delete", "consolidation", region=Region(box=(0.0, 0.0, 5.0, 5.0)))
NOTHING = torch.zeros(1, *SHAPE)
LESION = disc(SHAPE, HERE, 12)


def seen(edit: Edit = INSERT, lesion: torch.Tensor = LESION):
    return context(edit, lesion)


def opacity(centre, height: float = 80.0, radius: float = 12.0) -> torch.Tensor:
    return height * disc(SHAPE, centre, radius).float()[None]


def met(**options) -> ConditionMet:
    return ConditionMet(bright_localiser(), **options)


class TestConditionMet:
    @pytest.mark.parametrize("of", ["change", "after"])
    def test_all_that_came_lies_at_the_lesion(self, of):
        result = met(of=of)(NOTHING, opacity(HERE), seen())
        assert result.value == pytest.approx(1.0, rel=1e-6)
        assert (result.verdict, result.name) == ("pass", "condition_met")

    @pytest.mark.parametrize("of", ["change", "after"])
    def test_the_wrong_place_has_no_share(self, of):
        result = met(of=of)(NOTHING, opacity(THERE), seen())
        assert (result.value, result.code) == (0.0, "condition_met_failed")
        assert "0% of what" in result.reason

    def test_an_opacity_elsewhere_that_was_there_costs_the_change_nothing(self):
        before = opacity(THERE)
        after = before + opacity(HERE)
        assert met()(before, after, seen()).value == pytest.approx(1.0, rel=1e-6)
        assert met(of="after")(before, after, seen()).value == pytest.approx(0.5, rel=1e-6)

    def test_an_opacity_that_was_there_already_brings_nothing(self):
        before = opacity(HERE)
        assert met()(before, before, seen()).value == 0.0
        assert met(of="after")(before, before, seen()).value == pytest.approx(1.0, rel=1e-6)

    @settings(max_examples=15, deadline=None)
    @given(st.floats(1, 100), st.floats(1, 100))
    def test_the_share_is_of_the_mass_that_came(self, here, there):
        result = met()(NOTHING, opacity(HERE, here) + opacity(THERE, there), seen())
        least = met().least * 100  # below it, mass is held against what a faint answer would give
        assert result.value == pytest.approx(here / max(here + there, least), rel=1e-4)

    def test_a_faint_answer_is_not_a_whole_one(self):
        """Noise that lies within the support has a share too: of a tenth of what counts, it is a tenth."""
        assert met()(NOTHING, opacity(HERE, height=1.0), seen()).value == pytest.approx(0.1, rel=1e-4)

    @pytest.mark.parametrize(("left", "verdict"), [(0.0, "pass"), (39.9, "pass"), (40.1, "fail"), (80.0, "fail")])
    def test_a_deletion_makes_the_mass_fall(self, left, verdict):
        result = met()(opacity(HERE), opacity(HERE, left), seen(DELETE))
        assert result.value == pytest.approx(1 - left / 80, abs=1e-5)
        assert result.verdict == verdict
        if verdict == "fail":
            assert result.reason == f"bright still sees {left / 80:.0%} of what was there"

    def test_what_was_never_seen_cannot_be_seen_going(self):
        result = met()(opacity(THERE), NOTHING, seen(DELETE))
        assert (result.verdict, result.code) == ("unavailable", "not_seen_before")
        assert result.reason == "bright saw nothing there before the edit"

    def test_the_margin_forgives_a_coarse_grid(self):
        beside = opacity((60.0, 50.0 + 12 + 6), radius=5)
        assert met(margin_mm=0.0)(NOTHING, beside, seen()).value == 0.0
        assert met(margin_mm=12.0)(NOTHING, beside + opacity(HERE), seen()).value == pytest.approx(1.0, rel=1e-6)

    def test_a_large_film_is_looked_at_on_a_grid(self):
        big = [torch.kron(film, torch.ones(1, 4, 4)) for film in (NOTHING, opacity(HERE) + opacity(THERE))]
        lesion = torch.kron(LESION, torch.ones(4, 4)).bool()
        result = met()(*big, context(INSERT, lesion))
        assert result.value == pytest.approx(0.5, abs=0.02)


class TestPeakInside:
    def test_the_highest_new_place_is_the_lesion(self):
        check = PeakInside(bright_localiser())
        high, low = opacity(HERE, 60), opacity(THERE, 30)
        assert check(NOTHING, high + low, seen()).value == 1.0
        wrong = check(NOTHING, opacity(HERE, 30) + opacity(THERE, 60), seen())
        assert (wrong.value, wrong.verdict) == (pytest.approx(0.5), "fail")
        assert wrong.reason == "bright sees most outside the lesion, or hardly anything"

    def test_an_older_peak_counts_only_after_alone(self):
        before = opacity(THERE, 80)
        after = before + opacity(HERE, 40)
        assert PeakInside(bright_localiser())(before, after, seen()).value == 1.0
        assert PeakInside(bright_localiser(), of="after")(before, after, seen()).value == pytest.approx(0.5)

    def test_a_deletion_is_judged_by_what_went(self):
        for of in ("change", "after"):
            check = PeakInside(bright_localiser(), of=of)
            assert check(opacity(HERE), NOTHING, seen(DELETE)).value == 1.0
            assert check(opacity(THERE), NOTHING, seen(DELETE)).value == 0.0

    def test_a_peak_that_is_hardly_one(self):
        assert PeakInside(bright_localiser())(NOTHING, opacity(HERE, 5), seen()).value == pytest.approx(0.5)


@pytest.mark.parametrize(("edit", "value"), [(INSERT, 0.7), (DELETE, 0.3)])
def test_the_level_is_of_what_was_asked_for(edit, value):
    result = LevelInside(bright_localiser())(opacity(HERE), opacity(HERE, 70) + opacity(THERE, 90), seen(edit))
    assert result.value == pytest.approx(value)
    assert result.verdict == ("pass" if value >= 0.5 else "fail")


def test_the_three_ask_the_localiser_once_about_each_film():
    asked: list = []
    localiser = SegmenterLocaliser("counting", lambda film: asked.append(film) or film[0] / 100)
    gate = Gate([ConditionMet(localiser), PeakInside(localiser), LevelInside(localiser)])
    assert gate(NOTHING, opacity(HERE), seen()).accepted
    assert len(asked) == 2


@pytest.mark.parametrize("check", [ConditionMet, PeakInside, LevelInside])
class TestWithoutAnAnswer:
    def test_a_sham_asks_for_nothing(self, check):
        result = check(bright_localiser())(NOTHING, NOTHING, seen(Edit("sham", "nodule")))
        assert (result.verdict, result.reason) == ("unavailable", "a sham asks for no finding")
        assert result.code == "nothing_asked"

    def test_no_lesion(self, check):
        result = check(bright_localiser())(NOTHING, NOTHING, seen(lesion=torch.zeros(SHAPE, dtype=torch.bool)))
        assert (result.verdict, result.reason) == ("unavailable", "no lesion was drawn")
        assert result.code == f"{result.name}_unavailable"

    def test_a_map_of_another_grid_is_refused(self, check):
        class Small:
            name, data = "small", frozenset()

            def __call__(self, film, anatomy):
                return torch.zeros(8, 8)

        with pytest.raises(
            TeacherError, match=r"the map of 'small' must have the film's shape \(160, 200\), got \(8, 8\)"
        ):
            check(Small())(NOTHING, NOTHING, seen())


@pytest.mark.parametrize("check", [ConditionMet, PeakInside])
def test_of_is_the_change_or_the_film_after(check):
    with pytest.raises(ValueError, match="of must be 'change' or 'after', got 'before'"):
        check(bright_localiser(), of="before")


class TestLesionBoxes:
    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 15), st.integers(0, 15), st.integers(1, 8), st.integers(1, 8), st.integers(0, 4))
    def test_a_rectangle_is_its_own_box_and_its_margin(self, y, x, height, width, margin):
        lesion = np.zeros((24, 24), dtype=bool)
        lesion[y : y + height, x : x + width] = True
        expected = np.zeros_like(lesion)
        expected[max(y - margin, 0) : y + height + margin, max(x - margin, 0) : x + width + margin] = True
        assert np.array_equal(lesion_boxes(lesion, margin), expected)

    def test_two_parts_have_two_boxes_and_a_crumb_has_none(self):
        lesion = np.zeros((40, 60), dtype=bool)
        lesion[2:12, 2:12] = lesion[25:35, 40:50] = True
        boxes = lesion_boxes(lesion)
        assert np.array_equal(boxes, lesion)
        lesion[0, 59] = True
        assert np.array_equal(lesion_boxes(lesion), boxes)

    def test_nothing_has_no_box(self):
        assert not lesion_boxes(np.zeros((5, 5), dtype=bool)).any()
