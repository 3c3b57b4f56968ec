import os

import nibabel as nib
import numpy as np
import pydicom
import pytest
from film_builders import LOSSLESS, dataset, dicom, nifti, pixels, png, transcode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.data import get_testdata_file

from monai_cars.files import native as native_rules
from monai_cars.files.radiograph import RadiographError, read_radiograph, write_radiograph

CODED_LATERAL = pydicom.Dataset()
CODED_LATERAL.CodeValue, CODED_LATERAL.CodingSchemeDesignator = "399067008", "SCT"
CODED_LATERAL.CodeMeaning = "lateral projection"
FOOT = pydicom.Dataset()
FOOT.CodeValue, FOOT.CodingSchemeDesignator, FOOT.CodeMeaning = "56459004", "SCT", "Foot"

REFUSED = {
    "multi-frame": (
        {"NumberOfFrames": 2},
        r"film\.dcm: a film must be a single frame \(got 2 frames\); split the file",
    ),
    "modality": ({"Modality": "CT"}, r"the modality must be a projection radiograph.*\(got CT\); leave the file out"),
    "left lateral": ({"ViewPosition": "LL"}, r"the view must be frontal, PA or AP \(got 'll'.*leave the file out"),
    "right lateral": ({"ViewPosition": "RL"}, "the view must be frontal"),
    "lateral": ({"ViewPosition": "LATERAL"}, "the view must be frontal"),
    "decubitus": ({"ViewPosition": "LLD"}, "the view must be frontal"),
    "series": ({"ViewPosition": None, "SeriesDescription": "CHEST_LAT"}, r"the view must be frontal.*got 'lat'"),
    "coded": ({"ViewPosition": "", "ViewCodeSequence": [CODED_LATERAL]}, "the view must be frontal"),
    "body part": ({"BodyPartExamined": "KNEE"}, r"the body part must be the chest \(got 'KNEE'\); leave the file out"),
    "region": ({"BodyPartExamined": None, "AnatomicRegionSequence": [FOOT]}, "the body part must be the chest"),
    "palette": (
        {"PhotometricInterpretation": "PALETTE COLOR"},
        r"the photometric interpretation must be .*got PALETTE",
    ),
    "bits": ({"BitsStored": 4, "HighBit": 3}, r"a film must have 8 to 24 bits a pixel \(got 4\); give the original"),
    "no pixels": ({"PixelData": None}, r"a DICOM film must have integer pixel data \(got none\)"),
    "no rows": ({"Rows": None}, "a DICOM film must describe its pixels"),
    "size": ({"Rows": 20}, r"at least 128 pixels a side \(got 20 x 160\); give the film itself"),
    "huge": ({"Rows": 65535, "Columns": 65535}, r"at most 100000000 pixels \(got 65535 x 65535\)"),
    "short": ({"PixelData": b"\0" * 100}, r"the pixels must decode \(got ValueError.*copy the file again"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_dicom_is_refused_with_rule_value_and_remedy(tmp_path, case):
    tags, message = REFUSED[case]
    with pytest.raises(RadiographError, match=message):
        read_radiograph(dicom(tmp_path / "film.dcm", pixels(), 12, **tags))


@pytest.mark.parametrize(
    "tags",
    [
        {"ViewPosition": "AP", "SeriesDescription": "Chest lateral"},  # the tag decides
        {"ViewPosition": None, "SeriesDescription": "CHEST PA AND LATERAL"},
        {"ViewPosition": "", "StudyDescription": "XR CHEST 2 VIEWS LATERAL"},
        {"SeriesDescription": "bilateral infiltrates"},
        {"BodyPartExamined": "RIBS"},
        {"BodyPartExamined": "PORT CHEST"},
        {"BodyPartExamined": ""},
        {"Modality": "CR"},
    ],
)
def test_frontal_films_of_the_chest_are_taken(tmp_path, tags):
    assert read_radiograph(dicom(tmp_path / "film.dcm", pixels(), 12, **tags)).image.shape == (1, 144, 160)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("RG3_UNCR.dcm", r"the body part must be the chest \(got 'EXTREMITY'\)"),
        ("CT_small.dcm", r"\(got CT\)"),
        ("MR_small.dcm", r"\(got MR\)"),
        ("test-SR.dcm", r"\(got SR\)"),
        ("color3d_jpeg_baseline.dcm", r"\(got US\)"),
        ("emri_small_jpeg_2k_lossless.dcm", r"\(got MR\)"),
        ("SC_rgb.dcm", "at least 128 pixels"),
        ("SC_rgb_jpeg_dcmd.dcm", "channels must be equal"),
        ("SC_rgb_2frame.dcm", r"\(got 2 frames\)"),
        ("OBXXXX1A_rle.dcm", r"\(got US\)"),
        ("OT-PAL-8-face.dcm", "its channels must be equal"),  # a palette of colours, without preamble
        ("no_meta.dcm", "must be a DICOM, PNG, JPEG or NIfTI file"),
        ("meta_missing_tsyntax.dcm", "must be complete and name its transfer syntax"),
        ("liver_1frame.dcm", r"\(got SEG\)"),
        ("rtplan_truncated.dcm", "must be complete|got RTPLAN"),
    ],
)
def test_files_that_are_no_chest_films_are_refused(name, message):
    with pytest.raises(RadiographError, match=message):
        read_radiograph(get_testdata_file(name))


def test_deflated_files_are_read():
    path = get_testdata_file("image_dfl.dcm")
    assert np.array_equal(read_radiograph(path).image[0], pydicom.dcmread(path).pixel_array)


def test_content_rules_can_be_left_to_the_pixels():
    assert read_radiograph(get_testdata_file("RG3_UNCR.dcm"), check=False).image.shape == (1, 1760, 1760)


def test_every_dicom_that_pydicom_ships_is_read_or_refused():
    folder = os.path.dirname(get_testdata_file("CT_small.dcm"))
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            try:
                read_radiograph(path)
            except RadiographError as error:
                assert name in str(error)  # noqa: PT017


@pytest.mark.parametrize("mode", ["RGB", "YCbCr"])
def test_colour_photographs_are_refused(tmp_path, mode):
    colour = np.stack([pixels(8), 255 - pixels(8), pixels(8) // 2], axis=-1)
    Image.fromarray(colour).convert(mode).save(tmp_path / "photo.jpg")
    with pytest.raises(RadiographError, match=r"photo\.jpg: a radiograph is grey.*a colour photograph\?\); give the"):
        read_radiograph(tmp_path / "photo.jpg")
    Image.fromarray(colour).save(tmp_path / "photo.png")
    with pytest.raises(RadiographError, match="its channels must be equal"):
        read_radiograph(tmp_path / "photo.png")


def test_images_that_are_no_grey_films_are_refused(tmp_path):
    stored = pixels(8)
    Image.merge("LA", [Image.fromarray(plane) for plane in (stored, np.full_like(stored, 7))]).save(
        tmp_path / "film.png"
    )
    with pytest.raises(RadiographError, match=r"must be opaque \(got an alpha channel down to 7\); remove the alpha"):
        read_radiograph(tmp_path / "film.png")
    Image.fromarray(stored > 99).save(tmp_path / "film.png")
    with pytest.raises(RadiographError, match=r"8 bits, or 16 bits in one grey channel \(got 1 bits, colour type 0\)"):
        read_radiograph(tmp_path / "film.png")
    Image.fromarray(stored).convert("CMYK").save(tmp_path / "film.jpg")
    with pytest.raises(RadiographError, match=r"must be grey or RGB \(got CMYK\)"):
        read_radiograph(tmp_path / "film.jpg")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".nii", ".dcm"])
def test_blank_and_small_films_are_refused(tmp_path, suffix):
    make = {
        ".png": png,
        ".jpg": png,
        ".nii": nifti,
        ".dcm": lambda path, stored: dicom(path, stored, 8),
    }[suffix]
    with pytest.raises(RadiographError, match=r"must not be blank \(got 37 in every pixel\); leave the file out"):
        read_radiograph(make(tmp_path / f"film{suffix}", np.full((130, 140), 37, np.uint8)))
    with pytest.raises(RadiographError, match=r"at least 128 pixels a side \(got 127 x 140\)"):
        read_radiograph(make(tmp_path / f"film{suffix}", pixels(8, shape=(127, 140))))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e300])
def test_values_that_are_not_finite_are_refused(tmp_path, wrong):
    stored = pixels(8).astype(np.float64)
    stored[70, 70] = wrong
    with pytest.raises(RadiographError, match="every value must be finite in float32"):
        read_radiograph(nifti(tmp_path / "film.nii", stored))


def test_niftis_that_are_no_films_are_refused(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((140, 140, 3), np.uint8), np.eye(4)), tmp_path / "volume.nii.gz")
    with pytest.raises(RadiographError, match=r"one two-dimensional image \(got a volume of shape \(140, 140, 3\)\)"):
        read_radiograph(tmp_path / "volume.nii.gz")
    with pytest.raises(RadiographError, match="must fit in 24 bits"):
        read_radiograph(nifti(tmp_path / "film.nii", pixels(16).astype(np.int32) * 1024))
    with pytest.raises(RadiographError, match=r"must hold real numbers \(got type complex64\)"):
        read_radiograph(nifti(tmp_path / "film.nii", pixels(8).astype(np.complex64)))


def test_paths_that_are_no_files_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.dcm").write_bytes(b"")
    for name, message in {
        "gone.png": "must exist and be readable.*no such file.*check the path",
        "pipe.png": "not a regular file",
        "text.png": "must be a DICOM, PNG, JPEG or NIfTI file.*got b'not an i'",
        "empty.dcm": "must be a DICOM, PNG, JPEG or NIfTI file",
        ".": "not a regular file",
        "a\0b": "must exist and be readable",
    }.items():
        with pytest.raises(RadiographError, match=message):
            read_radiograph(os.path.join(tmp_path, name))


def test_files_and_streams_of_absurd_size_are_refused(tmp_path, monkeypatch):
    path = nifti(tmp_path / "film.nii.gz", np.tile(pixels(8), (2, 2)))
    monkeypatch.setattr("monai_cars.files.nifti.MOST_BYTES", 50_000)
    with pytest.raises(RadiographError, match=r"at most 50000 bytes \(got more, once inflated\)"):
        read_radiograph(path)
    monkeypatch.setattr("monai_cars.files.formats.MOST_BYTES", 5_000)
    with pytest.raises(RadiographError, match=r"at most 5000 bytes \(got \d+\); leave the file out"):
        read_radiograph(path)
    assert native_rules.MOST_BYTES == 1 << 28


class Files(dict):
    def __repr__(self):
        return "whole files"  # hypothesis prints its arguments


def whole_files(folder):
    source = dicom(folder / "source.dcm", pixels(), 12)
    files = Files({name: transcode(source, folder / "film.dcm", name).read_bytes() for name in LOSSLESS})
    files["png"] = png(folder / "film.png", pixels(16)).read_bytes()
    files["jpeg"] = png(folder / "film.jpg", pixels(8)).read_bytes()
    files["progressive"] = png(folder / "film.jpg", pixels(8), progressive=True).read_bytes()
    files["nifti"] = nifti(folder / "film.nii", pixels()).read_bytes()
    files["nifti.gz"] = nifti(folder / "film.nii.gz", pixels()).read_bytes()
    return files


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return whole_files(tmp_path_factory.mktemp("whole"))


KINDS = [*LOSSLESS, "png", "jpeg", "progressive", "nifti", "nifti.gz"]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(KINDS), share=st.floats(0, 1, exclude_max=True))
def test_truncated_files_are_refused_at_any_offset(tmp_path, whole, kind, share):
    data = whole[kind]
    (tmp_path / "film").write_bytes(data[: int(share * len(data))])
    with pytest.raises(RadiographError, match=r"film: .*; "):
        read_radiograph(tmp_path / "film")


@pytest.mark.parametrize("kind", KINDS)
def test_files_short_of_their_last_bytes_are_refused(tmp_path, whole, kind):
    for missing in (1, 2, 3, 4, 5, 8, 9, 12, 13):
        (tmp_path / "film").write_bytes(whole[kind][:-missing])
        with pytest.raises(RadiographError):
            read_radiograph(tmp_path / "film")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(KINDS), flips=st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 255)), max_size=30))
def test_damaged_files_are_read_or_refused_and_nothing_else(tmp_path, whole, kind, flips):
    data = bytearray(whole[kind])
    for share, value in flips:
        data[int(share * len(data))] = value
    (tmp_path / "film").write_bytes(data)
    try:
        film = read_radiograph(tmp_path / "film")
    except RadiographError:
        return
    assert film.image.isfinite().all()


def test_unreadable_values_of_the_header_are_unknown(tmp_path):
    tags = {
        "PixelSpacing": ["0.1234", "0.1234"],
        "RescaleSlope": "-2.345",
        "RescaleIntercept": "0",
        "PatientAge": "077Y",
    }
    path = dicom(tmp_path / "film.dcm", pixels(), 12, **tags, PatientBirthDate="19400404")
    data = path.read_bytes()
    for good in (b"0.1234", b"-2.345", b"077Y", b"19400404"):
        assert good in data
        data = data.replace(good, (b"\xff\xfex!?/\x01z")[: len(good)])
    path.write_bytes(data)
    header = read_radiograph(path).header
    assert (header.polarity, header.spacing, header.age) == (1, None, None)
    after = write_radiograph(
        tmp_path / "out.dcm", read_radiograph(path).image, header=header, support=np.zeros((144, 160))
    )
    assert read_radiograph(after).header.bits == 12


def test_the_builder_makes_a_film_that_is_taken(tmp_path):
    dataset(pixels(), 12).save_as(tmp_path / "film.dcm", enforce_file_format=True)
    assert read_radiograph(tmp_path / "film.dcm").header.view == "PA"


@pytest.mark.parametrize("depth", [50, 20_000])
def test_sequences_nested_without_end_are_refused(tmp_path, depth):
    data = dicom(tmp_path / "film.dcm", pixels(), 12).read_bytes()
    item = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    where = data.index(b"\x28\x00\x02\x00US")  # before the pixel module
    (tmp_path / "film.dcm").write_bytes(data[:where] + item * depth + data[where:])
    with pytest.raises(RadiographError, match=r"film\.dcm: a DICOM f.*; "):
        read_radiograph(tmp_path / "film.dcm")
