import numpy as np
import pydicom
import pytest
import torch
from film_builders import GDCM_SYNTAXES, LOSSLESS, dataset, dicom, nifti, pixels, png, transcode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from monai_cars.files.radiograph import read_native, read_radiograph

RG1 = ("RG1_UNCR.dcm", "RG1_J2KR.dcm")


def stored_of(film):
    return (film.header.polarity * film.image[0].double()).numpy()


def test_the_real_film_is_its_own_integers_with_the_sign_flipped():
    path = get_testdata_file("RG1_UNCR.dcm")
    film = read_radiograph(path)
    assert film.image.shape == (1, 1955, 1841)
    assert film.image.dtype == torch.float32
    assert type(film.image) is torch.Tensor
    assert np.array_equal(film.image[0].numpy(), -pydicom.dcmread(path).pixel_array.astype(np.float64))
    header = film.header
    assert (header.polarity, header.bits, header.integer) == (-1, 15, True)
    assert (header.low, header.high) == (-32767.0, 0.0)
    assert (header.spacing, header.spacing_source) == (None, "unknown")  # the file says 0.000 x 0.000
    assert (header.view, header.sex, header.position, header.lossy) == ("PA", "F", None, False)
    assert header.age == pytest.approx(55.56)
    assert not torch.signbit(film.image[film.image == 0]).any()


def test_lossless_variants_of_the_real_film_have_the_same_pixels(tmp_path):
    reference = read_radiograph(get_testdata_file(RG1[0])).image
    assert torch.equal(read_radiograph(get_testdata_file(RG1[1])).image, reference)
    for syntax in ("RLE", "JPEG-LS", "JPEG Lossless SV1"):
        path = transcode(get_testdata_file(RG1[0]), tmp_path / "film.dcm", syntax)
        assert torch.equal(read_radiograph(path).image, reference), syntax


def test_lossy_variants_of_the_real_film_are_close_and_say_so():
    reference = read_radiograph(get_testdata_file("RG1_UNCR.dcm")).image
    for name in ("RG1_J2KI.dcm", "RG1_UNCI.dcm"):
        film = read_radiograph(get_testdata_file(name))
        assert film.header.lossy
        assert 0 < (film.image - reference).abs().mean() < 100


@pytest.mark.parametrize(
    ("native", "compressed"),
    [
        ("693_UNCR.dcm", "693_J2KR.dcm"),
        ("693_UNCI.dcm", "693_J2KI.dcm"),
        ("MR2_UNCR.dcm", "MR2_J2KR.dcm"),
        ("MR2_UNCI.dcm", "MR2_J2KI.dcm"),
        ("RG1_UNCI.dcm", "RG1_J2KI.dcm"),
        ("RG3_UNCR.dcm", "RG3_J2KR.dcm"),
        ("RG3_UNCI.dcm", "RG3_J2KI.dcm"),
        ("JPEG2000_UNC.dcm", "JPEG2000.dcm"),
    ],
)
def test_real_pairs_of_native_and_compressed_files_have_the_same_pixels(native, compressed):
    pair = [read_native(get_testdata_file(name), check=False).stored for name in (native, compressed)]
    assert np.array_equal(*pair)


def test_extended_jpeg_of_12_bits_is_decoded():
    lossy, lossless = (read_native(get_testdata_file(name), check=False) for name in ("JPGExtended.dcm", "JPEG-LL.dcm"))
    assert (lossy.stored.max(), round(float(lossy.stored.mean()), 4)) == (264, 14.37)  # as libjpeg-turbo has it
    assert np.abs(lossy.stored.astype(int) - lossless.stored).mean() < 3
    assert (lossy.header.bits, lossy.header.lossy) == (12, True)


def test_baseline_jpeg_in_dicom_is_what_pillow_decodes(tmp_path):
    picture = png(tmp_path / "film.jpg", pixels(8))
    film = dataset(pixels(8), 8)
    film.PixelData = encapsulate([picture.read_bytes()])
    film["PixelData"].VR = "OB"
    film["PixelData"].is_undefined_length = True
    film.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    film.save_as(tmp_path / "film.dcm", enforce_file_format=True)
    read = read_radiograph(tmp_path / "film.dcm")
    assert torch.equal(read.image, read_radiograph(picture).image)
    assert read.header.lossy


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize(
    ("bits", "signed"), [(8, False), (10, False), (12, False), (12, True), (16, False), (16, True)]
)
def test_every_lossless_syntax_gives_the_stored_integers(tmp_path, syntax, bits, signed):
    stored = pixels(bits, signed=signed)
    source = dicom(tmp_path / "source.dcm", stored, bits)
    film = read_radiograph(transcode(source, tmp_path / "film.dcm", syntax))
    assert np.array_equal(stored_of(film), stored)
    assert film.header.bits == bits
    assert (film.header.low, film.header.high) == (stored.min(), stored.max())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bits=st.integers(8, 16),
    signed=st.booleans(),
    syntax=st.sampled_from(LOSSLESS),
    monochrome=st.sampled_from(["MONOCHROME1", "MONOCHROME2"]),
    slope=st.sampled_from([None, "1", "2.5", "-1"]),
    seed=st.integers(0, 999),
    odd=st.integers(0, 1),
)
def test_polarity_times_image_is_what_is_stored(tmp_path, bits, signed, syntax, monochrome, slope, seed, odd):
    stored = pixels(bits, signed=signed, seed=seed, shape=(130, 128 + odd))
    tags = {"PhotometricInterpretation": monochrome}
    if slope:
        tags |= {"RescaleSlope": slope, "RescaleIntercept": "-7"}
    source = dicom(tmp_path / "source.dcm", stored, bits, **tags)
    film = read_radiograph(transcode(source, tmp_path / "film.dcm", syntax))
    assert np.array_equal(stored_of(film), stored)
    assert film.header.polarity == (1 if monochrome == "MONOCHROME2" else -1) * (-1 if slope == "-1" else 1)
    assert film.header.low <= film.image.min() <= film.image.max() <= film.header.high


@pytest.mark.parametrize("bits", [8, 16])
def test_png_gives_its_integers(tmp_path, bits):
    stored = pixels(bits)
    film = read_radiograph(png(tmp_path / "film.png", stored))
    assert np.array_equal(stored_of(film), stored)
    assert (film.header.format, film.header.bits, film.header.lossy) == ("png", bits, False)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_png_with_equal_channels_is_taken(tmp_path, mode):
    stored = pixels(8)
    Image.fromarray(stored).convert(mode).save(tmp_path / "film.png")
    assert np.array_equal(stored_of(read_radiograph(tmp_path / "film.png")), stored)


def test_jpeg_is_lossy(tmp_path):
    stored = pixels(8)
    for mode in ("L", "RGB"):
        Image.fromarray(stored).convert(mode).save(tmp_path / "film.jpg", quality=95)
        film = read_radiograph(tmp_path / "film.jpg")
        assert np.array_equal(film.image[0].numpy(), np.asarray(Image.open(tmp_path / "film.jpg").convert("L")))
        assert film.header.lossy


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "int16", "int32", "float32"])
def test_nifti_rows_are_the_second_axis(tmp_path, suffix, kind):
    stored = pixels(8).astype(kind)
    film = read_radiograph(nifti(tmp_path / f"film{suffix}", stored, spacing=(0.2, 0.1)))
    assert film.image.shape[1:] == stored.shape
    assert np.array_equal(stored_of(film), stored)
    assert film.header.spacing == pytest.approx((0.2, 0.1))
    assert film.header.spacing_source == "pixdim"
    assert film.header.integer == (kind != "float32")


def test_nifti_of_unit_voxels_has_unknown_spacing_and_a_negative_slope_flips(tmp_path):
    stored = pixels(12)
    film = read_radiograph(nifti(tmp_path / "film.nii", stored, slope=-2.0, shape=(160, 144, 1)))
    assert film.header.spacing is None
    assert film.header.polarity == -1
    assert np.array_equal(film.image[0].numpy(), -stored.astype(np.float32))


def test_dicom_of_three_equal_channels_is_taken(tmp_path):
    stored = pixels(8)
    path = dicom(
        tmp_path / "film.dcm",
        np.repeat(stored[..., None], 3, axis=2),
        8,
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
    )
    assert np.array_equal(stored_of(read_radiograph(path)), stored)


def test_values_above_bits_stored_are_read_by_the_stored_bits(tmp_path):
    stored = pixels(12)
    path = dicom(tmp_path / "film.dcm", stored | 0x8000, 12)  # an overlay in an unused bit
    assert np.array_equal(stored_of(read_radiograph(path)), stored)


def test_files_are_told_by_their_content(tmp_path):
    stored = pixels(12)
    path = dicom(tmp_path / "film", stored, 12)
    assert np.array_equal(read_native(path.rename(tmp_path / "film.png")).stored, stored)


def test_gdcm_wrote_what_was_meant(tmp_path):
    source = dicom(tmp_path / "source.dcm", pixels(12), 12)
    syntaxes = [
        pydicom.dcmread(transcode(source, tmp_path / "f.dcm", name)).file_meta.TransferSyntaxUID
        for name in GDCM_SYNTAXES
    ]
    assert syntaxes == [pydicom.uid.JPEGLosslessSV1, pydicom.uid.JPEG2000Lossless]
