"""The fixed descriptor: what it must not see (scale, size) and what it must (blur, grain, a pasted border)."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom import phantom
from scipy import ndimage as ndi

from monai_cars.chest_xray.teacher.descriptor import SCALES_MM, FixedDescriptor, pixels_per_mm, region_vector
from monai_cars.edits.edit import Box
from monai_cars.teachers import Embedder

DESCRIBE = FixedDescriptor()
FILM = phantom(size=(256, 256))
BOX = Box(90, 40, 140, 90)  # in the right lung


def _inside(film: torch.Tensor, change) -> torch.Tensor:
    changed = film.clone()
    tile = changed[0][BOX.slices].numpy()
    tile[...] = change(tile.copy())
    return changed


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 50), st.floats(-1000, 1000), st.booleans())
def test_an_affine_map_of_the_values_changes_nothing(factor, offset, region):
    box = BOX if region else None
    one = DESCRIBE(FILM.image, FILM.anatomy, box)
    assert torch.allclose(DESCRIBE(factor * FILM.image + offset, FILM.anatomy, box), one, atol=2e-2)


def test_a_film_of_four_times_the_pixels_is_described_alike():
    large = torch.nn.functional.interpolate(FILM.image[None], scale_factor=2, mode="bilinear")[0]
    masks = FILM.anatomy.repeat_interleave(2, 1).repeat_interleave(2, 2)
    one, other = DESCRIBE(FILM.image, FILM.anatomy, BOX), DESCRIBE(large, masks, Box(*(2 * edge for edge in BOX)))
    assert torch.allclose(one, other, atol=0.15)
    assert float(DESCRIBE(FILM.image, FILM.anatomy) @ DESCRIBE(large, masks)) > 0.99


def test_blur_takes_fine_energy_and_grain_adds_it():
    energies = slice(0, 4 * len(SCALES_MM), 4)
    plain = DESCRIBE(FILM.image, FILM.anatomy, BOX)[energies]
    blurred = DESCRIBE(_inside(FILM.image, lambda t: ndi.gaussian_filter(t, 3)), FILM.anatomy, BOX)[energies]
    noise = np.random.default_rng(0).normal(size=(50, 50)).astype(np.float32)
    noisy = DESCRIBE(_inside(FILM.image, lambda t: t + 300 * noise), FILM.anatomy, BOX)[energies]
    assert blurred[0] < plain[0] - 0.5
    assert noisy[0] > plain[0] + 0.5
    assert abs(float(blurred[-1] - plain[-1])) < 0.5  # the coarsest scale hardly knows


def test_a_pasted_border_has_a_heavy_tail():
    flat = np.random.default_rng(0).normal(scale=0.01, size=(80, 80))
    pasted = flat.copy()
    pasted[30:50, 30:50] += 1.0
    window = (slice(10, 70), slice(10, 70))
    tails = [region_vector(grid, window, 1.0)[1] for grid in (flat, pasted)]
    assert tails[1] > tails[0] + 1.0


@pytest.mark.parametrize(("axis", "sign"), [(1, 1.0), (0, -1.0)])
def test_stripes_have_the_direction_of_their_gradient(axis, sign):
    stripes = np.sin(np.arange(80) / 2.0)[None].repeat(80, 0)
    grid = stripes if axis == 1 else stripes.T
    vector = region_vector(grid, (slice(10, 70), slice(10, 70)), 1.0)
    assert vector[2] == pytest.approx(sign, abs=1e-3)
    assert vector[3] == pytest.approx(0.0, abs=1e-3)


def test_a_flat_region_has_no_texture_and_no_shape():
    vector = region_vector(np.full((60, 60), 0.4), (slice(10, 50), slice(10, 50)), 1.0)
    assert np.isfinite(vector).all()
    assert vector[16] == pytest.approx(0.4)
    np.testing.assert_allclose(vector[17:], 0.0, atol=1e-6)


def test_other_patients_are_farther_than_an_edited_film():
    own, edited = (DESCRIBE(f, FILM.anatomy) for f in (FILM.image, _inside(FILM.image, lambda t: t + 400)))
    other = phantom(size=(256, 256), seed=5, heart_width=0.5)
    assert float(own @ edited) > float(own @ DESCRIBE(other.image, other.anatomy))
    assert float(own @ own) == pytest.approx(1.0, abs=1e-5)


def test_films_without_lungs_or_contrast_are_described_too():
    empty, flat = torch.zeros(3, 256, 256), torch.full((1, 256, 256), 7.0)
    for film, box in ((FILM.image, BOX), (FILM.image, None), (flat, BOX), (flat, None)):
        assert bool(torch.isfinite(DESCRIBE(film, empty, box)).all())
    assert pixels_per_mm(empty) == 256 / 400


def test_a_box_at_the_corner_of_the_film():
    assert bool(torch.isfinite(DESCRIBE(FILM.image, FILM.anatomy, Box(250, 250, 256, 256))).all())


def test_it_is_an_embedder_that_travels_to_workers():
    assert isinstance(DESCRIBE, Embedder)
    assert pickle.loads(pickle.dumps(DESCRIBE)) == DESCRIBE


def test_a_grid_must_be_positive_and_a_box_hold_pixels():
    with pytest.raises(ValueError, match=r"grid_mm must be positive \(got 0\)"):
        FixedDescriptor(grid_mm=0)
    with pytest.raises(ValueError, match=r"box must hold pixels \(got \(5, 5, 5, 9\)\)"):
        DESCRIBE(FILM.image, FILM.anatomy, Box(5, 5, 5, 9))
