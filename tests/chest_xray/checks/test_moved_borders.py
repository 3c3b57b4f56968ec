"""Where findings outside the lungs may lie, and what may move when a border does."""

import pytest
import torch
from phantom_film import context, disc

from monai_cars.chest_xray.checks.anatomy_preserved import AnatomyPreserved
from monai_cars.chest_xray.checks.inside_region import REACH_MM, InsideRegion
from monai_cars.chest_xray.gate import default_gate
from monai_cars.edits.edit import Edit
from monai_cars.edits.film import Scale
from monai_cars.findings.registry import FINDINGS

SHAPE = (160, 200)
MOVED_BORDER = [
    name for name, finding in FINDINGS.items() if finding.judged.by_geometry and finding.place.within != "lung"
]
HEART = Edit("insert", "enlarged heart", severity=0.5)


def _changed(film: torch.Tensor, centre: tuple[float, float], radius: float = 8.0) -> torch.Tensor:
    return film + 60.0 * disc(SHAPE, centre, radius)[None]


class TestInsideRegion:
    @pytest.mark.parametrize(
        ("region", "inside", "outside"),
        [
            ("heart", (110.0, 155.0), (15.0, 25.0)),
            ("mediastinum", (60.0, 100.0), (60.0, 14.0)),
            ("hilum", (70.0, 85.0), (60.0, 14.0)),
            ("diaphragm", (149.0, 40.0), (40.0, 40.0)),
            ("thorax", (60.0, 50.0), None),
        ],
    )
    def test_a_change_there_passes_and_elsewhere_fails(self, film, lungs, region, inside, outside):
        seen = context(HEART, torch.ones(SHAPE, dtype=torch.bool), anatomy=lungs)
        assert InsideRegion(region)(film, _changed(film, inside), seen).verdict == "pass"
        if outside is not None:
            result = InsideRegion(region)(film, _changed(film, outside), seen)
            assert result.verdict == "fail"
            assert f"of the change is not at the {region}" in result.reason

    def test_the_share_is_by_attenuation(self, film, lungs):
        seen = context(HEART, torch.ones(SHAPE, dtype=torch.bool), anatomy=lungs)
        after = _changed(_changed(film, (110.0, 140.0)), (15.0, 25.0))
        assert InsideRegion("heart")(film, after, seen).value == pytest.approx(0.5, abs=0.02)

    def test_without_the_structure_nothing_lies_there(self, film, lungs):
        lungs[2] = 0
        seen = context(HEART, torch.ones(SHAPE, dtype=torch.bool), anatomy=lungs)
        assert InsideRegion("heart")(film, _changed(film, (110.0, 140.0)), seen).value == 0.0

    def test_nothing_changed_is_unavailable(self, film, lungs):
        result = InsideRegion("heart")(film, film, context(HEART, torch.ones(SHAPE, dtype=torch.bool), anatomy=lungs))
        assert (result.verdict, result.reason) == ("unavailable", "nothing changed")

    def test_an_unknown_region_is_refused(self):
        with pytest.raises(ValueError, match=r"region must be one of .*thorax \(got 'spleen'\)"):
            InsideRegion("spleen")

    @pytest.mark.parametrize("region", sorted(REACH_MM))
    def test_a_large_film_is_judged_as_a_small_one(self, film, lungs, region):
        after = _changed(film, (120.0, 140.0))
        seen = context(HEART, torch.ones(SHAPE, dtype=torch.bool), anatomy=lungs)
        large = [t.repeat_interleave(4, 1).repeat_interleave(4, 2) for t in (film, after, lungs)]
        finer = Scale((0.25, 0.25))
        wide = context(HEART, torch.ones(640, 800, dtype=torch.bool), anatomy=large[2], scale=finer)
        one, other = InsideRegion(region)(film, after, seen), InsideRegion(region)(large[0], large[1], wide)
        assert other.value == pytest.approx(one.value, abs=0.05)


class TestAMovedBorder:
    def _grown(self, lungs: torch.Tensor) -> torch.Tensor:
        after = lungs.clone()
        after[2, 90:150, 60:172] = 1  # the heart
        after[1, 92:150, 142:180] = 0  # and the lung that a segmenter no longer sees behind it
        return after

    def _context(self, lungs, after, finding):
        support = torch.zeros(SHAPE, dtype=torch.bool)
        support[88:152, 140:182] = True
        edit = Edit("insert", finding, severity=0.5)
        return context(edit, support, anatomy=lungs, segmenter=lambda image: after)

    def test_the_heart_may_grow_where_it_was_enlarged(self, film, lungs):
        seen = self._context(lungs, self._grown(lungs), "enlarged heart")
        assert AnatomyPreserved(hidden=("right_lung", "left_lung", "heart"))(film, film, seen).verdict == "pass"
        assert AnatomyPreserved()(film, film, seen).verdict == "fail"

    def test_the_apices_may_not_move(self, film, lungs):
        after = self._grown(lungs)
        after[1, :60] = 0
        seen = self._context(lungs, after, "enlarged heart")
        result = AnatomyPreserved(hidden=("right_lung", "left_lung", "heart"))(film, film, seen)
        assert (result.verdict, result.reason[:15]) == ("fail", "left_lung moved")

    @pytest.mark.parametrize("finding", MOVED_BORDER)
    def test_the_full_profile_hides_the_change_of_a_moved_border_only(self, finding):
        (check,) = (c for c in default_gate(finding, "insert", "full").checks if isinstance(c, AnatomyPreserved))
        assert set(check.hidden) == {"right_lung", "left_lung", "heart"}
        (sham,) = (c for c in default_gate(finding, "sham", "full").checks if isinstance(c, AnatomyPreserved))
        assert sham.hidden == ("heart",)

    def test_a_ratio_is_held_to_two_hundredths(self):
        agrees = next(c for c in default_gate("cardiomegaly", "insert").checks if c.name == "severity_agrees")
        assert agrees.tolerance == FINDINGS["enlarged heart"].judged.tolerance == pytest.approx(0.02 / 0.5)
