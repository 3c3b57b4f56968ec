"""Each check passes on a sound edit and fails on a control built to break it."""

import pytest
import torch
from phantom_film import UNIT, context, disc
from scipy import ndimage

from monai_cars.chest_xray.anatomy import ContrastUnit
from monai_cars.chest_xray.checks.anatomy_preserved import AnatomyPreserved
from monai_cars.chest_xray.checks.inside_lung import InsideLung
from monai_cars.chest_xray.checks.opacity_removed import OpacityRemoved
from monai_cars.chest_xray.gate import ANYWHERE, default_gate
from monai_cars.edits.edit import OPERATIONS, SEVERITY, Edit, Quantity
from monai_cars.findings.registry import FINDINGS
from monai_cars.gates import DensityPreserved, NoSeam, OutsideUnchanged, Rewritten, SeverityAgrees, Visible

SHAPE = (160, 200)
INSERT = Edit("insert", "nodule")
RIGHT, LEFT = (60.0, 50.0), (60.0, 150.0)
NOTHING = torch.zeros(SHAPE, dtype=torch.bool)


def _bump(centre, radius=20.0, height=40.0) -> torch.Tensor:
    """(H, W) smooth opacity that falls to zero with zero slope at its radius."""
    y, x = (torch.arange(n, dtype=torch.float32) for n in SHAPE)
    squared = ((y[:, None] - centre[0]) ** 2 + (x[None] - centre[1]) ** 2) / radius**2
    return height * (1 - squared).clamp_min(0) ** 2


def _support(centre=RIGHT, radius=20.0) -> torch.Tensor:
    return _bump(centre, radius) > 0


class TestOutsideUnchanged:
    def test_a_change_within_the_support_passes(self, film):
        result = OutsideUnchanged()(film, film + _bump(RIGHT), context(INSERT, _support()))
        assert (result.value, result.verdict) == (0, "pass")

    @pytest.mark.parametrize("pixel", [(0, 0), (159, 199), (60, 150)])
    def test_one_pixel_by_the_last_bit_fails(self, film, pixel):
        after = film + _bump(RIGHT)
        after[0, *pixel] = torch.nextafter(after[0, *pixel], torch.tensor(torch.inf))
        result = OutsideUnchanged()(film, after, context(INSERT, _support()))
        assert (result.value, result.verdict) == (1, "fail")
        assert result.reason == "1 pixels outside the support changed"


class TestInsideLung:
    @pytest.mark.parametrize(("side", "verdict"), [("right", "pass"), (None, "pass"), ("left", "fail")])
    def test_the_change_lies_on_the_asked_side(self, film, lungs, side, verdict):
        seen = context(Edit("insert", "nodule", side=side), _support(), anatomy=lungs)
        assert InsideLung()(film, film + _bump(RIGHT), seen).verdict == verdict

    def test_density_outside_the_lung_fails(self, film, lungs):
        support = _support((60.0, 100.0))
        result = InsideLung()(film, film + _bump((60.0, 100.0)), context(INSERT, support, anatomy=lungs))
        assert result.verdict == "fail"
        assert "of the change is outside the lung" in result.reason

    def test_half_inside_is_a_half(self, film, lungs):
        centre = (60.0, 79.5)
        result = InsideLung()(film, film + _bump(centre), context(INSERT, _support(centre), anatomy=lungs))
        assert result.value == pytest.approx(0.5, abs=1e-3)
        assert result.reason == "50% of the change is outside the lung"

    def test_two_lungs_do_not_make_one(self, film, lungs):
        support = _support(RIGHT) | _support(LEFT)
        result = InsideLung()(film, film + _bump(RIGHT) + _bump(LEFT), context(INSERT, support, anatomy=lungs))
        assert result.value == pytest.approx(0.5, abs=1e-3)

    @pytest.mark.parametrize(("zone", "row"), [("upper", 34.0), ("middle", 80.0), ("lower", 126.0)])
    def test_the_change_lies_in_the_asked_zone(self, film, lungs, zone, row):
        edits = [Edit("insert", "nodule", zone=z) for z in ("upper", "middle", "lower")]
        bump = _bump((row, 50.0))
        results = {e.zone: InsideLung()(film, film + bump, context(e, bump > 0, anatomy=lungs)) for e in edits}
        assert [z for z, r in results.items() if r.verdict == "pass"] == [zone]
        wrong = next(z for z in results if z != zone)
        assert results[wrong].reason == f"the change lies outside the {wrong} zone"

    def test_removal_counts_as_addition_does(self, film, lungs):
        seen = context(INSERT, _support(), anatomy=lungs)
        values = [InsideLung()(film, film + s * _bump(RIGHT), seen).value for s in (1, -1)]
        assert values[0] == pytest.approx(values[1])

    def test_nothing_changed_is_unavailable(self, film, lungs):
        result = InsideLung()(film, film.clone(), context(INSERT, _support(), anatomy=lungs))
        assert (result.verdict, result.reason) == ("unavailable", "nothing changed")


class TestNoSeam:
    def test_a_feathered_opacity_passes(self, film):
        assert NoSeam()(film, film + _bump(RIGHT), context(INSERT, _support())).verdict == "pass"

    def test_a_hard_paste_fails(self, film):
        support = disc(SHAPE, RIGHT, 20)
        result = NoSeam()(film, film + 40.0 * support, context(INSERT, support))
        assert (result.verdict, result.reason) == ("fail", "the change ends in a visible step")
        assert result.value > 5

    def test_a_patch_of_another_place_fails(self, film):
        support = disc(SHAPE, RIGHT, 12)
        after = torch.where(support, film.roll(50, 2), film)
        assert NoSeam()(film, after, context(INSERT, support)).verdict == "fail"

    def test_ending_at_an_edge_that_the_film_had_is_no_seam(self):
        film = torch.zeros(1, *SHAPE)
        film[0, :, 100:] = 100.0
        fluid = 30.0 * ((torch.arange(200.0) - 20) / 60).clamp(0, 1) ** 2 * (torch.arange(200) < 100)
        support = (fluid > 0).expand(SHAPE)
        after = film + fluid
        assert NoSeam()(film, after, context(INSERT, support)).value < NoSeam().threshold
        # The same fluid that ends in a film without that edge is a seam.
        flat = torch.zeros_like(film)
        assert NoSeam()(flat, flat + fluid, context(INSERT, support)).verdict == "fail"

    def test_a_flat_film_is_held_to_a_hundredth_of_the_unit(self):
        flat, support = torch.zeros(1, *SHAPE), disc(SHAPE, RIGHT, 20)
        result = NoSeam()(flat, flat + 2.0 * support, context(INSERT, support))
        assert result.value == pytest.approx(2.0 / (0.01 * UNIT.value))

    def test_an_empty_support_is_unavailable(self, film):
        assert NoSeam()(film, film, context(INSERT, NOTHING)).reason == "the support is empty"


class TestSeverityAgrees:
    @pytest.mark.parametrize(("measured", "verdict"), [(20, "pass"), (23.9, "pass"), (16.1, "pass"), (25, "fail")])
    def test_relative_to_what_was_asked(self, film, measured, verdict):
        seen = context(INSERT, _support(), asked=Quantity(20, "mm"), measured=Quantity(measured, "mm"))
        result = SeverityAgrees(tolerance=0.2)(film, film, seen)
        assert result.value == pytest.approx(abs(measured - 20) / 20)
        assert result.verdict == verdict

    def test_the_reason_tells_both_amounts(self, film):
        seen = context(INSERT, _support(), asked=Quantity(20, "mm"), measured=Quantity(0.0, "mm"))
        assert SeverityAgrees()(film, film, seen).reason == "asked 20, measured 0 mm"

    def test_a_tiny_amount_is_held_to_a_share_of_the_range(self, film):
        scale = SEVERITY["effusion"]
        asked = Quantity(scale.low, "fraction")
        seen = context(Edit("insert", "effusion"), _support(), asked=asked, measured=Quantity(0.0, "fraction"))
        result = SeverityAgrees(floor=0.5)(film, film, seen)
        assert result.value == pytest.approx(scale.low / (0.5 * (scale.high - scale.low)))

    @pytest.mark.parametrize("known", ["asked", "measured", None])
    def test_one_amount_missing_is_unavailable(self, film, known):
        amounts = {known: Quantity(20, "mm")} if known else {}
        result = SeverityAgrees()(film, film, context(INSERT, _support(), **amounts))
        assert (result.verdict, result.reason) == ("unavailable", "the severity could not be measured on this film")


class TestVisible:
    def test_an_opacity_above_the_grain_is_seen_and_one_below_is_not(self, film):
        seen = context(INSERT, _support(), lesion=disc(SHAPE, RIGHT, 8))
        strong = Visible()(film, film + _bump(RIGHT, height=40), seen)
        weak = Visible()(film, film + _bump(RIGHT, height=1), seen)
        assert (strong.verdict, weak.verdict) == ("pass", "fail")
        assert strong.value / weak.value == pytest.approx(40, rel=1e-3)
        assert weak.reason == "the change drowns in the film's texture"

    def test_nothing_changed_is_not_visible(self, film):
        assert Visible()(film, film.clone(), context(INSERT, _support())).value == 0

    def test_a_busier_film_hides_more(self, film):
        seen = context(INSERT, _support(), lesion=disc(SHAPE, RIGHT, 8))
        quiet, busy = (Visible()(k * film, k * film + _bump(RIGHT), seen).value for k in (1, 4))
        assert quiet == pytest.approx(4 * busy, rel=1e-3)

    def test_a_deletion_is_judged_by_the_film_it_leaves(self, film):
        from monai_cars.edits.edit import Region

        opaque = film + _bump(RIGHT, radius=14, height=90)
        edit = Edit("delete", "nodule", region=Region(point=RIGHT))
        seen = {"lesion": disc(SHAPE, RIGHT, 8)}
        deleted = Visible()(opaque, film, context(edit, _support(), **seen)).value
        inserted = Visible()(film, opaque, context(INSERT, _support(), **seen)).value
        assert deleted == pytest.approx(inserted)

    def test_no_lesion_is_unavailable(self, film):
        seen = context(INSERT, _support(), lesion=NOTHING)
        assert Visible()(film, film, seen).reason == "no lesion was drawn"


class TestOpacityRemoved:
    @pytest.fixture
    def opaque(self, film):
        return film + 40.0 * disc(SHAPE, RIGHT, 12)

    @pytest.mark.parametrize(
        ("taken", "verdict"), [(40.0, "pass"), (32.0, "pass"), (0.0, "fail"), (8.0, "fail"), (80.0, "fail")]
    )
    def test_a_rest_and_a_hole_both_fail(self, opaque, lungs, taken, verdict):
        lesion = disc(SHAPE, RIGHT, 12)
        seen = context(INSERT, disc(SHAPE, RIGHT, 16), lesion=lesion, anatomy=lungs)
        result = OpacityRemoved()(opaque, opaque - taken * lesion, seen)
        assert result.value == pytest.approx(abs(40 - taken) / 40, abs=0.1)
        assert result.verdict == verdict

    def test_the_reason_tells_the_share_left(self, opaque, lungs):
        lesion = disc(SHAPE, RIGHT, 12)
        result = OpacityRemoved()(opaque, opaque, context(INSERT, lesion, anatomy=lungs))
        assert result.reason == "100% of its contrast is left"

    def test_the_heart_is_no_lung_to_compare_with(self, film, lungs):
        centre = (60.0, 50.0)
        lungs[2, 20:100] = 1  # only pixels far above the lesion are free
        lesion = disc(SHAPE, centre, 12)
        result = OpacityRemoved()(film, film, context(INSERT, lesion, anatomy=lungs))
        assert (result.verdict, result.reason) == (
            "unavailable",
            "too little lung around the opacity to compare with",
        )

    def test_an_empty_lesion_is_unavailable(self, film, lungs):
        seen = context(INSERT, _support(), lesion=NOTHING, anatomy=lungs)
        assert OpacityRemoved()(film, film, seen).verdict == "unavailable"


class TestShams:
    SHAM = Edit("sham", "nodule")

    def test_texture_of_another_place_passes(self, film):
        support = disc(SHAPE, RIGHT, 20)
        after = torch.where(support, film.roll(23, 1), film)
        for check in (Rewritten(), DensityPreserved()):
            assert check(film, after, context(self.SHAM, support)).verdict == "pass"

    def test_a_sham_that_copies_fails(self, film):
        result = Rewritten()(film, film.clone(), context(self.SHAM, _support()))
        assert (result.value, result.verdict, result.reason) == (0, "fail", "too much of the support is a copy")

    def test_a_sham_that_copies_half_is_found_by_its_share(self, film):
        support = torch.zeros(SHAPE, dtype=torch.bool)
        support[40:80, 30:70] = True
        after = film.clone()
        after[0, 40:60, 30:70] += 1
        assert Rewritten()(film, after, context(self.SHAM, support)).value == pytest.approx(0.5)

    @pytest.mark.parametrize("sign", [1, -1])
    def test_a_sham_that_changes_density_fails(self, film, sign):
        support = disc(SHAPE, RIGHT, 20)
        result = DensityPreserved()(film, film + sign * 10.0 * support, context(self.SHAM, support))
        assert result.value == pytest.approx(0.1, rel=1e-4)
        assert (result.verdict, result.reason) == ("fail", "the sham changed the density of the lung")

    @pytest.mark.parametrize("check", [Rewritten(), DensityPreserved()])
    def test_an_empty_support_is_unavailable(self, film, check):
        assert check(film, film, context(self.SHAM, NOTHING)).reason == "the support is empty"


class TestAnatomyPreserved:
    def test_without_a_segmenter_it_is_unavailable(self, film, lungs):
        result = AnatomyPreserved()(film, film, context(INSERT, _support(), anatomy=lungs))
        assert (result.verdict, result.reason) == ("unavailable", "no segmenter was given to the gate")

    def test_the_same_anatomy_has_dice_one(self, film, lungs):
        seen = context(INSERT, _support(), anatomy=lungs, segmenter=lambda image: lungs)
        assert AnatomyPreserved()(film, film, seen).value == 1.0

    def test_a_lung_that_shrank_is_named_with_its_dice(self, film, lungs):
        smaller = lungs.clone()
        smaller[1, :80] = 0  # half of the 140 rows
        seen = context(INSERT, _support(), anatomy=lungs, segmenter=lambda image: smaller)
        result = AnatomyPreserved()(film, film, seen)
        assert result.value == pytest.approx(2 * 70 / (140 + 70))
        assert (result.verdict, result.reason) == ("fail", "left_lung moved: Dice 0.67")

    def test_a_structure_absent_before_and_after_is_preserved(self, film, lungs):
        lungs[2] = 0
        seen = context(INSERT, _support(), anatomy=lungs, segmenter=lambda image: lungs)
        assert AnatomyPreserved()(film, film, seen).value == 1.0


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("finding", sorted(SEVERITY))
def test_every_profile_holds_the_outside_and_the_full_one_adds_the_anatomy(finding, operation):
    cheap, full = (default_gate(finding, operation, profile) for profile in ("cheap", "full"))
    assert full.names[: len(cheap.names) + 2] == (*cheap.names, "anatomy_preserved", "measurement_agrees")
    assert "anatomy_preserved" not in full.advisory
    assert {"outside_unchanged", "no_seam"} <= set(cheap.names)
    placed = {"inside_lung", "inside_region"} & set(cheap.names)
    assert len(placed) == (0 if FINDINGS[finding].place.within == ANYWHERE and operation != "sham" else 1)
    opaque = FINDINGS[finding].judged.by_contrast
    assert ("opacity_removed" in cheap.names) == (operation == "delete" and opaque)
    assert ({"rewritten", "density_preserved"} <= set(cheap.names)) == (operation == "sham")
    assert ("severity_agrees" in cheap.names) == (operation != "sham")
    assert ("visible" in cheap.names) == (operation != "sham" and opaque)
    assert not cheap.advisory


def test_an_unknown_profile_is_refused():
    with pytest.raises(ValueError, match=r"profile must be 'cheap' or 'full', got 'strict'"):
        default_gate("nodule", "insert", "strict")


@pytest.mark.parametrize("scale", [2.0**-8, 64.0])
def test_no_value_depends_on_the_films_scale(film, lungs, scale):
    unit = ContrastUnit(scale * UNIT.value, 0.0, 0.0, 0.5)
    lesion = disc(SHAPE, RIGHT, 12)
    opaque = film + _bump(RIGHT)
    for check in (InsideLung(), NoSeam(), Visible(), OpacityRemoved(), Rewritten(), DensityPreserved()):
        as_is = check(film, opaque, context(INSERT, _support(), lesion=lesion, anatomy=lungs))
        scaled = check(
            scale * film, scale * opaque, context(INSERT, _support(), lesion=lesion, anatomy=lungs, unit=unit)
        )
        assert scaled.value == pytest.approx(as_is.value, rel=1e-5), check.name


def test_the_support_may_be_any_crop(film, lungs):
    """A crop around the support and the whole film lead to the same values where a check looks inside the crop only."""
    from dataclasses import replace

    from monai_cars.edits.edit import Box

    whole = context(INSERT, _support(), lesion=disc(SHAPE, RIGHT, 12), anatomy=lungs)
    box = Box(30, 20, 95, 85)
    crop = replace(whole, box=box, lesion=whole.lesion[box.slices], support=whole.support[box.slices], _made={})
    after = film + _bump(RIGHT)
    for check in (OutsideUnchanged(), InsideLung(), NoSeam(), OpacityRemoved(), Rewritten(), DensityPreserved()):
        assert check(film, after, crop).value == pytest.approx(check(film, after, whole).value, abs=0.02), check.name


def test_the_phantom_bump_has_the_feather_it_claims():
    ring = _support() & ~torch.from_numpy(ndimage.binary_erosion(_support().numpy()))
    assert float(_bump(RIGHT)[ring].max()) < 1.0
