import pytest
import torch
from phantom import phantom

from monai_cars.chest_xray.teacher.preprocessing import INPUT_SIZE, crop, lungs_box, to_film, to_grid, to_input
from monai_cars.teachers import TeacherError


@pytest.fixture(scope="module")
def film():
    return phantom(size=(200, 180))


def test_the_box_holds_the_lungs_and_stays_on_the_film(film):
    top, bottom, left, right = lungs_box(film.anatomy)
    assert film.anatomy[:2, top:bottom, left:right].sum() == film.anatomy[:2].sum()
    assert lungs_box(film.anatomy, margin=9.0) == (0, 200, 0, 180)


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (0.01, -3.0), (7.0, 500.0)])
def test_no_scale_of_intensity_is_seen(film, gain, offset):
    seen = to_input(film.image, film.anatomy)
    assert seen.shape == (1, 4, INPUT_SIZE, INPUT_SIZE)
    torch.testing.assert_close(to_input(gain * film.image + offset, film.anatomy), seen, rtol=1e-3, atol=1e-3)


def test_what_lies_outside_the_box_is_not_seen(film):
    top, bottom, left, right = lungs_box(film.anatomy)
    other = torch.zeros_like(film.image)
    other[:, top:bottom, left:right] = film.image[:, top:bottom, left:right]
    assert torch.equal(to_input(other, film.anatomy), to_input(film.image, film.anatomy))


def test_masks_are_the_films_masks(film):
    share = to_input(film.image, film.anatomy)[0, 1:].mean((1, 2))
    top, bottom, left, right = lungs_box(film.anatomy)
    true = film.anatomy[:, top:bottom, left:right].float().mean((1, 2))
    torch.testing.assert_close(share, true, rtol=0, atol=5e-3)


def test_a_large_film_is_seen_as_a_small_one():
    small, large = (phantom(size=(side, side), texture=0.0, integer=False) for side in (300, 900))
    seen, same = (to_input(film.image, film.anatomy)[0, 0] for film in (small, large))
    assert (seen - same).abs().mean() < 0.03


def test_a_map_comes_back_to_its_place():
    found = to_film(torch.ones(4, 4), (2, 6, 3, 9), (10, 12))
    assert found.sum() == 24
    assert (found[2:6, 3:9] == 1).all()


def test_a_constant_crop_stays_constant():
    assert (crop(torch.full((1, 2000, 30), 3.0), (0, 2000, 0, 30), 16) == 3).all()


@pytest.mark.parametrize(
    ("image", "anatomy", "message"),
    [
        ((1, 20, 20), (3, 20, 20), r"the anatomy holds lungs on 0 rows and 0 columns, 8 are needed"),
        ((1, 20, 20), (3, 10, 20), r"on one grid, got \(1, 20, 20\) and \(3, 10, 20\)"),
        ((3, 20, 20), (3, 20, 20), r"takes a film \(1, H, W\)"),
        ((1, 20, 20), (1, 20, 20), r"must be masks \(S >= 2, H, W\), right lung first, got \(1, 20, 20\)"),
    ],
)
def test_what_cannot_be_read_is_named(image, anatomy, message):
    with pytest.raises(TeacherError, match=message):
        to_input(torch.rand(image), torch.zeros(anatomy))


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_a_map_on_a_grid_is_the_films_at_every_so_many_pixels(step):
    values, box = torch.rand(5, 6, generator=torch.Generator().manual_seed(0)), (5, 47, 9, 60)
    whole = to_film(values, box, (50, 61))[::step, ::step]
    torch.testing.assert_close(to_grid(values, box, (50, 61), step), whole, rtol=0, atol=1e-6)
