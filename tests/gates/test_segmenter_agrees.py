"""Dice with what was asked for, IoU of what should have stayed."""

import pytest
import torch
from closed_form_models import bright_localiser
from phantom_film import context

from monai_cars.edits.edit import Edit, Region
from monai_cars.gates import MasksKept, SegmenterAgrees
from monai_cars.teachers import SegmenterLocaliser

INSERT = Edit("insert", "mass")
DELETE = Edit("delete", "mass", region=Region(box=(0.0, 0.0, 5.0, 5.0)))
SHAM = Edit("sham", "mass")


def columns(start: int, stop: int) -> torch.Tensor:
    """(20, 40) bool."""
    mask = torch.zeros(20, 40, dtype=torch.bool)
    mask[:, start:stop] = True
    return mask


def film(*masks: torch.Tensor) -> torch.Tensor:
    return 100.0 * torch.stack([torch.zeros(20, 40, dtype=torch.bool), *masks]).any(0).float()[None]


LESION, OTHER = columns(5, 15), columns(30, 35)


@pytest.mark.parametrize(("drawn", "dice"), [((5, 15), 1.0), ((5, 10), 2 / 3), ((10, 20), 0.5), ((20, 30), 0.0)])
@pytest.mark.parametrize("of", ["change", "after"])
def test_dice_with_the_intended_lesion(drawn, dice, of):
    result = SegmenterAgrees(bright_localiser(), of=of)(film(), film(columns(*drawn)), context(INSERT, LESION))
    assert result.value == pytest.approx(dice)
    assert result.verdict == ("pass" if dice >= 0.6 else "fail")


def test_a_lesion_elsewhere_costs_the_change_nothing():
    before, after = film(OTHER), film(OTHER, LESION)
    assert SegmenterAgrees(bright_localiser())(before, after, context(INSERT, LESION)).value == 1.0
    whole = SegmenterAgrees(bright_localiser(), of="after")(before, after, context(INSERT, LESION))
    assert whole.value == pytest.approx(2 * 10 / (10 + 15))


@pytest.mark.parametrize("of", ["change", "after"])
def test_a_deletion_is_judged_by_what_is_no_longer_drawn(of):
    check = SegmenterAgrees(bright_localiser(), of=of)
    assert check(film(OTHER, LESION), film(OTHER), context(DELETE, LESION)).value == 1.0
    assert check(film(OTHER, LESION), film(OTHER, LESION), context(DELETE, LESION)).value == 0.0


def test_a_segmenter_that_draws_nothing_misses_the_lesion():
    result = SegmenterAgrees(bright_localiser())(film(), film(), context(INSERT, LESION))
    assert (result.value, result.reason) == (0.0, "bright drew another lesion: Dice 0.00")


def test_it_cannot_be_asked_without_a_lesion_or_about_a_sham():
    check = SegmenterAgrees(bright_localiser())
    assert check(film(), film(), context(INSERT, columns(0, 0))).reason == "no lesion was drawn"
    assert check(film(), film(), context(SHAM, LESION)).code == "nothing_asked"


def test_only_the_change_or_the_film_after():
    with pytest.raises(ValueError, match="of must be 'change' or 'after', got 'both'"):
        SegmenterAgrees(bright_localiser(), of="both")


class TestMasksKept:
    def test_the_same_masks_have_an_iou_of_one(self):
        assert MasksKept([bright_localiser()])(film(OTHER), film(OTHER), context(INSERT, LESION)).value == 1.0

    def test_a_mask_that_lost_half(self):
        result = MasksKept([bright_localiser()])(film(columns(0, 20)), film(columns(0, 10)), context(SHAM, LESION))
        assert (result.value, result.verdict, result.reason) == (0.5, "fail", "bright: IoU 0.50")

    def test_what_two_of_three_draw_is_the_consensus(self):
        fixed = [SegmenterLocaliser(n, lambda film, n=n: film[0] / 100 * (n != "blind")) for n in ("a", "b", "blind")]
        check = MasksKept(fixed)
        assert check(film(OTHER), film(OTHER), context(INSERT, LESION)).value == 1.0
        half = MasksKept(fixed[1:])(film(OTHER), film(OTHER), context(INSERT, LESION))
        assert (half.verdict, half.reason) == ("unavailable", "no segmenter drew anything before or after")

    @pytest.mark.parametrize(
        ("edit", "before", "after"), [(INSERT, (OTHER,), (OTHER, LESION)), (DELETE, (OTHER, LESION), (OTHER,))]
    )
    def test_teachers_of_the_finding_itself_are_to_follow_the_edit(self, edit, before, after):
        followed = MasksKept([bright_localiser()], of_finding=True)
        assert followed(film(*before), film(*after), context(edit, LESION)).value == 1.0
        assert followed(film(*before), film(*before), context(edit, LESION)).value < 0.5
        assert MasksKept([bright_localiser()])(film(*before), film(*after), context(edit, LESION)).value < 0.5

    def test_a_sham_leaves_the_finding_where_it_is(self):
        check = MasksKept([bright_localiser()], of_finding=True)
        assert check(film(OTHER), film(OTHER), context(SHAM, LESION)).value == 1.0

    def test_without_segmenters_it_is_refused(self):
        with pytest.raises(ValueError, match="segmenters must hold at least one segmenter, got none"):
            MasksKept([])
