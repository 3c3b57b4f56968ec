"""Lines are found where they were drawn and nowhere else; marks and metal are told from tissue."""

import numpy as np
import pytest
import torch
from drawn_lines import with_letter, with_wire
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from phantom import phantom

from monai_cars.chest_xray.anatomy import ContrastUnit, contrast_unit
from monai_cars.chest_xray.anatomy.devices import find_devices
from monai_cars.chest_xray.anatomy.opaque import compact_parts, opaque_marks
from monai_cars.chest_xray.anatomy.ridges import trace_ridges

FILM = phantom(size=(384, 400))
MM = 1.0 / FILM.spacing[0]


def _found(film, mm=MM):
    return find_devices(film.image, contrast_unit(film.image, film.anatomy), mm)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_film_without_devices_has_none_over_its_lungs(seed):
    film = phantom(size=(384, 400), seed=seed)
    found = _found(film)
    lungs = film.anatomy[:2].amax(0).numpy() > 0
    assert (found.lines[lungs] > 0).mean() < 0.003
    assert not found.fixed[lungs].any()


def test_a_wire_is_found_along_its_whole_length():
    film, wire = with_wire(FILM)
    found = _found(film)
    assert (found.lines[wire] > 0).mean() > 0.85
    longest = float(found.lengths.max())
    assert longest == pytest.approx(np.hypot(290, 120) * FILM.spacing[0], rel=0.2)


def test_a_wire_is_found_on_a_film_of_twice_the_size_and_its_number_covers_the_same_place():
    large = phantom(size=(1100, 1100))
    image = large.image.clone()
    image[0, 500:508, 100:1000] += 0.5 * large.contrast_unit
    found = find_devices(image, contrast_unit(large.image, large.anatomy), 1.0 / large.spacing[0])
    assert found.factor == 2
    assert (found.lines[251:253, 60:490] > 0).mean() > 0.8


def test_a_letter_is_a_fixed_mark():
    film, letter = with_letter(FILM)
    assert _found(film).fixed[letter].mean() > 0.9


def test_scale_and_offset_of_the_values_change_nothing():
    film, _ = with_wire(FILM)
    unit = contrast_unit(film.image, film.anatomy)
    other = ContrastUnit(unit.value * 4, unit.mediastinum * 4 - 64, unit.aerated * 4 - 64, unit.share)
    assert np.array_equal(find_devices(film.image, unit, MM).lines, find_devices(film.image * 4 - 64, other, MM).lines)


def test_a_ridge_is_bright_on_both_sides_and_a_step_is_not():
    step = np.zeros((96, 96), np.float32)
    step[48:] = 1.0
    assert trace_ridges(step, 1.0).count == 0
    line = np.zeros((96, 96), np.float32)
    line[48] = 1.0
    ridges = trace_ridges(line, 1.0)
    assert ridges.length.max() == pytest.approx(92, abs=8)


@pytest.mark.parametrize("angle", [0, 20, 45, 70, 90, 130])
def test_a_line_is_one_curve_at_every_angle(angle):
    y, x = np.mgrid[:160, :160] - 80.0
    across = np.abs(y * np.cos(np.deg2rad(angle)) - x * np.sin(np.deg2rad(angle)))
    line = np.clip(1.5 - across, 0, 1).astype(np.float32)
    ridges = trace_ridges(line, 1.0)
    longest = ridges.length.max()
    assert longest > 140
    turn = np.abs(ridges.angle[ridges.curve == ridges.length.argmax()] - np.deg2rad(angle % 180))
    assert np.median(np.minimum(turn, np.pi - turn)) < np.deg2rad(8)


def test_flat_and_tiny_films_have_nothing():
    flat = torch.full((1, 64, 48), 7.0)
    found = find_devices(flat, ContrastUnit(1.0, 1.0, 0.0, 0.5), 1.0)
    assert not found.lines.any()
    assert not found.fixed.any()
    assert not find_devices(torch.zeros(1, 9, 9), ContrastUnit(1.0, 1.0, 0.0, 0.5), 1.0).lengths.size


def test_a_large_white_area_is_tissue_and_a_small_sharp_one_is_metal():
    film = np.zeros((256, 256), np.float32)
    film[200:] = 2.0
    film[40:80, 40:85] = 2.0
    marks = opaque_marks(film, torch.from_numpy(film), factor=1, mm=1.0)
    assert marks[60, 60]
    assert not marks[230, 128]


def test_a_clip_is_a_compact_part_and_a_broad_shadow_is_not():
    film = np.zeros((128, 128), np.float32)
    film[30:35, 30:36] = 1.0
    film[60:110, 60:110] = 1.0
    parts = compact_parts(film, 1.0)
    assert parts[32, 33]
    assert not parts[85, 85]


@settings(max_examples=15, deadline=None)
@given(
    arrays.arrays(np.float32, st.tuples(st.integers(12, 60), st.integers(12, 60)), elements=st.floats(-3, 3, width=16)),
    st.floats(0.3, 4.0),
)
def test_any_image_is_taken(image, mm):
    found = find_devices(torch.from_numpy(image)[None], ContrastUnit(1.0, 1.0, 0.0, 0.5), mm)
    assert found.lines.shape == found.fixed.shape == image.shape
    assert found.lines.max(initial=0) <= len(found.lengths) == len(found.likeness)
