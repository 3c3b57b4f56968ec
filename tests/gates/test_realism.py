"""Edited regions among real ones, and edits that reproduce a training image."""

from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import context

from monai_cars.edits.edit import Box, Edit
from monai_cars.gates import NotMemorised, Realistic
from monai_cars.gates.checks.not_memorised import usual_distance
from monai_cars.gates.checks.realistic import edited_box, embed_edited, p_value
from monai_cars.teachers.bank import Bank, BankError

SHAPE = (40, 60)
INSERT = Edit("insert", "consolidation", severity=0.5)


@dataclass(frozen=True)
class Mean:
    """Describes a film, or a box of it, by its mean."""

    name: str = "mean"
    data: frozenset = frozenset()

    def __call__(self, film, anatomy, box=None):
        return (film if box is None else film[(slice(None), *box.slices)]).mean()[None]


def _bank(rows: int = 40, **changes) -> Bank:
    vectors = torch.arange(float(rows))[:, None]
    names = tuple(map(str, range(rows)))
    return Bank(**{"embedder": "mean", "vectors": vectors, "groups": names, "sources": names, **changes})


def _seen(edit=INSERT, **changes):
    support = torch.zeros(SHAPE, dtype=torch.bool)
    support[10:30, 20:40] = True
    source = changes.pop("source", "")
    return replace(context(edit, support, source=source), **changes)


def _film(value: float) -> torch.Tensor:
    return torch.full((1, *SHAPE), float(value))


class TestPValue:
    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 10_000), st.integers(1, 4), st.integers(8, 30))
    def test_it_is_the_rank_of_the_new_region_in_the_joint_bank(self, seed, neighbours, rows):
        vectors = torch.randn(rows + 1, 3, generator=torch.Generator().manual_seed(seed))
        bank = Bank("x", vectors[:-1], tuple(map(str, range(rows))))
        joint = Bank("x", vectors, tuple(map(str, range(rows + 1))))
        object.__setattr__(joint, "spread", bank.spread)  # the closed form keeps the bank's own spread
        scores = joint.between.topk(neighbours, dim=1, largest=False).values.mean(1)
        expected = int((scores >= scores[-1] - 1e-6).sum()) / (rows + 1)
        assert p_value(bank, vectors[-1], neighbours)[0] == pytest.approx(expected, abs=1.01 / (rows + 1))

    def test_real_regions_of_new_patients_are_rejected_as_rarely_as_promised(self):
        drawn = torch.randn(220, 30, 2, generator=torch.Generator().manual_seed(1))
        names = tuple(map(str, range(29)))
        rejected = [p_value(Bank("x", one[:29], names), one[29], 3)[0] <= 0.1 for one in drawn]
        assert sum(rejected) / len(rejected) < 0.1 + 3 * (0.09 / len(rejected)) ** 0.5

    def test_far_away_is_the_smallest_value_and_the_middle_a_large_one(self):
        bank = _bank(9)
        assert p_value(bank, torch.tensor([1000.0]), 2)[0] == pytest.approx(0.1)
        assert p_value(bank, torch.tensor([4.0]), 2)[0] == 1.0

    @settings(max_examples=15, deadline=None)
    @given(st.floats(40, 1000), st.floats(1, 1000))
    def test_farther_is_never_more_likely(self, near, more):
        bank = _bank()
        assert p_value(bank, torch.tensor([near + more]), 3)[0] <= p_value(bank, torch.tensor([near]), 3)[0]


class TestRealistic:
    def test_a_region_like_real_ones_passes_and_another_fails(self):
        check = Realistic(Mean(), _bank())
        assert check(_film(0), _film(20.5), _seen()).verdict == "pass"
        result = check(_film(0), _film(90), _seen())
        assert (result.verdict, result.value, result.code) == ("fail", pytest.approx(1 / 41), "realistic_failed")
        assert "times as far from real regions as they are from each other" in result.reason

    def test_an_insertion_is_compared_with_its_finding_and_a_deletion_with_lungs(self):
        labels = ("consolidation",) * 25 + ("",) * 25
        vectors = torch.cat([torch.arange(25.0), 500 + torch.arange(25.0)])[:, None]
        check = Realistic(Mean(), _bank(50, vectors=vectors, labels=labels))
        deleted = _seen(Edit("sham", "consolidation"))
        assert check(_film(0), _film(12.2), _seen()).verdict == "pass"
        assert check(_film(0), _film(12.2), deleted).verdict == "fail"
        assert check(_film(0), _film(512.2), deleted).verdict == "pass"

    def test_a_finding_of_another_name_in_the_bank(self):
        bank = _bank(30, labels=("opacities",) * 30)
        assert Realistic(Mean(), bank)(_film(0), _film(15), _seen()).code == "bank_too_small"
        named = Realistic(Mean(), bank, labels={"consolidation": "opacities"})
        assert named(_film(0), _film(15), _seen()).verdict == "pass"

    def test_a_bank_that_could_never_reject_is_unavailable(self):
        result = Realistic(Mean(), _bank(19))(_film(0), _film(5), _seen())  # its least p is the threshold, 1 / 20
        assert (result.verdict, result.code) == ("unavailable", "bank_too_small")
        assert result.reason == "19 real regions of 19 patients are too few to judge consolidation"
        assert Realistic(Mean(), _bank(20))(_film(0), _film(5), _seen()).verdict == "pass"
        assert Realistic(Mean(), _bank(20))(_film(0), _film(500), _seen()).verdict == "fail"
        few = _bank(40, groups=tuple("abcde" * 8))
        assert Realistic(Mean(), few)(_film(0), _film(5), _seen()).verdict == "unavailable"

    def test_the_films_own_patient_is_left_out(self):
        bank = _bank(20, vectors=torch.cat([torch.arange(19.0), torch.tensor([300.0])])[:, None])
        near = Realistic(Mean(), bank, neighbours=1, threshold=0.055)
        assert near(_film(0), _film(300), _seen()).verdict == "pass"
        assert near(_film(0), _film(300), _seen(source="19")).verdict == "fail"

    def test_an_edit_without_a_place_is_unavailable(self):
        nothing = torch.zeros(SHAPE, dtype=torch.bool)
        result = Realistic(Mean(), _bank())(_film(0), _film(1), _seen(lesion=nothing, support=nothing))
        assert result.verdict == "unavailable"

    def test_the_lesion_is_the_place_and_without_one_the_support(self):
        lesion = torch.zeros(SHAPE, dtype=torch.bool)
        lesion[12, 21:25] = True
        assert edited_box(_seen(lesion=lesion)) == Box(12, 21, 13, 25)
        assert edited_box(_seen(lesion=torch.zeros(SHAPE, dtype=torch.bool))) == Box(10, 20, 30, 40)
        assert edited_box(_seen(lesion=lesion[10:], support=lesion[10:], box=Box(10, 0, 40, 60))) == Box(12, 21, 13, 25)

    def test_a_bank_of_another_embedder_or_of_films_is_refused(self):
        with pytest.raises(BankError, match="the bank was made by 'other', the embedder is 'mean'; make a bank with"):
            Realistic(Mean(), _bank(embedder="other"))
        with pytest.raises(BankError, match=r"the bank must hold regions \(got films\)"):
            Realistic(Mean(), _bank(kind="film"))


class TestNotMemorised:
    FILMS = _bank(40, kind="film", vectors=100 * torch.arange(40.0)[:, None])

    @pytest.mark.parametrize("kind", ["film", "region"])
    def test_a_copy_of_another_patients_film_fails(self, kind):
        check = NotMemorised(Mean(), replace(self.FILMS, kind=kind))
        result = check(_film(50), _film(701), _seen())
        assert (result.verdict, result.value) == ("fail", pytest.approx(0.01, rel=1e-3))
        assert result.reason == "nearly a copy of a training image"
        assert check(_film(50), _film(750), _seen()).value == pytest.approx(0.5, rel=1e-3)

    def test_far_from_every_film_passes(self):
        assert NotMemorised(Mean(), self.FILMS)(_film(-200), _film(-150), _seen()).verdict == "pass"

    @pytest.mark.parametrize("scale", [1.0, 1.02])
    def test_the_films_own_source_is_no_memorisation(self, scale):
        check = NotMemorised(Mean(), replace(self.FILMS, groups=tuple(str(i // 2) for i in range(40))))
        own = _film(scale * 700)
        assert check(own, own + 1, _seen()).value > 0.5  # found by what the film was
        assert check(_film(-500), own, _seen()).verdict == "fail"
        assert check(_film(-500), own, _seen(source="6")).value > 0.5  # by another film of the same patient

    def test_what_was_close_before_the_edit_does_not_hide_another_copy(self):
        assert NotMemorised(Mean(), self.FILMS)(_film(700), _film(1001), _seen()).verdict == "fail"

    def test_the_bound_is_the_first_percentile_of_real_distances(self):
        values = torch.cat([torch.arange(100.0) * 10, torch.tensor([990.1])])
        bank = _bank(101, vectors=values[:, None])
        nearest = torch.full((101,), 10.0)
        nearest[-2:] = 0.1
        expected = float(torch.quantile(nearest, 0.01)) / float(values.std(correction=0))
        assert usual_distance(bank) == pytest.approx(expected, rel=1e-3)

    def test_a_small_bank_or_one_of_copies_is_unavailable(self):
        assert NotMemorised(Mean(), _bank(19))(_film(0), _film(1), _seen()).verdict == "unavailable"
        copies = _bank(40, vectors=torch.ones(40, 1))
        assert "holds copies as other patients" in NotMemorised(Mean(), copies)(_film(0), _film(1), _seen()).reason

    def test_a_bank_of_one_patient_or_an_edit_without_a_place_is_unavailable(self):
        nothing = torch.zeros(SHAPE, dtype=torch.bool)
        check = NotMemorised(Mean(), replace(self.FILMS, kind="region"))
        assert check(_film(0), _film(1), _seen(lesion=nothing, support=nothing)).verdict == "unavailable"
        alone = replace(self.FILMS, groups=("one",) * 40)
        assert NotMemorised(Mean(), alone)(_film(0), _film(1), _seen()).verdict == "unavailable"
        pair = replace(self.FILMS, vectors=torch.cat([torch.zeros(20), torch.full((20,), 100.0)])[:, None])
        pair = replace(pair, groups=("a",) * 20 + ("b",) * 20)
        result = NotMemorised(Mean(), pair)(_film(50), _film(1), _seen())
        assert result.reason == "the bank holds no film of another patient"


@dataclass(frozen=True)
class Size:
    """Describes a box by its height and width."""

    name: str = "size"
    data: frozenset = frozenset()

    def __call__(self, film, anatomy, box=None):
        return torch.tensor([box.y1 - box.y0, box.x1 - box.x0])


@dataclass(frozen=True)
class ScaledSize(Size):
    def pixels_per_mm(self, anatomy):
        return 0.4


def test_the_margin_is_of_the_embedders_scale_and_of_the_films_where_it_has_none():
    seen, box = _seen(), Box(15, 25, 20, 30)
    assert seen.millimetre == 1.0
    assert embed_edited(Size(), _film(0), seen, box).tolist() == [25, 25]  # 10 mm on every side
    assert embed_edited(ScaledSize(), _film(0), seen, box).tolist() == [13, 13]
