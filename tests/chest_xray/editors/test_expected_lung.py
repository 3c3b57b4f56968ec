"""What a hidden part of a lung is told to be: healthy lungs are told, opacities elsewhere do not pull."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import drawn_film, phantom

from monai_cars.chest_xray.editors.canvas.canvas import make_canvas
from monai_cars.chest_xray.editors.lung.expected_lung import condition, expected_lung, healthy
from monai_cars.chest_xray.editors.lung.lung_density import lung_density
from monai_cars.chest_xray.editors.lung.lung_grid import HEIGHTS, WIDTHS
from monai_cars.edits.edit import CannotEdit

SHAPE = (2, HEIGHTS, WIDTHS)
ALL = np.ones(SHAPE, bool)
NONE = np.zeros(SHAPE, bool)


def _lung(seed: int) -> np.ndarray:
    """A healthy lung drawn from the distribution itself."""
    mean, covariance = healthy()
    values, vectors = np.linalg.eigh(covariance)
    draw = np.random.default_rng(seed).standard_normal(len(mean))
    return (mean + vectors @ (np.sqrt(np.clip(values, 0, None)) * draw)).reshape(SHAPE)


def _part() -> np.ndarray:
    part = NONE.copy()
    part[0, 12:20, 2:9] = True
    return part


def test_the_distribution_is_one():
    mean, covariance = healthy()
    assert mean.shape == (np.prod(SHAPE),)
    assert np.allclose(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > -1e-6
    # Lungs are aerated, and denser beside the mediastinum than in their middle.
    lungs = mean.reshape(SHAPE)
    assert 0 < np.median(lungs) < 0.5
    assert lungs[:, :, 0].mean() > lungs[:, :, WIDTHS // 2].mean()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31))
def test_a_hidden_part_is_told_better_than_by_the_mean(seed):
    lung, part = _lung(seed), _part()
    found = condition(*healthy(), lung, ~part, NONE)
    mean = healthy()[0].reshape(SHAPE)
    assert np.abs(found - lung)[part].mean() < 0.08
    assert np.abs(found - lung)[part].mean() < max(np.abs(mean - lung)[part].mean(), 0.05)


def test_what_the_hidden_part_holds_matters_only_where_it_is_clearer():
    lung, part = _lung(1), _part()
    denser, clearer = lung + 0.5 * part, lung - 0.2 * part
    found = [condition(*healthy(), film, ~part, part) for film in (lung + 0.3 * part, denser, clearer)]
    assert np.allclose(found[0], found[1], atol=1e-3)
    assert found[2][part].mean() < found[1][part].mean() - 0.05


def test_an_opacity_elsewhere_is_believed_less():
    lung, part = _lung(2), _part()
    elsewhere = NONE.copy()
    elsewhere[0, 2:8, 2:9] = True
    found = [condition(*healthy(), film, ~part, NONE)[part].mean() for film in (lung, lung + 0.4 * elsewhere)]
    assert abs(found[1] - found[0]) < 0.06


def _canvas(film):
    seen = drawn_film(film)
    return make_canvas(film.image, film.anatomy, seen.unit, spacing=seen.spacing, position=None)


def test_a_film_is_told_within_its_own_texture():
    canvas = _canvas(phantom(size=(384, 400)))
    density = lung_density(canvas)
    hidden = np.zeros(canvas.u.shape, bool)
    hidden[180:240, 60:130] = True
    expected = expected_lung(canvas, density, hidden)
    inside = hidden & density.trusted
    assert np.abs(expected - density.low)[inside].mean() < 0.12


def test_too_little_lung_is_refused():
    film = phantom(size=(384, 400))
    canvas = _canvas(film)
    small = np.zeros_like(canvas.anatomy)
    small[0, 100:115, 60:80] = True
    little = replace(canvas, anatomy=small)
    with pytest.raises(CannotEdit, match="too little healthy lung is left on this film"):
        expected_lung(little, lung_density(little), np.zeros(canvas.u.shape, bool))


def test_a_veil_over_everything_leaves_the_clearest_cells():
    canvas = _canvas(phantom(size=(384, 400)))
    everywhere = np.ones(canvas.u.shape, bool)
    density = lung_density(canvas)
    expected = expected_lung(canvas, density, everywhere)
    assert expected[density.trusted].mean() <= density.low[density.trusted].mean() + 0.02
