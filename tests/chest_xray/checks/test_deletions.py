"""Deletions on films whose healthy side is known: what is removed passes, what is half done or overdone fails."""

import pytest
import torch
from phantom_film import context, disc

from monai_cars.chest_xray.checks.no_hole import NoHole
from monai_cars.chest_xray.checks.opacity_removed import OpacityRemoved
from monai_cars.chest_xray.gate import default_gate
from monai_cars.chest_xray.lung_levels import places
from monai_cars.edits.edit import Edit

SHAPE = (160, 200)
EDIT = Edit("insert", "consolidation")
CENTRE, RADIUS = (60.0, 50.0), 14


def _lesion(centre=CENTRE, radius=RADIUS) -> torch.Tensor:
    return disc(SHAPE, centre, radius)


def _seen(lungs, lesion=None, support=None):
    lesion = _lesion() if lesion is None else lesion
    support = disc(SHAPE, CENTRE, RADIUS + 4) if support is None else support
    return context(EDIT, support, lesion=lesion, anatomy=lungs)


class TestOpacityRemoved:
    @pytest.mark.parametrize(
        ("left", "verdict"),
        [(0.0, "pass"), (0.3, "pass"), (0.6, "fail"), (1.0, "fail"), (-0.3, "pass"), (-1.0, "fail")],
    )
    def test_half_removed_and_overdone_fail(self, film, lungs, left, verdict):
        opaque, after = film + 40.0 * _lesion(), film + 40.0 * left * _lesion()
        result = OpacityRemoved()(opaque, after, _seen(lungs))
        assert result.verdict == verdict
        assert result.value == pytest.approx(abs(left), abs=0.12)

    def test_a_reason_tells_which_of_both(self, film, lungs):
        opaque = film + 40.0 * _lesion()
        rest = OpacityRemoved()(opaque, opaque - 8.0 * _lesion(), _seen(lungs))
        hole = OpacityRemoved()(opaque, opaque - 80.0 * _lesion(), _seen(lungs))
        assert "of its contrast is left" in rest.reason
        assert "more than it was taken away" in hole.reason

    def test_a_place_that_is_denser_in_both_lungs_need_not_become_as_clear_as_its_ring(self, film, lungs):
        # Beside the chest wall everybody is denser.
        both = disc(SHAPE, CENTRE, RADIUS) | disc(SHAPE, (60.0, 150.0), RADIUS)
        natural = film + 15.0 * both
        opaque = natural + 40.0 * _lesion()
        assert OpacityRemoved()(opaque, natural, _seen(lungs)).value < 0.1
        # Where the other lung is clear the same rest counts.
        one_sided = film + 15.0 * _lesion()
        assert OpacityRemoved()(one_sided + 40.0 * _lesion(), one_sided, _seen(lungs)).value > 0.2

    def test_an_opacity_on_both_sides_excuses_at_most_half(self, film, lungs):
        both = disc(SHAPE, CENTRE, RADIUS) | disc(SHAPE, (60.0, 150.0), RADIUS)
        opaque = film + 40.0 * both
        assert OpacityRemoved()(opaque, opaque - 4.0 * _lesion(), _seen(lungs)).verdict == "fail"

    def test_a_tail_that_was_edited_is_no_healthy_ring(self, film, lungs):
        tail = disc(SHAPE, CENTRE, RADIUS + 9) & ~_lesion()
        opaque = film + 40.0 * _lesion() + 30.0 * tail
        support = disc(SHAPE, CENTRE, RADIUS + 10)
        half = opaque - 22.0 * _lesion()
        assert OpacityRemoved()(opaque, half, _seen(lungs, support=support)).verdict == "pass"
        assert OpacityRemoved()(opaque, opaque - 10.0 * _lesion(), _seen(lungs, support=support)).verdict == "fail"


class TestNoHole:
    def test_lung_as_dark_as_lung_passes(self, film, lungs):
        opaque = film + 40.0 * _lesion()
        assert NoHole()(opaque, film, _seen(lungs)).value == 0

    @pytest.mark.parametrize("radius", [6, 10, 14])
    def test_a_dark_hole_fails_however_small_a_part_it_is(self, film, lungs, radius):
        opaque = film + 40.0 * _lesion()
        hole = film - 40.0 * _lesion(radius=radius)
        result = NoHole()(opaque, hole, _seen(lungs))
        assert (result.verdict, result.reason) == ("fail", "the deletion leaves a dark hole")

    def test_a_bulla_that_was_there_is_not_the_edits(self, film, lungs):
        bulla = film - 40.0 * _lesion()
        assert NoHole()(bulla, bulla, _seen(lungs)).value == 0

    def test_without_unedited_lung_it_is_unavailable(self, film, lungs):
        everywhere = torch.ones(SHAPE, dtype=torch.bool)
        result = NoHole()(film, film, _seen(lungs, lesion=everywhere, support=everywhere))
        assert (result.verdict, result.reason) == (
            "unavailable",
            "too little lung was left unedited to compare with",
        )

    def test_deletions_of_opacities_are_held_to_it(self):
        assert "no_hole" in default_gate("consolidation", "delete").names
        assert "no_hole" not in default_gate("consolidation", "insert").names


class TestPlaces:
    def test_the_opposite_place_lies_as_the_lesion_does(self, lungs):
        at = places(_seen(lungs))
        rows, columns = at.opposite
        # 10 to 70 rows below the apex on both sides; the fields mirror each other about column 99.5.
        assert rows.mean() == pytest.approx(CENTRE[0], abs=1.5)
        assert columns.mean() == pytest.approx(199 - CENTRE[1], abs=2.0)

    def test_the_ring_leaves_out_the_lesion_the_support_and_the_heart(self, lungs):
        at = places(_seen(lungs))
        support = disc(SHAPE, CENTRE, RADIUS + 4).numpy()
        assert not (at.ring & support).any()
        assert not (at.ring & (lungs[2].numpy() > 0)).any()

    def test_one_lung_has_no_opposite(self, lungs):
        lungs[1] = 0
        assert len(places(_seen(lungs)).opposite[0]) == 0
