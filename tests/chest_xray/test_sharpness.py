import math

import numpy as np
import pytest
import torch
from pydicom.data import get_testdata_file
from scipy import ndimage as ndi

from monai_cars.chest_xray.screening import require_frontal
from monai_cars.chest_xray.sharpness import LEAST_DETAIL, SIDE, fine_detail
from monai_cars.files.radiograph import RadiographError, read_radiograph


@pytest.fixture(scope="module")
def film():
    return read_radiograph(str(get_testdata_file("RG1_UNCR.dcm"))).image


def blurred(film, width):
    return torch.from_numpy(ndi.gaussian_filter(film[0].numpy(), width))[None]


@pytest.mark.parametrize("step", [1, 4])
def test_a_film_that_is_blurred_by_40_pixels_is_refused_whatever_is_left_of_its_size(film, step):
    require_frontal(blurred(film, 8)[:, ::step, ::step])
    with pytest.raises(RadiographError, match=r"film: a film must show fine detail \(got 0\.2\d % .*give the original"):
        require_frontal(blurred(film, 40)[:, ::step, ::step], source="film")


def test_detail_is_the_same_however_a_film_lies_and_whatever_its_values_mean(film):
    film = film[:, ::4, ::4]
    found = fine_detail(film)
    assert found > 3 * LEAST_DETAIL
    for version in (-film, film.mT, film.flip(-1), film * 0.001 - 5, film.expand(3, -1, -1)):
        assert fine_detail(version) == pytest.approx(found, rel=0.02)


def test_detail_falls_with_the_width_of_a_blur(film):
    found = [fine_detail(blurred(film[:, ::4, ::4], width)) for width in (1, 2, 4, 8, 16)]
    assert found == sorted(found, reverse=True)


def test_nothing_is_said_of_what_is_too_small_or_black():
    small = torch.from_numpy(np.random.default_rng(0).random((1, SIDE - 1, 400), np.float32))
    assert math.isnan(fine_detail(small))
    black = torch.zeros(1, 600, 600)
    black[:, :20] = torch.linspace(0, 1, 600)
    assert math.isnan(fine_detail(black))
