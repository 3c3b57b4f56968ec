import gzip
from dataclasses import replace

import nibabel as nib
import numpy as np
import pydicom
import pytest
import torch
from film_builders import FORMATS, LOSSLESS, RECORD, dicom, edited, nifti, pixels, png, sources, transcode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.data import get_testdata_file

from monai_cars.files.atomic import write_atomically
from monai_cars.files.radiograph import RadiographError, header_of, read_native, read_radiograph, write_radiograph


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_source_comes_back_exactly_from_every_format(tmp_path, suffix):
    for source in sources(tmp_path):
        film = read_radiograph(source)
        image, support = edited(film)
        assert (image != film.image).sum() > 100
        path = write_radiograph(tmp_path / f"out{suffix}", image, header=film.header, support=support, record=RECORD)
        again = read_radiograph(path)
        assert torch.equal(again.image, image), source
        assert again.header.polarity == film.header.polarity
        before, after = read_native(source).stored, read_native(path).stored
        outside = support[0].numpy() == 0
        assert np.array_equal(before[outside], after[outside]), source


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii"])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_floating_point_niftis_keep_every_bit_outside(tmp_path, suffix, kind):
    stored = (pixels(12) / 7).astype(kind)
    film = read_radiograph(nifti(tmp_path / "film.nii.gz", stored))
    image, support = edited(film)
    path = write_radiograph(tmp_path / f"out{suffix}", image, header=film.header, support=support)
    after = read_native(path).stored
    assert after.dtype == kind
    outside = support[0].numpy() == 0
    assert np.array_equal(after[outside], stored[outside])
    assert torch.equal(read_radiograph(path).image, image)


def test_signed_films_are_written_as_dicom_and_nifti(tmp_path):
    film = read_radiograph(dicom(tmp_path / "film.dcm", pixels(12, signed=True), 12))
    image, support = edited(film)
    for suffix in (".dcm", ".nii.gz"):
        path = write_radiograph(tmp_path / f"out{suffix}", image, header=film.header, support=support)
        assert torch.equal(read_radiograph(path).image, image)
    with pytest.raises(RadiographError, match=r"\.png holds unsigned values of 8 or 16 bits \(got -2048 to 2047\)"):
        write_radiograph(tmp_path / "out.png", image, header=film.header, support=support)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bits=st.integers(8, 16),
    syntax=st.sampled_from(LOSSLESS),
    monochrome=st.sampled_from(["MONOCHROME1", "MONOCHROME2"]),
    slope=st.sampled_from(["1", "-2"]),
    suffix=st.sampled_from(FORMATS),
    box=st.tuples(st.integers(0, 60), st.integers(66, 130), st.integers(0, 60), st.integers(66, 131)),
)
def test_round_trips_are_exact(tmp_path, bits, syntax, monochrome, slope, suffix, box):
    tags = {"PhotometricInterpretation": monochrome, "RescaleSlope": slope, "RescaleIntercept": "3"}
    source = dicom(tmp_path / "source.dcm", pixels(bits, shape=(130, 131 + bits % 2)), bits, **tags)
    if bits > 8:
        source = transcode(source, tmp_path / "film.dcm", syntax)
    film = read_radiograph(source)
    image, support = edited(film, box)
    path = write_radiograph(tmp_path / f"out{suffix}", image, header=film.header, support=support)
    assert torch.equal(read_radiograph(path).image, image)


def test_what_other_readers_see_are_the_stored_integers(tmp_path):
    source = dicom(tmp_path / "film.dcm", pixels(12), 12, PhotometricInterpretation="MONOCHROME1")
    film = read_radiograph(source)
    image, support = edited(film)
    outside = support[0].numpy() == 0
    for suffix in FORMATS:
        write_radiograph(tmp_path / f"out{suffix}", image, header=film.header, support=support)
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.mode == "I;16"
        assert picture.text["Comment"] == "SYNTHETIC - NOT FOR DIAGNOSIS"
        seen = [np.asarray(picture)]
    seen.append(pydicom.dcmread(tmp_path / "out.dcm").pixel_array)
    seen.append(np.asarray(nib.load(tmp_path / "out.nii.gz").dataobj.get_unscaled()).T)
    for values in seen:
        assert np.array_equal(values, -image[0].numpy())
        assert np.array_equal(values[outside], pixels(12)[outside])
    # NIfTI's own scaling makes bright dense for every reader.
    assert np.array_equal(nib.load(tmp_path / "out.nii.gz").get_fdata().T, image[0].numpy())


def test_eight_bit_films_make_eight_bit_pngs(tmp_path):
    for source in (dicom(tmp_path / "film.dcm", pixels(8), 8), png(tmp_path / "film.png", pixels(8))):
        film = read_radiograph(source)
        write_radiograph(tmp_path / "out.png", film.image, header=film.header, support=torch.zeros_like(film.image))
        with Image.open(tmp_path / "out.png") as picture:
            assert picture.mode == "L"


def test_values_beyond_bits_stored_stay_as_they_are(tmp_path):
    stored = pixels(12).astype(np.int16)
    stored[5, 5] = -3  # outside what the range of an unsigned film would hold
    film = read_radiograph(nifti(tmp_path / "film.nii", stored))
    header = replace(film.header, low=0.0)
    path = write_radiograph(tmp_path / "out.nii", film.image, header=header, support=torch.ones_like(film.image))
    assert np.array_equal(read_native(path).stored, stored)


@pytest.fixture
def film(tmp_path):
    return read_radiograph(dicom(tmp_path / "film.dcm", pixels(12), 12))


def refused(tmp_path, film, message, *, name="out.dcm", **changes):
    image, support = edited(film)
    arguments = {"image": image, "header": film.header, "support": support, **changes}
    with pytest.raises(RadiographError, match=message):
        write_radiograph(tmp_path / name, arguments.pop("image"), **arguments)
    assert not list(tmp_path.glob("out*"))
    assert not list(tmp_path.glob(".*partial"))


def test_images_that_are_no_longer_the_film_are_refused(tmp_path, film):
    image, support = edited(film)
    message = r"film\.dcm: outside the support the image must equal its source file \(got \d+ pixels of 23040 that"
    for wrong in (image / 4095, image + 1, image.flip(-1), image.half().float()):
        refused(tmp_path, film, message + r".*by up to .*rescaled, resized or flipped\?\); save right", image=wrong)
    refused(tmp_path, film, message, support=torch.zeros_like(support))
    refused(tmp_path, film, message, image=torch.where(support > 0, image, torch.nan))
    small = torch.nn.functional.interpolate(image[None], scale_factor=0.5)[0]
    size = r"the image must have its source's size \(144, 160\) \(got \(72, 80\): was it resized"
    refused(tmp_path, film, size, image=small)
    refused(tmp_path, film, r"\(got \(160, 144\)", image=image.transpose(1, 2))
    refused(tmp_path, film, r"the support must have its source's size", support=support[:, 1:])
    refused(tmp_path, film, r"\(got \(3, 144, 160\)", image=image.repeat(3, 1, 1))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.5, r"edited values must be integers \(got 0.5: was the image rescaled\?\); save before"),
        (4096.0, r"edited values must be in 0 to 4095 \(got \d+ to 4096\); clip the edit"),
        (-1.0, r"edited values must be in 0 to 4095 \(got -1 to"),
        (float("nan"), r"edited values must be finite"),
        (float("inf"), r"edited values must be finite"),
    ],
)
def test_edited_values_that_cannot_be_stored_are_refused(tmp_path, film, value, message):
    image, _ = edited(film)
    image[0, 50, 70] = value
    refused(tmp_path, film, message, image=image)


def test_targets_and_sources_that_cannot_be_are_refused(tmp_path, film):
    refused(tmp_path, film, r"the suffix must be one of .*\(got 'out.jpg'\)", name="out.jpg")
    refused(tmp_path, film, "the source film is never overwritten", name="film.dcm")
    bare = film.image.clone()
    refused(tmp_path, film, r"written against its source file \(got a tensor", image=bare, header=header_of(bare))
    refused(tmp_path, film, r"record must be an edit", record="nonsense")
    refused(tmp_path, film, r"record must be an edit", record=[1])
    refused(tmp_path, film, r"plan\['created'\] must be an ISO 8601 time \(got 'today'\)", plan={"created": "today"})
    dicom(tmp_path / "film.dcm", pixels(12, seed=1), 12)
    refused(tmp_path, film, r"film\.dcm: the source file must be the one that was loaded \(got SHA-256")


def test_formats_that_cannot_hold_the_film_are_refused(tmp_path):
    floats = read_radiograph(nifti(tmp_path / "film.nii", pixels(8) / np.float32(3)))
    for suffix in (".dcm", ".png"):
        refused(
            tmp_path, floats, rf"\{suffix} holds integers \(got float32 values\); write \.nii\.gz", name=f"out{suffix}"
        )
    wide = read_radiograph(nifti(tmp_path / "film.nii", pixels(16).astype(np.int32) * 16))
    refused(tmp_path, wide, r"\.dcm holds 8 or 16 bits \(got 0 to 1048560\); write \.nii\.gz")


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "deep" / "file.bin"
    write_atomically(target, b"old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert [path.name for path in target.parent.iterdir()] == ["file.bin"]


def test_nifti_of_a_nifti_keeps_its_grid_and_drops_its_texts(tmp_path):
    source = nifti(tmp_path / "film.nii.gz", pixels(12), spacing=(0.2, 0.1), shape=(160, 144, 1), kind=nib.Nifti2Image)
    image = nib.load(source)
    image.header["descrip"] = b"Jane Doe"
    image.header.extensions.append(nib.nifti1.Nifti1Extension(6, b"Jane Doe"))
    source.write_bytes(gzip.compress(image.to_bytes()))
    film = read_radiograph(source)
    after, support = edited(film)
    path = write_radiograph(tmp_path / "out.nii.gz", after, header=film.header, support=support)
    again = nib.load(path)
    assert isinstance(again, nib.Nifti2Image)
    assert again.shape == (160, 144, 1)
    assert np.array_equal(again.affine, image.affine)
    assert again.get_data_dtype() == np.uint16
    assert b"Jane" not in gzip.decompress(path.read_bytes())
    assert again.header["descrip"].item() == b"SYNTHETIC - NOT FOR DIAGNOSIS"


def test_the_real_film_round_trips(tmp_path):
    film = read_radiograph(get_testdata_file("RG1_UNCR.dcm"))
    image, support = edited(film, (500, 700, 400, 650))
    for suffix in (".dcm", ".png", ".nii"):
        path = write_radiograph(tmp_path / f"out{suffix}", image, header=film.header, support=support, record=RECORD)
        assert torch.equal(read_radiograph(path).image, image)
    synthetic = pydicom.dcmread(tmp_path / "out.dcm", force=False)
    assert "PixelSpacing" not in synthetic  # the source's 0 x 0 is worse than none
    assert (synthetic.PhotometricInterpretation, synthetic.BitsStored) == ("MONOCHROME1", 15)
