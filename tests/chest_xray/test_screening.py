from pathlib import Path

import numpy as np
import pydicom
import pytest
import skimage
import torch
from phantom import phantom
from PIL import Image
from pydicom.data import get_testdata_file

from monai_cars.chest_xray.screening import implausible, require_frontal, require_whole
from monai_cars.chest_xray.training.anatomy_films import read_grey
from monai_cars.chest_xray.training.train_orientation import frontal_films
from monai_cars.files.radiograph import RadiographError


def picture(name):
    if name.endswith(".jpg"):
        with Image.open(Path(skimage.__file__).parent / "data" / name) as opened:
            return np.array(opened.convert("L"), np.float32)
    return pydicom.dcmread(str(get_testdata_file(name))).pixel_array.astype(np.float32)


def as_png(pixels, path):
    """The picture as an eight-bit PNG copy."""
    low, high = pixels.min(), pixels.max()
    Image.fromarray(((pixels - low) / (high - low) * 255).astype(np.uint8)).save(path)
    return read_grey(path).astype(np.float32)


@pytest.mark.parametrize("name", ["RG3_UNCR.dcm", "retina.jpg", "CT_small.dcm", "MR_small.dcm"])
def test_other_pictures_are_refused_from_their_pixels(name, tmp_path):
    pixels = picture(name)
    for version in (pixels, -pixels, as_png(pixels, tmp_path / "copy.png")):
        with pytest.raises(RadiographError, match=r"film\.png: .*; give"):
            require_frontal(torch.from_numpy(version)[None], source="film.png")


def test_the_real_film_passes_however_it_lies():
    film = torch.from_numpy(picture("RG1_UNCR.dcm"))[None]
    for version in (film, -film, film.mT, film.flip(-1), film[:, ::8, ::8] * 0.001 - 5):
        require_frontal(version)


def test_blank_tiny_broken_and_coloured_images_are_refused():
    with pytest.raises(RadiographError, match=r"must show something \(every pixel is 7\)"):
        require_frontal(torch.full((1, 200, 200), 7.0))
    with pytest.raises(RadiographError, match="must be finite"):
        require_frontal(torch.full((1, 200, 200), torch.nan))
    with pytest.raises(RadiographError, match="pixels or more on each side"):
        require_frontal(torch.rand(1, 20, 200))
    with pytest.raises(RadiographError, match=r"must have shape \(1, H, W\)"):
        require_frontal(torch.rand(2, 200, 200))


def test_few_real_films_are_refused(shared_data):
    files, _ = frontal_films(shared_data)
    refused = []
    for file in files[::25]:
        try:
            require_frontal(torch.from_numpy(read_grey(file))[None].float(), source=file.name)
        except RadiographError as error:
            refused.append(str(error))
    assert len(refused) <= 1, refused


def test_implausible_masks_are_told():
    anatomy = phantom(size=(128, 128)).anatomy
    assert implausible(anatomy) is None
    assert "right lung takes 0.0 %" in implausible(torch.zeros(3, 9, 9))
    assert "does not lie left of" in implausible(anatomy[[1, 0, 2]])


@pytest.mark.parametrize(
    ("edge", "window"),
    [("upper", (0.45, 1, 0, 1)), ("lower", (0, 0.55, 0, 1)), ("left", (0, 1, 0.25, 1)), ("right", (0, 1, 0, 0.75))],
)
def test_a_lung_that_the_border_cuts_is_told(edge, window):
    anatomy = phantom(size=(200, 200)).anatomy
    top, bottom, left, right = (round(200 * share) for share in window)
    assert f"is cut off by the {edge} border" in implausible(anatomy[:, top:bottom, left:right])


def test_lungs_that_only_touch_the_border_are_whole():
    anatomy = phantom(size=(200, 200)).anatomy
    rows, columns = (torch.nonzero(anatomy[:2].any(0).any(axis)).flatten() for axis in (1, 0))
    close = anatomy[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert implausible(close) is None


def test_a_film_that_shows_half_a_chest_is_refused():
    anatomy = phantom(size=(200, 200)).anatomy
    require_whole(anatomy)
    with pytest.raises(RadiographError, match=r"film.png: both lungs must be seen whole \(the left lung .*leave the"):
        require_whole(anatomy[:, :, :100], source="film.png")


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_lung_that_runs_over_two_films_is_told(side):
    anatomy = phantom(size=(200, 200)).anatomy
    stacked = torch.cat([torch.nn.functional.pad(anatomy, (0, 0, 20, 0)), anatomy], 1)
    one = 0 if side == "right" else 1
    stacked[1 - one, 220:] = 0  # the other is found in the upper film only
    assert f"the {side} lung is 2." in implausible(stacked)
