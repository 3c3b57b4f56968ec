"""Heart and lungs measured anew: closed forms on a drawn film, segmenters that say what they are told."""

from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phantom_film import UNIT, context, disc

from monai_cars.chest_xray.anatomy import ContrastUnit, cardiothoracic_ratio
from monai_cars.chest_xray.checks.measurement_agrees import (
    CTR,
    FIELD,
    HEIGHT,
    Expected,
    MeasurementAgrees,
    heart,
    in_closed_form,
)
from monai_cars.chest_xray.measurement.readings import Lungs, sizes
from monai_cars.edits.edit import Edit, Quantity, Region

SHAPE = (160, 200)
CHECK = MeasurementAgrees()
LOOSE = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _seen(lungs, lesion, finding="consolidation", operation="insert", **changes):
    region = Region(point=(50.0, 50.0)) if operation == "delete" else None
    edit = Edit(operation, finding, severity=None, region=region)
    unit = changes.pop("unit", UNIT)
    return replace(context(edit, lesion, anatomy=lungs, unit=unit), **changes)


def _floor(rows: int, side: int = 0) -> torch.Tensor:
    """(H, W) bool the lowest rows of a field."""
    place = torch.zeros(SHAPE, dtype=torch.bool)
    place[150 - rows : 150, slice(20, 80) if side == 0 else slice(150, 180)] = True
    return place


def _wider(lungs: torch.Tensor, columns: int) -> torch.Tensor:
    masks = lungs.clone()
    masks[2, 90:150, 150 : 150 + columns] = 1
    return masks


class TestReadings:
    def test_sizes_are_the_masks(self, lungs):
        assert sizes(lungs).fields == (140 * 60, 140 * 60)
        assert sizes(lungs).cardiothoracic == pytest.approx(90 / 160)

    @LOOSE
    @given(st.integers(5, 70))
    def test_what_fluid_covers_is_no_longer_aerated_and_as_high(self, film, lungs, rows):
        seen = Lungs(lungs, ContrastUnit(100.0, 100.0, 0.0, 0.5))
        was, now = seen.density(film), seen.density(film + 100 * _floor(rows))
        place = seen.on_grid(_floor(rows))
        assert seen.height(place, 0) == pytest.approx(rows / 140)
        lost = seen.aerated(was, 0) - seen.aerated(now, 0)
        assert lost == pytest.approx(seen.share(place, 0), abs=0.03)
        assert seen.aerated(was, 1) == pytest.approx(seen.aerated(now, 1), abs=1e-6)

    def test_a_missing_field_has_no_share_and_no_height(self, lungs):
        lungs[0] = 0
        seen = Lungs(lungs, ContrastUnit(100.0, 100.0, 0.0, 0.5))
        everywhere = seen.on_grid(torch.ones(SHAPE))
        assert (seen.share(everywhere, 0), seen.height(everywhere, 0)) == (0.0, 0.0)


class TestTheHeart:
    @LOOSE
    @given(st.floats(0.45, 0.75), st.floats(0.5, 0.75))
    def test_it_moves_by_half_to_one_and_a_half_of_what_was_asked(self, lungs, now, asked):
        seen = _seen(lungs, _floor(5), "enlarged heart", asked=Quantity(asked, "ratio"))
        moved = (now - 0.45) / (asked - 0.45)
        if asked - 0.45 > CTR:
            assert (heart(0.45, now, seen).excess <= 1 + 1e-9) == (0.5 - 1e-9 <= moved <= 1.5 + 1e-9)

    @pytest.mark.parametrize(("columns", "verdict"), [(22, "pass"), (0, "fail")])
    def test_an_enlarged_heart_is_measured_in_new_masks(self, film, lungs, columns, verdict):
        after = _wider(lungs, columns)
        asked = Quantity(cardiothoracic_ratio(_wider(lungs, 24)), "ratio")
        seen = _seen(lungs, _floor(5), "enlarged heart", asked=asked, segmenter=lambda image: after)
        result = CHECK(film, film, seen)
        assert result.verdict == verdict
        if verdict == "fail":  # dense inside an unchanged outline is no cardiomegaly
            assert result.reason == "cardiothoracic ratio: 0.562, expected 0.637 to 0.788"

    @pytest.mark.parametrize(("finding", "verdict"), [("nodule", "fail"), ("effusion", "pass")])
    def test_under_another_finding_it_stays_unless_fluid_hides_it(self, film, lungs, finding, verdict):
        seen = _seen(lungs, torch.zeros(SHAPE, dtype=torch.bool), finding, segmenter=lambda image: _wider(lungs, 20))
        result = CHECK(film, film, seen)
        assert result.verdict == verdict
        assert verdict == "pass" or result.value == pytest.approx(20 / 160 / CTR)

    def test_a_film_without_a_heart_is_judged_by_its_lungs(self, film, lungs):
        bare = lungs.clone()
        bare[2] = 0
        seen = _seen(bare, torch.zeros(SHAPE, dtype=torch.bool), "nodule", segmenter=lambda image: bare)
        assert CHECK(film, film, seen).verdict == "pass"

    def test_a_heart_that_is_no_longer_found_fails(self, film, lungs):
        bare = lungs.clone()
        bare[2] = 0
        seen = _seen(lungs, torch.zeros(SHAPE, dtype=torch.bool), "nodule", segmenter=lambda image: bare)
        assert CHECK(film, film, seen).verdict == "fail"


class TestTheFields:
    @pytest.mark.parametrize(("rows", "verdict"), [(20, "pass"), (60, "fail")])
    def test_a_whole_field_stays_as_large(self, film, lungs, rows, verdict):
        after = lungs.clone()
        after[0, 10 : 10 + rows] = 0
        seen = _seen(lungs, torch.zeros(SHAPE, dtype=torch.bool), "nodule", segmenter=lambda image: after)
        result = CHECK(film, film, seen)
        assert result.verdict == verdict
        if verdict == "fail":
            assert result.reason == f"log change of the right lung field: -0.560, expected -{FIELD:.3f} to {FIELD:.3f}"

    def test_the_same_segmenter_takes_a_constant_difference_out(self, film, lungs):
        drawn = lungs.clone()
        drawn[0, 10:90] = 0
        seen = _seen(lungs, torch.zeros(SHAPE, dtype=torch.bool), "nodule", segmenter=lambda image: drawn)
        assert CHECK(film, film, seen).verdict == "fail"
        assert MeasurementAgrees(resegment=True)(film, film, seen).verdict == "pass"


class TestInClosedForm:
    @LOOSE
    @given(st.integers(20, 70))
    def test_fluid_that_fills_its_lesion_passes_and_half_of_it_fails(self, film, lungs, rows):
        seen = _seen(lungs, _floor(rows), "effusion")
        assert CHECK(film, film + 100 * _floor(rows), seen).verdict == "pass"
        low = CHECK(film, film + 100 * _floor(rows // 4), seen)
        assert low.verdict == "fail"

    def test_the_height_of_fluid_is_told(self, film, lungs):
        result = CHECK(film, film, _seen(lungs, _floor(70), "effusion"))
        assert result.reason == f"height of right fluid: 0.000, expected {0.5 - HEIGHT:.3f} to {0.5 + HEIGHT:.3f}"

    def test_an_opacity_lies_where_its_lesion_says(self, film, lungs):
        lesion = disc(SHAPE, (60, 50), 20)
        beside = disc(SHAPE, (100, 45), 20)
        seen = _seen(lungs, lesion)
        assert CHECK(film, film + 40 * lesion, seen).verdict == "pass"
        result = CHECK(film, film + 40 * beside, seen)
        assert (result.verdict, result.value > 5) == ("fail", True)
        assert result.reason.startswith("opacified area beside the lesion's, over it")
        assert CHECK(film, film + 5 * lesion, seen).verdict == "fail"  # too faint to be one

    def test_air_takes_no_air_away(self, film, lungs):
        lesion = _floor(50)
        seen = _seen(lungs, lesion, "pleural air")
        assert CHECK(film, film - 10 * lesion, seen).verdict == "pass"
        assert CHECK(film, film + 90 * lesion, seen).verdict == "fail"

    def test_a_deleted_opacity_gives_air_back_and_no_more_than_it_took(self, film, lungs):
        lesion = disc(SHAPE, (60, 50), 20)
        ill = film + 90 * lesion
        seen = _seen(lungs, lesion, "consolidation", "delete")
        assert CHECK(ill, film, seen).verdict == "pass"
        assert CHECK(film, ill, seen).verdict == "fail"
        assert CHECK(film + 90, film, seen).verdict == "fail"

    @pytest.mark.parametrize("finding", ["nodule", "irregular parenchyma", "edema"])
    def test_a_sham_changes_nothing(self, film, lungs, finding):
        lesion = disc(SHAPE, (60, 50), 30)
        seen = _seen(lungs, lesion, finding, "sham")
        assert CHECK(film, film + 2 * lesion, seen).verdict == "pass"
        assert CHECK(film, film + 90 * lesion, seen).verdict == "fail"

    @pytest.mark.parametrize("finding", ["nodule", "consolidation", "effusion", "lung collapse"])
    def test_the_other_lung_stays(self, film, lungs, finding):
        place = disc(SHAPE, (60, 50), 20) if finding != "effusion" else _floor(40)
        beyond = film + 80 * place + 80 * _floor(60, side=1)
        assert CHECK(film, beyond, _seen(lungs, place, finding)).verdict == "fail"
        assert CHECK(film, film + 80 * place, _seen(lungs, place, finding)).verdict == "pass"

    @LOOSE
    @given(st.floats(0.1, 20), st.floats(-500, 500))
    def test_the_scale_of_the_film_does_not_matter(self, film, lungs, factor, offset):
        lesion = disc(SHAPE, (60, 50), 20)
        unit = ContrastUnit(100.0 * factor, 100.0 * factor + offset, offset, 0.5)
        films = [factor * one + offset for one in (film, film + 40 * lesion)]
        one = in_closed_form(film, film + 40 * lesion, _seen(lungs, lesion))
        other = in_closed_form(*films, _seen(lungs, lesion, unit=unit))
        assert [e.found for e in other] == pytest.approx([e.found for e in one], abs=2e-3)


def test_an_interval_is_kept_at_its_ends():
    assert Expected("x", 2.0, 1.0, 2.0).excess == Expected("x", 1.0, 1.0, 2.0).excess == 1.0
    assert Expected("x", 1.5, 1.0, 2.0).excess == 0.0


def test_a_heart_without_a_segmenter_is_unavailable(film, lungs):
    result = CHECK(film, film, _seen(lungs, _floor(5), "enlarged heart"))
    assert result.verdict == "unavailable"
    assert result.reason == "a heart is measured in new masks: give the gate a segmenter"


def test_a_film_without_contrast_is_unavailable(film, lungs):
    seen = _seen(lungs, _floor(5), unit=ContrastUnit(0.0, 0.0, 0.0, 0.0))
    assert CHECK(film, film, seen).reason == "the film has no contrast unit"
