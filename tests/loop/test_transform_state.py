"""What holds of a film after a chain has scaled, resized, flipped or transposed it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import Flip, Resize, ScaleIntensity
from phantom import phantom

from monai_cars.chest_xray.modality import order_of_masks
from monai_cars.edits.axes import ORDERS, from_standard
from monai_cars.files.radiograph import META_KEY, Header
from monai_cars.loop.state import current_header

FILM = phantom(size=(128, 160))


def loaded(spacing=(0.5, 0.5), image=FILM.image):
    header = Header("film.dcm", "ab", "dicom", bits=12, integer=True, low=0, high=4095, spacing=spacing)
    affine = np.diag([*(spacing or (1.0, 1.0)), 1.0, 1.0])
    return MetaTensor(image, affine=affine, meta={META_KEY: header.to_json(), "original_affine": affine})


@given(st.sampled_from(ORDERS), st.integers(0, 3))
def test_every_way_of_laying_a_film_down_is_read_from_its_masks(order, seed):
    masks = from_standard(phantom(size=(96, 128), seed=seed).anatomy, order)
    assert order_of_masks(masks) == order


def test_a_missing_lung_leaves_what_was_stated_and_a_missing_heart_means_upright():
    masks = FILM.anatomy.clone()
    masks[2] = 0
    assert order_of_masks(masks) == "HW"
    masks[1] = 0
    assert order_of_masks(masks, otherwise="WH-turn") == "WH-turn"


def test_native_values_keep_their_range_and_scaled_ones_lose_it():
    header = current_header(loaded(), FILM.anatomy)
    assert (header.integer, header.high, header.bits, header.sha256) == (True, 4095, 12, "ab")
    scaled = current_header(ScaleIntensity()(loaded()), FILM.anatomy)
    assert (scaled.integer, scaled.low, scaled.high, scaled.sha256) == (False, 0.0, 1.0, "ab")
    assert current_header((FILM.image / 16).to(torch.uint8), FILM.anatomy).integer


def test_spacing_follows_resampling_and_unknown_spacing_stays_unknown():
    half = Resize((64, 80))
    masks = FILM.anatomy[:, ::2, ::2]
    assert current_header(half(loaded()), masks).spacing == pytest.approx((1.0, 1.0))
    assert current_header(half(loaded(None)), masks).spacing is None


def test_spacing_of_monais_own_readers():
    affine = np.diag([0.2, 0.3, 1, 1.0])
    stated = MetaTensor(FILM.image, affine=affine, meta={"original_affine": affine})
    assert current_header(stated, FILM.anatomy).spacing == pytest.approx((0.2, 0.3))
    none = MetaTensor(FILM.image, meta={"original_affine": np.eye(4)})
    assert current_header(Resize((64, 80))(none), FILM.anatomy[:, ::2, ::2]).spacing is None
    assert current_header(FILM.image, FILM.anatomy).spacing is None


def test_spacing_counts_pixels_where_the_affine_does():
    film = loaded()
    film.affine = torch.eye(4, dtype=torch.float64)
    film.meta["original_affine"] = np.eye(4)
    assert current_header(Resize((64, 80))(film), FILM.anatomy[:, ::2, ::2]).spacing == pytest.approx((1.0, 1.0))


def test_a_mirrored_film_warns_and_a_turned_one_does_not():
    with pytest.warns(UserWarning, match="mirrored left to right .axes 'HW-flip'.*as RandFlipd leaves it"):
        current_header(Flip(1)(loaded()), FILM.anatomy.flip(-1))
    assert current_header(loaded(image=FILM.image.flip(-1, -2)), FILM.anatomy.flip(-1, -2)).axes == "HW-turn"


def test_an_inverted_film_without_a_header_is_told_by_its_mediastinum():
    assert current_header(1 - FILM.image, FILM.anatomy).axes == "HW-inverted"
    assert current_header(FILM.image, FILM.anatomy).axes == "HW"


def test_what_was_recognised_as_inverted_stays_so():
    film = loaded()
    film.meta[META_KEY] = Header("f", "ab", "png", axes="WH-inverted").to_json()
    assert current_header(film, FILM.anatomy).axes == "HW-inverted"
