"""The compositor and the loop: bits outside, knee, rounding, retries, abstention, and films that lie differently."""

import math
import warnings
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import INSERTED, Scripted, disc, drawn_header, phantom

from monai_cars.edits.axes import INVERTED, ORDERS, from_standard, to_standard
from monai_cars.edits.compositor import KNEE
from monai_cars.edits.edit import Box, Edit, Proposal, Quantity, Region
from monai_cars.files.radiograph import Header
from monai_cars.gates import Gate, OutsideUnchanged, Rewritten
from monai_cars.loop.counterfactual import compose, film_seed, make_counterfactual

FLOAT = Header("memory", "a" * 64, "tensor")
ANYTHING = Gate([OutsideUnchanged()])
FILM = phantom(size=(256, 256))
INSERT = Edit("insert", "nodule", severity=0.5)


def _proposal(residual: torch.Tensor, support: torch.Tensor | None = None, *, box=None, asked=None) -> Proposal:
    inside = residual != 0 if support is None else support
    return Proposal(box or Box(0, 0, *residual.shape), residual, inside, inside, asked)


def _in_lung(height: float) -> Proposal:
    return _proposal(height * disc((256, 256), (110, 70), 6).float(), asked=Quantity(19.0, "mm"))


class TestCompose:
    @settings(max_examples=40, deadline=None)
    @given(
        st.integers(3, 40),
        st.integers(3, 40),
        st.integers(0, 2**31),
        st.floats(0.01, 5000),
        st.sampled_from([0.0, -1.0, -0.5, 7.0]),
        st.booleans(),
    )
    def test_outside_not_a_bit_and_inside_the_range(self, height, width, seed, scale, shift, integer):
        draw = torch.Generator().manual_seed(seed)
        image = scale * (torch.rand(1, height, width, generator=draw) + shift)
        image = image.round() if integer else image
        low, high = float(image.min()), float(image.max())
        box = Box(1, 1, height - 1, width)
        residual = 3 * torch.randn(height - 2, width - 1, generator=draw)
        support = torch.rand(residual.shape, generator=draw) < 0.5
        kept = image.clone()
        header = replace(FLOAT, integer=integer, low=low, high=high)
        after = compose(image, _proposal(residual, support, box=box), scale, header=header).image
        full = torch.zeros(height, width, dtype=torch.bool)
        full[box.slices] = support
        assert torch.equal(image, kept)
        assert torch.equal(after[0][~full].view(torch.int32), image[0][~full].view(torch.int32))
        slack = 1e-5 * max(abs(low), abs(high))
        assert after.min() >= low - slack
        assert after.max() <= high + slack
        if integer:
            assert torch.equal(after, after.round())
        change = (after - image)[0][box.slices][support]
        assert (change * residual[support] >= 0).all()

    def test_below_the_knee_a_residual_is_added_as_it_is(self):
        image = torch.linspace(0, 100, 101)[None, None]
        size = 0.9 * KNEE * torch.linspace(100, 0, 101)
        after = compose(image, _proposal(size[None] / 10), 10.0, header=FLOAT).image
        assert torch.allclose(after[0, 0], image[0, 0] + size)

    @pytest.mark.parametrize("sign", [1, -1])
    def test_above_the_knee_it_is_compressed_as_the_formula_says(self, sign):
        image = torch.tensor([[[0.0, 40.0, 100.0]]])
        sizes = (20.0, 45.0, 90.0, 500.0)
        headroom = 60.0 if sign > 0 else 40.0
        for size in sizes:
            residual = torch.tensor([[0.0, sign * size, 0.0]])
            found = float(compose(image, _proposal(residual), 1.0, header=FLOAT).image[0, 0, 1]) - 40.0
            knee, rest = KNEE * headroom, (1 - KNEE) * headroom
            expected = size if size <= knee else knee + rest * (1 - math.exp(-(size - knee) / rest))
            assert found == pytest.approx(sign * expected, rel=1e-5)
            assert abs(found) <= headroom

    def test_a_larger_residual_never_leads_to_a_smaller_change(self):
        residual = torch.linspace(0.01, 30, 500)[None]
        image = torch.full((1, 1, 500), 3.0)
        image[0, 0, -1] = 10.0
        after = compose(image, _proposal(residual), 1.0, header=replace(FLOAT, high=10.0, integer=False)).image
        assert (after[0, 0, :-1].diff() >= 0).all()

    def test_a_residual_at_the_end_of_the_range_is_lost_and_counted(self):
        image = torch.tensor([[[0.0, 100.0, 100.0, 50.0]]])
        composite = compose(image, _proposal(torch.tensor([[0.0, 5.0, 5.0, 5.0]])), 1.0, header=FLOAT)
        assert torch.equal(composite.image[0, 0, :3], image[0, 0, :3])
        assert composite.clipped_share == pytest.approx(2 / 3)

    def test_integers_are_rounded_to_the_nearest_and_kept_in_range(self):
        header = replace(FLOAT, integer=True, low=-10.0, high=0.0)
        image = torch.tensor([[[-10.0, -5.0, -5.0, 0.0]]])
        after = compose(image, _proposal(torch.tensor([[-3.0, 1.4, 1.6, 2.0]])), 1.0, header=header).image
        assert after.tolist() == [[[-10.0, -4.0, -3.0, 0.0]]]

    def test_an_empty_support_changes_nothing(self):
        image = torch.rand(1, 5, 5)
        composite = compose(image, _proposal(torch.ones(5, 5), torch.zeros(5, 5).bool()), 1.0, header=FLOAT)
        assert torch.equal(composite.image, image)
        assert composite.clipped_share == 0

    def test_a_negated_film_takes_the_negated_edit(self):
        image, residual = torch.rand(1, 20, 20), torch.randn(20, 20)
        plus = compose(image, _proposal(residual), 0.3, header=FLOAT).image
        minus = compose(-image, _proposal(residual), -0.3, header=FLOAT).image
        assert torch.equal(plus, -minus)


class TestLoop:
    def _run(self, editor, *, gate=ANYTHING, edit=INSERT, attempts=4, film=FILM, **header):
        return make_counterfactual(
            film.image,
            film.anatomy,
            edit,
            header=drawn_header(film, **header),
            editor=editor,
            gate=gate,
            max_attempts=attempts,
        )

    def test_the_first_accepted_proposal_is_taken(self):
        editor = Scripted(_in_lung(0.2))
        found = self._run(editor)
        assert (found.accepted, found.record["accepted"], found.record["attempts"], editor.calls) == (True, True, 1, 1)
        assert found.record["reason"] == ""
        assert torch.equal(found.support[0] > 0, disc((256, 256), (110, 70), 6))
        assert torch.equal(found.image != FILM.image, found.support > 0)

    def test_a_refusal_is_followed_by_another_seed(self):
        editor = Scripted("no room here", _in_lung(0.2))
        found = self._run(editor)
        assert (found.accepted, found.record["attempts"], found.record["reason"]) == (True, 2, "")
        assert editor.seeds == [film_seed(0, "a" * 64, "insert nodule", attempt) for attempt in (0, 1)]

    def test_a_failed_gate_is_followed_by_another_seed(self):
        strict = Gate([Rewritten(threshold=0.9)])
        nothing = replace(_in_lung(0.2), residual=torch.zeros(256, 256))
        found = self._run(Scripted(nothing, _in_lung(0.2)), gate=strict)
        assert (found.accepted, found.record["attempts"]) == (True, 2)

    def test_attempts_are_bounded_and_the_original_comes_back(self):
        editor = Scripted(*[f"reason {k}" for k in range(9)])
        found = self._run(editor, attempts=3)
        assert (found.accepted, found.record["attempts"], editor.calls) == (False, 3, 3)
        assert found.record["reason"] == "reason 2"
        assert torch.equal(found.image, FILM.image)
        assert not found.support.any()
        assert not found.lesion.any()

    def test_more_attempts_than_the_thresholds_bound_are_warned_of(self):
        gate = Gate([OutsideUnchanged()], thresholds="calibrated on discs", attempts=2)
        message = r"max_attempts is 3, .* \(calibrated on discs\) bound what passes wrongly over 2 attempts"
        with pytest.warns(UserWarning, match=message):
            self._run(Scripted(_in_lung(0.2)), gate=gate, attempts=3)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self._run(Scripted(_in_lung(0.2)), gate=gate, attempts=2)

    def test_a_refused_deletion_is_not_asked_again(self):
        editor = Scripted("nothing there")
        edit = Edit("delete", "nodule", region=Region(point=(100.0, 70.0)))
        found = self._run(editor, edit=edit, attempts=10)
        assert (editor.calls, found.record["attempts"]) == (1, 1)
        assert found.record["reason"] == "nothing there"

    def test_a_proposal_that_repeats_is_judged_once(self):
        judged = []

        class Never(Rewritten):
            def __call__(self, before, after, context):
                judged.append(after)
                return super().__call__(before, after, context)

        nothing = replace(_in_lung(0.2), residual=torch.zeros(256, 256))
        found = self._run(Scripted(nothing), gate=Gate([Never()]))
        assert not found.accepted
        assert len(judged) == 1
        assert found.record["reason"] == "rewritten: too much of the support is a copy"

    def test_a_film_without_contrast_is_left_alone(self):
        editor = Scripted(_in_lung(0.2))
        flat = replace(FILM, image=torch.full_like(FILM.image, 7.0))
        found = self._run(editor, film=flat)
        assert (found.accepted, found.record["attempts"], editor.calls) == (False, 0, 0)
        assert found.record["reason"] == "contrast unit is 0.0% of the film's P1-P99 range, 8% are needed"

    @pytest.mark.parametrize(("spacing", "source"), [((0.4, 0.4), "datalist"), (None, "estimated")])
    def test_the_scale_and_its_source_are_recorded(self, spacing, source):
        record = self._run(Scripted(_in_lung(0.2)), spacing=spacing).record
        assert record["spacing_source"] == source
        assert record["spacing"] == pytest.approx(list(spacing or FILM.spacing), rel=0.05)

    def test_a_child_without_a_scale_has_none(self):
        record = self._run(Scripted(_in_lung(0.2)), spacing=None, age=5.0).record
        assert (record["spacing"], record["spacing_source"]) == (None, "unknown")
        assert record["severity_measured"] is None

    @pytest.mark.parametrize("shared", [True, False])
    def test_whether_one_model_placed_and_judged_is_recorded(self, shared):
        found = make_counterfactual(
            FILM.image, FILM.anatomy, INSERT, header=drawn_header(FILM), gate=ANYTHING, shared_model=shared
        )
        assert found.record["shared_model"] is shared

    @pytest.mark.parametrize(
        ("image", "anatomy", "attempts", "message"),
        [
            (
                torch.zeros(3, 8, 8),
                torch.zeros(3, 8, 8),
                1,
                r"image must have shape \(1, H, W\), got \(3, 8, 8\); take",
            ),
            (torch.zeros(8, 8), torch.zeros(3, 8, 8), 1, r"image must have shape \(1, H, W\), got \(8, 8\)"),
            (torch.zeros(1, 8, 9), torch.zeros(3, 8, 8), 1, r"anatomy must have shape \(3, 8, 9\) for right_lung.*"),
            (
                torch.zeros(1, 8, 8),
                torch.zeros(2, 8, 8),
                1,
                r"got \(2, 8, 8\); segment this image with SegmentAnatomyd",
            ),
            (torch.zeros(1, 8, 8), torch.zeros(3, 8, 8), 0, r"max_attempts must be at least 1, got 0"),
        ],
    )
    def test_what_does_not_fit_together_is_refused(self, image, anatomy, attempts, message):
        with pytest.raises(ValueError, match=message):
            make_counterfactual(image, anatomy, INSERT, max_attempts=attempts)


@given(st.integers(), st.text(max_size=9), st.sampled_from(INSERTED), st.integers(0, 9))
def test_seeds_of_attempts_are_63_bits_and_tell_everything_apart(seed, sha256, finding, attempt):
    found = film_seed(seed, sha256, finding, attempt)
    assert 0 <= found < 2**63
    others = {film_seed(seed + 1, sha256, finding, attempt), film_seed(seed, sha256 + "0", finding, attempt)}
    assert found not in others | {film_seed(seed, sha256, finding, attempt + 1)}


@pytest.mark.parametrize("operation", ["insert", "sham"])
@pytest.mark.parametrize("axes", [*ORDERS, "HW" + INVERTED, "WH-flip" + INVERTED])
def test_a_film_that_lies_differently_gets_the_same_edit(axes, operation):
    film = phantom(size=(256, 288))
    edit = Edit(operation, "nodule", side="left", severity=0.5 if operation == "insert" else None)
    header = drawn_header(film)
    upright = make_counterfactual(film.image, film.anatomy, edit, header=header, gate=ANYTHING)
    sign = -1.0 if axes.endswith(INVERTED) else 1.0
    laid = replace(header, axes=axes)
    if sign < 0:
        laid = replace(laid, low=-header.high, high=-header.low)
    image, anatomy = sign * from_standard(film.image, axes), from_standard(film.anatomy, axes)
    turned = make_counterfactual(image, anatomy, edit, header=laid, gate=ANYTHING)
    assert upright.accepted
    assert turned.accepted
    for name in ("lesion", "support"):
        assert torch.equal(to_standard(getattr(turned, name), axes), getattr(upright, name)), name
    assert torch.equal(sign * to_standard(turned.image, axes), upright.image)
    same = {k: v for k, v in turned.record.items() if k != "spacing"}
    assert same == {k: v for k, v in upright.record.items() if k != "spacing"}


@pytest.mark.parametrize("axes", ORDERS)
@pytest.mark.parametrize("kind", ["mask", "box", "point"])
def test_a_region_is_turned_with_its_film(axes, kind):
    film = phantom(size=(256, 288))
    place = disc((256, 288), (110, 80), 12)
    image = film.image + 800.0 * place

    def region(order):
        laid = from_standard(place[None], order)[0]
        if kind == "mask":
            return Region(mask=laid)
        rows, columns = torch.nonzero(laid, as_tuple=True)
        if kind == "box":
            return Region(box=(int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1))
        # The centre of the disc, the same pixel in every order.
        spot = torch.zeros(1, 256, 288)
        spot[0, 110, 80] = 1
        return Region(point=tuple(float(c) for c in torch.nonzero(from_standard(spot, order)[0])[0]))

    results = []
    for order in ("HW", axes):
        laid = (from_standard(t, order).contiguous() for t in (image, film.anatomy))
        edit = Edit("delete", "nodule", region=region(order))
        results.append(make_counterfactual(*laid, edit, header=drawn_header(film, axes=order), gate=ANYTHING))
    assert results[0].accepted
    assert torch.equal(to_standard(results[1].image, axes), results[0].image)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int16, torch.int32])
def test_outside_not_a_bit_in_the_callers_own_type(dtype):
    image = FILM.image.to(dtype)
    if dtype is torch.float64:
        image = image + 1e-9 * torch.rand(image.shape, dtype=dtype, generator=torch.Generator().manual_seed(0))
    found = make_counterfactual(image, FILM.anatomy, INSERT, header=drawn_header(FILM), gate=ANYTHING)
    assert found.accepted
    assert found.image.dtype == dtype
    assert torch.equal(found.image[found.support == 0], image[found.support == 0])
    assert not torch.equal(found.image[found.support > 0], image[found.support > 0])
