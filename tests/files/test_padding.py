import numpy as np
import pytest
import torch
from film_builders import dataset, dicom, edited, pixels, transcode
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage as ndi

from monai_cars.files.padding import padded_pixels, without_padding
from monai_cars.files.radiograph import Header, read_native, read_radiograph, write_radiograph


def bordered(value, *, border=5, kind=np.int32, low=0, high=4095):
    """A film with a frame of one value, and where the frame is."""
    stored = np.clip(pixels(12).astype(np.int64), low, high)
    frame = np.ones(stored.shape, bool)
    frame[border:-border, border:-border] = False
    stored[frame] = value
    return stored.astype(kind), frame


FAR = {
    "white": (65535, np.uint16, 16),
    "beyond the stored bits": (65535, np.uint16, 12),
    "black": (-32768, np.int16, 16),
    "a little above": (16383, np.uint16, 16),
    "below": (-2000, np.int16, 16),
}


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("case", FAR)
def test_padding_far_from_the_film_is_seen_as_its_darkest_value_and_written_back_untouched(tmp_path, case, photometric):
    value, kind, bits = FAR[case]
    stored, frame = bordered(value, kind=kind)
    path = dicom(tmp_path / "film.dcm", stored, bits, PixelPaddingValue=value, PhotometricInterpretation=photometric)
    film = read_radiograph(path)
    assert np.array_equal(film.image[0].numpy() * film.header.polarity, stored)  # native values, padding with them
    seen, padded = without_padding(film.image, film.header)
    assert np.array_equal(padded[0].numpy(), frame)
    own = film.image[~padded]
    assert torch.equal(seen[~padded], own)
    assert bool((seen[padded] == own.min()).all())
    image, support = edited(film)
    image = torch.where(support > 0, image, film.image)
    after = read_native(write_radiograph(tmp_path / "out.dcm", image, header=film.header, support=support))
    assert np.array_equal(after.stored[frame], stored[frame])
    assert np.array_equal(after.stored[support[0].numpy() == 0], stored[support[0].numpy() == 0])
    assert (after.header.padding, after.header.bits) == (film.header.padding, bits)


@pytest.mark.parametrize("syntax", ["native", "implicit", "big endian"])
@pytest.mark.parametrize(
    ("kind", "vr", "value"), [(np.int16, "US", 63536), (np.int16, "SS", -2000), (np.uint16, "SS", -2000)]
)
def test_the_sign_of_the_padding_element_does_not_matter(tmp_path, kind, vr, value, syntax):
    stored, frame = bordered(-2000)
    film = dataset(stored.astype(kind), 16)
    film.add_new("PixelPaddingValue", vr, value)
    film.save_as(tmp_path / "source.dcm", enforce_file_format=True)
    film = read_radiograph(transcode(tmp_path / "source.dcm", tmp_path / "film.dcm", syntax))
    assert film.header.padding == ((-2000.0, -2000.0) if kind is np.int16 else (63536.0, 63536.0))
    assert int(padded_pixels(film.image, film.header.padding).sum()) == frame.sum()
    again = write_radiograph(tmp_path / "out.dcm", film.image, header=film.header, support=torch.zeros(144, 160))
    assert read_radiograph(again).header.padding == film.header.padding
    assert np.array_equal(read_native(again).stored, stored.astype(kind))


def test_a_range_of_padding_is_taken_whole(tmp_path):
    stored, frame = bordered(-2000, kind=np.int16)
    stored[0] = -2047
    for ends in ((-2047, -2000), (-2000, -2047)):
        path = dicom(tmp_path / "film.dcm", stored, 16, PixelPaddingValue=ends[0], PixelPaddingRangeLimit=ends[1])
        film = read_radiograph(path)
        assert film.header.padding == (-2047.0, -2000.0)
        assert np.array_equal(padded_pixels(film.image, film.header.padding)[0].numpy(), frame)


@pytest.mark.parametrize("value", [0, 1])
def test_a_black_border_stays_what_it_is(value):
    stored, _ = bordered(value, low=200)
    assert padded_pixels(torch.from_numpy(stored[None]).float(), (value, value)) is None


def test_a_padding_value_inside_the_anatomy_is_the_patients_own():
    stored, frame = bordered(4095, high=3000)
    stored[60:70, 60:70] = 4095  # a marker
    padded = padded_pixels(torch.from_numpy(stored[None]).float(), (4095, 4095))
    assert np.array_equal(padded[0].numpy(), frame)
    saturated = np.clip(pixels(12).astype(np.int64), 0, 3000)
    saturated[-40:, 30:90] = 3000  # an abdomen at the film's border, as bright as the film gets
    assert padded_pixels(torch.from_numpy(saturated[None]).float(), (3000, 3000)) is None


def test_a_white_frame_of_a_value_that_the_film_has_is_told_by_its_place():
    stored, frame = bordered(4095)
    stored[60:70, 60:70] = 4095
    stored[20:30, 20:30] = 4094
    assert np.array_equal(padded_pixels(torch.from_numpy(stored[None]).float(), (4095, 4095))[0].numpy(), frame)


def test_a_rotated_films_corners_are_padding():
    stored = pixels(12, full=False).astype(np.int64)
    y, x = np.mgrid[: stored.shape[0], : stored.shape[1]]
    corner = y + x < 60
    stored[corner] = 65535
    assert np.array_equal(padded_pixels(torch.from_numpy(stored[None]).float(), (65535, 65535))[0].numpy(), corner)


def test_a_tag_that_no_pixel_has_changes_nothing():
    image = torch.from_numpy(pixels(12)[None].astype(np.float32))
    for padding in (None, (-5.0, -5.0), (0.0, 4095.0), (9.0, 3.0)):
        assert padded_pixels(image, padding) is None
        header = Header("memory", "", "tensor", padding=padding)
        assert without_padding(image, header)[0] is image
    assert padded_pixels(torch.ones(1, 8, 8), (1.0, 1.0)) is None
    assert padded_pixels(torch.ones(1, 2, 8, 8), (1.0, 1.0)) is None
    two = torch.ones(1, 8, 8)
    two[0, 0] = 5
    assert padded_pixels(two, (5.0, 5.0)) is None  # of a blank film nobody knows


def test_on_an_inverted_film_the_darkest_value_is_the_greatest():
    stored, frame = bordered(65535)
    image = torch.from_numpy(stored[None]).float()
    header = Header("memory", "", "tensor", padding=(65535.0, 65535.0))
    seen, padded = without_padding(image, header, inverted=True)
    assert np.array_equal(padded[0].numpy(), frame)
    assert float(seen.max()) == stored[~frame].max()
    assert bool((seen[padded] == seen.max()).all())


@pytest.mark.parametrize("value", [65535, -32768, 16383, -2000])
def test_a_resampled_films_blend_of_padding_and_patient_is_padding(value):
    stored, frame = bordered(value, border=16)
    small = torch.nn.functional.interpolate(torch.from_numpy(stored)[None, None].float(), size=(100, 130), mode="area")[
        0
    ]
    seen, padded = without_padding(small, Header("memory", "", "tensor", padding=(float(value), float(value))))
    inner = torch.nn.functional.interpolate(torch.from_numpy(~frame)[None, None].float(), size=(100, 130), mode="area")[
        0
    ]
    assert bool((padded | (inner > 0)).all())
    beside = ndi.binary_dilation((inner == 0)[0].numpy(), np.ones((3, 3)), 2)
    assert not (padded[0].numpy() & ~beside).any()
    low, high = float(stored[~frame].min()), float(stored[~frame].max())
    assert low - 0.01 * (high - low) <= float(seen.min())
    assert float(seen.max()) <= high + 0.01 * (high - low)


@settings(max_examples=60, deadline=None)
@given(
    value=st.integers(-(2**15), 2**16 - 1),
    border=st.integers(0, 20),
    own=st.tuples(st.integers(0, 4095), st.integers(0, 4095)).filter(lambda ends: ends[0] < ends[1]),
)
def test_only_pixels_of_the_padding_value_are_ever_taken(value, border, own):
    rng = np.random.default_rng(border)
    stored = rng.integers(*own, size=(60, 70), endpoint=True)
    if border:
        stored[:border] = value
    image = torch.from_numpy(stored[None]).float()
    seen, padded = without_padding(image, Header("memory", "", "tensor", padding=(float(value), float(value))))
    if padded is None:
        assert torch.equal(seen, image)
        return
    assert bool((image[padded] == value).all())
    assert torch.equal(seen[~padded], image[~padded])
    assert float(seen[padded].max()) == float(image[~padded].min())
