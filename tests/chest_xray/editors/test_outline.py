"""Outlines: the cheapest closed path, and opacities found from a mask, a box or a point."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.chest_xray.editors.canvas.canvas import Canvas
from monai_cars.chest_xray.editors.canvas.outline import closed_path, outline_of
from monai_cars.edits.edit import CannotEdit, Region

SHAPE = (200, 220)


def _canvas(opacity=None, factor=1) -> Canvas:
    u = np.zeros(SHAPE, np.float32)
    if opacity is not None:
        u = u + opacity.astype(np.float32)
    anatomy = np.zeros((3, *SHAPE), bool)
    anatomy[:2] = True
    return Canvas(u, anatomy, factor, torch.zeros(SHAPE[0] * factor, SHAPE[1] * factor), 1.0, "erect")


def _ellipse(centre, half):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return ((y - centre[0]) / half[0]) ** 2 + ((x - centre[1]) / half[1]) ** 2 <= 1


def _dice(a, b) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


class TestClosedPath:
    @settings(max_examples=30, deadline=None)
    @given(st.integers(8, 60), st.integers(5, 20), st.floats(0, 6.28), st.floats(0, 1))
    def test_a_carved_closed_path_is_found(self, angles, radii, phase, depth):
        t = np.linspace(0, 2 * np.pi, angles, endpoint=False)
        carved = np.round((radii - 1) / 2 * (1 + 0.25 * depth * np.cos(t + phase))).astype(int)
        # Only paths that hardly move from angle to angle are what stiffness leaves alone.
        cost = np.full((angles, radii), 10.0)
        cost[np.arange(angles), carved] = 0.0
        moves = np.abs(np.diff(np.append(carved, carved[0])))
        if moves.max() <= 1:
            assert np.array_equal(closed_path(cost), carved)

    def test_it_is_the_cheapest_of_all_closed_paths(self):
        rng = np.random.default_rng(3)
        stiffness = 0.3

        def total(cost, path):
            steps = np.diff(np.append(path, path[0]))
            return cost[np.arange(len(path)), path].sum() + stiffness * (steps**2).sum()

        ratios = []
        for _ in range(20):
            cost = rng.uniform(size=(5, 4))
            best = min(total(cost, np.array(p)) for p in itertools.product(range(4), repeat=5))
            ratios.append(total(cost, closed_path(cost, stiffness)) / best)
        assert min(ratios) >= 1 - 1e-9
        # Three starts are tried and not all, so now and then a path is near the cheapest.
        assert np.median(ratios) == pytest.approx(1.0)
        assert max(ratios) < 1.25

    def test_an_offset_of_all_costs_changes_nothing(self):
        cost = np.random.default_rng(0).uniform(size=(24, 12))
        assert np.array_equal(closed_path(cost), closed_path(cost + 7))

    def test_a_stiff_path_is_a_circle(self):
        cost = np.random.default_rng(1).uniform(size=(30, 9))
        path = closed_path(cost, stiffness=1e6)
        assert len(set(path.tolist())) == 1
        assert path[0] == cost.sum(0).argmin()


class TestOutline:
    @pytest.mark.parametrize("factor", [1, 3])
    def test_a_mask_is_taken_as_it_is(self, factor):
        mask = _ellipse((80, 90), (20, 30))
        native = torch.from_numpy(np.kron(mask, np.ones((factor, factor), bool)))
        for given_mask in (native, native[None], native.to(torch.uint8)):
            assert np.array_equal(outline_of(_canvas(factor=factor), Region(mask=given_mask)), mask)

    @settings(max_examples=15, deadline=None)
    @given(st.floats(10, 30), st.floats(10, 30), st.floats(-3, 3), st.floats(-3, 3))
    def test_a_box_is_snapped_to_the_opacitys_edge(self, height, width, dy, dx):
        truth = _ellipse((100, 110), (height, width))
        box = (100 - height + dy, 110 - width + dx, 100 + height + dy, 110 + width + dx)
        assert _dice(outline_of(_canvas(0.5 * truth), Region(box=box)), truth) > 0.85

    @pytest.mark.parametrize("radius", [8, 15, 25])
    def test_a_point_finds_the_opacity_around_it(self, radius):
        truth = _ellipse((100, 110), (radius, radius))
        assert _dice(outline_of(_canvas(0.5 * truth), Region(point=(101.0, 109.0))), truth) > 0.85

    def test_without_snapping_a_box_is_its_superellipse(self):
        found = outline_of(_canvas(), Region(box=(60, 70, 120, 150)), snap=False)
        rows, columns = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
        assert (rows[0], rows[-1], columns[0], columns[-1]) == (60, 120, 70, 150)
        # Area of |x|^4 + |y|^4 <= 1 is 4 * Gamma(5/4)^2 / Gamma(3/2) = 3.708.
        assert found.sum() == pytest.approx(3.708 * 30 * 40, rel=0.02)

    def test_the_scale_of_the_values_does_not_matter(self):
        truth = _ellipse((100, 110), (18, 24))
        region = Region(box=(80, 84, 119, 135))
        assert np.array_equal(outline_of(_canvas(0.5 * truth), region), outline_of(_canvas(2.0 * truth), region))

    @pytest.mark.parametrize(
        ("region", "message"),
        [
            (Region(mask=torch.zeros(SHAPE)), "the mask of the opacity is empty on this film"),
            (Region(point=(-1.0, 5.0)), r"the region around \(-1, 5\) lies outside the film or is empty"),
            (Region(point=(5.0, 220.0)), r"the region around \(5, 220\) lies outside the film or is empty"),
            (Region(box=(50.0, 50.0, 50.5, 90.0)), r"the region around \(50, 70\) lies outside the film or is empty"),
            (Region(box=(300, 300, 340, 340)), r"lies outside the film or is empty"),
        ],
    )
    def test_a_region_without_pixels_is_refused(self, region, message):
        with pytest.raises(CannotEdit, match=message):
            outline_of(_canvas(), region)
