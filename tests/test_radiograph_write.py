import gzip
import hashlib
import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pydicom
import pytest
import torch
from film_builders import LOSSLESS, dicom, nifti, pixels, png, transcode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import UID

from monai_cars.files.atomic import write_atomically
from monai_cars.radiograph import RadiographError, header_of, read_native, read_radiograph, write_radiograph

RECORD = {"operation": "insert", "finding": "nodule", "side": "left", "zone": "upper", "seed": 7}
PLAN = {"created": "2026-01-02T03:04:05", "name": "demo"}
FORMATS = (".dcm", ".png", ".nii.gz", ".nii")


def edited(film, box=(40, 60, 50, 90)):
    """An edit that only the support holds, clipped to the header's range."""
    y0, y1, x0, x1 = box
    support = torch.zeros(film.image.shape, dtype=torch.uint8)
    support[:, y0:y1, x0:x1] = 1
    image = film.image.clone()
    inside = image[:, y0 + 2 : y1 - 2, x0 + 2 : x1 - 2]
    inside += torch.linspace(1, 30, inside.numel()).reshape(inside.shape)
    if film.header.integer:
        image = image.round()
    return image.clamp(film.header.low, film.header.high), support


def sources(folder):
    stored = pixels(12)
    yield dicom(folder / "m2.dcm", stored, 12)
    yield dicom(folder / "m1.dcm", stored, 12, PhotometricInterpretation="MONOCHROME1")
    yield dicom(folder / "slope.dcm", stored, 12, RescaleSlope="-1", RescaleIntercept="4095")
    yield dicom(folder / "bits8.dcm", pixels(8), 8)
    yield dicom(folder / "bits16.dcm", pixels(16), 16)
    yield transcode(folder / "m1.dcm", folder / "jls.dcm", "JPEG-LS")
    yield transcode(folder / "m2.dcm", folder / "big.dcm", "big endian")
    yield transcode(folder / "m2.dcm", folder / "implicit.dcm", "implicit")
    yield png(folder / "p8.png", pixels(8))
    yield png(folder / "p16.png", pixels(16))
    yield png(folder / "j.jpg", pixels(8))
    yield nifti(folder / "n8.nii", pixels(8), spacing=(0.2, 0.1))
    yield nifti(folder / "n16.nii.gz", stored.astype(np.int16), slope=-1.0)
    yield nifti(folder / "n32.nii.gz", stored.astype(np.int32), shape=(160, 144, 1))


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


# ---- refusals ---------------------------------------------------------------------------------------------------


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


# ---- safety -----------------------------------------------------------------------------------------------------


def written(tmp_path, source, *, record=RECORD, plan=PLAN, name="out.dcm"):
    film = read_radiograph(source, spacing=0.3)
    image, support = edited(film)
    path = write_radiograph(tmp_path / name, image, header=film.header, support=support, record=record, plan=plan)
    return pydicom.dcmread(path), path


IDENTIFIERS = {
    "OtherPatientIDs": "26210",
    "PatientAddress": "Elm Street 1",
    "OperatorsName": "Smith^John",
    "InstitutionAddress": "Main Road",
    "StationName": "ROOM7",
    "DeviceSerialNumber": "SN-0815",
    "PatientComments": "knows Jane",
    "ProtocolName": "Jane's protocol",
    "AcquisitionDate": "20110305",
    "RequestingPhysician": "Wilson^James",
    "PatientInsurancePlanCodeSequence": [],
}


def test_nothing_that_identifies_a_patient_is_left(tmp_path):
    source = dicom(tmp_path / "film.dcm", pixels(12), 12, **IDENTIFIERS)
    film = pydicom.dcmread(source)
    film.private_block(0x0011, "ACME", create=True).add_new(1, "LO", "Jane Doe private")
    item = pydicom.Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "1", "SCT", "postero-anterior"
    item.PatientName = "Doe^Jane"
    film.ViewCodeSequence = [item]
    film.save_as(source)
    synthetic, path = written(tmp_path, source)
    data = path.read_bytes()
    gone = [b"Doe", b"Jane", b"MRN-4711", b"ACC-99", b"19500102", b"20110305", b"House", b"St Elsewhere", b"ACME"]
    gone += [b"26210", b"Elm", b"Smith", b"Main Road", b"ROOM7", b"SN-0815", b"Wilson"]
    assert [word for word in gone if word in data] == []
    assert not any(element.tag.is_private for element in synthetic.iterall())
    assert synthetic.PatientBirthDate == synthetic.ReferringPhysicianName == synthetic.AccessionNumber == ""
    assert synthetic.PatientID.startswith("SYNTH-")
    assert synthetic.PatientIdentityRemoved == "YES"
    assert (synthetic.PatientSex, synthetic.PatientAge) == ("F", "061Y")
    assert synthetic.ViewCodeSequence[0].CodeMeaning == "postero-anterior"


def test_every_written_dicom_says_that_it_is_synthetic(tmp_path):
    for source in sources(tmp_path):
        synthetic, _ = written(tmp_path, source)
        assert list(synthetic.ImageType) == ["DERIVED", "SECONDARY"]
        assert synthetic[0x0008, 0x001C].value == "YES"
        assert synthetic.ImageComments == synthetic.SeriesDescription == "SYNTHETIC - NOT FOR DIAGNOSIS"
        assert synthetic.DerivationDescription.startswith("SYNTHETIC - NOT FOR DIAGNOSIS")
        assert "insert nodule left upper" in synthetic.DerivationDescription
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
        assert digest in synthetic.DerivationDescription
        assert synthetic.PatientID.startswith("SYNTH-")
        reference = synthetic.SourceImageSequence[0]
        if source.suffix == ".dcm":
            assert reference.ReferencedSOPInstanceUID == pydicom.dcmread(source).SOPInstanceUID
            assert synthetic.SOPClassUID == pydicom.dcmread(source).SOPClassUID
        else:
            assert UID(reference.ReferencedSOPInstanceUID).is_valid
            assert synthetic.SOPClassUID.name == "Secondary Capture Image Storage"
            assert synthetic.ConversionType == "WSD"
        assert (synthetic.StudyDate, synthetic.StudyTime) == ("20260102", "030405")
        uids = [synthetic.StudyInstanceUID, synthetic.SeriesInstanceUID, synthetic.SOPInstanceUID]
        assert len(set(uids)) == 3
        assert all(uid.startswith("2.25.") and UID(uid).is_valid and int(uid[5:]) < 2**128 for uid in uids)
        assert synthetic.file_meta.MediaStorageSOPInstanceUID == synthetic.SOPInstanceUID


def test_the_same_run_gives_the_same_bytes_and_another_run_other_uids(tmp_path):
    source = dicom(tmp_path / "film.dcm", pixels(12), 12)
    first, path = written(tmp_path, source)
    data = path.read_bytes()
    wrapped = json.dumps({"edits": [RECORD]})
    assert written(tmp_path, source, record=wrapped, name="other.dcm")[1].read_bytes() == data
    others = [
        written(tmp_path, source, record={**RECORD, "seed": 8})[0],
        written(tmp_path, source, plan={**PLAN, "name": "second"})[0],
        written(tmp_path, dicom(tmp_path / "film2.dcm", pixels(12, seed=1), 12))[0],
    ]
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert len({film[keyword].value for film in [first, *others]}) == 4
    assert first.PatientID == others[0].PatientID != others[2].PatientID
    for suffix in (".png", ".nii.gz"):
        paths = [written_bytes(tmp_path, source, f"{name}{suffix}") for name in "ab"]
        assert paths[0] == paths[1]


def written_bytes(tmp_path, source, name):
    film = read_radiograph(source)
    image, support = edited(film)
    return write_radiograph(tmp_path / name, image, header=film.header, support=support).read_bytes()


def test_without_a_plan_there_are_no_dates(tmp_path):
    synthetic, _ = written(tmp_path, dicom(tmp_path / "film.dcm", pixels(12), 12), plan=None, record=None)
    assert synthetic.StudyDate == synthetic.StudyTime == ""
    assert "ContentDate" not in synthetic
    assert "no edit" in synthetic.DerivationDescription


def test_technical_attributes_are_kept(tmp_path):
    tags = {
        "PhotometricInterpretation": "MONOCHROME1",
        "PixelSpacing": [0.2, 0.1],
        "RescaleSlope": "2.5",
        "RescaleIntercept": "-10",
        "WindowCenter": ["2000", "1800"],
        "KVP": "120",
        "PixelPaddingValue": 0,
        "SeriesDescription": "Chest AP supine Jane",
        "ViewPosition": "AP",
    }
    synthetic, path = written(tmp_path, dicom(tmp_path / "film.dcm", pixels(12), 12, **tags))
    for keyword in set(tags) - {"SeriesDescription"}:
        assert synthetic[keyword].value == pydicom.dcmread(tmp_path / "film.dcm")[keyword].value
    assert (synthetic.BitsAllocated, synthetic.BitsStored, synthetic.HighBit) == (16, 12, 11)
    header = read_radiograph(path).header
    assert (header.view, header.position, header.spacing) == ("AP", "supine", (0.2, 0.1))


def test_spacing_of_the_datalist_is_written_and_a_guess_is_not(tmp_path):
    source = dicom(tmp_path / "film.dcm", pixels(12), 12, PixelSpacing=[0, 0])
    assert written(tmp_path, source)[0].PixelSpacing == [0.3, 0.3]
    film = read_radiograph(source)
    guess = replace(film.header, spacing=(0.3, 0.3), spacing_source="estimated")
    for suffix in FORMATS:
        path = write_radiograph(tmp_path / f"g{suffix}", film.image, header=guess, support=torch.zeros_like(film.image))
        assert read_radiograph(path).header.spacing is None


def test_erect_position_and_old_age_survive_in_the_form_that_is_safe(tmp_path):
    tags = {"SeriesDescription": "Chest PA erect", "PatientAge": "097Y"}
    synthetic, path = written(tmp_path, dicom(tmp_path / "film.dcm", pixels(12), 12, **tags))
    assert synthetic.PatientAge == "090Y"
    assert read_radiograph(path).header.position == "erect"
    infant, _ = written(tmp_path, dicom(tmp_path / "film.dcm", pixels(12), 12, PatientAge="003M"))
    assert infant.PatientAge == "003M"
    burned, _ = written(tmp_path, dicom(tmp_path / "film.dcm", pixels(12), 12, BurnedInAnnotation="YES"))
    assert (burned.PatientIdentityRemoved, burned.BurnedInAnnotation) == ("NO", "YES")


def test_lossy_history_is_kept(tmp_path):
    from_jpeg, path = written(tmp_path, png(tmp_path / "film.jpg", pixels(8)))
    assert (from_jpeg.LossyImageCompression, from_jpeg.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert float(from_jpeg.LossyImageCompressionRatio) > 1
    assert read_radiograph(path).header.lossy
    film = read_radiograph(tmp_path / "film.jpg")
    write_radiograph(tmp_path / "out.png", film.image, header=film.header, support=torch.zeros_like(film.image))
    assert read_radiograph(tmp_path / "out.png").header.lossy
    lossless, _ = written(tmp_path, dicom(tmp_path / "film.dcm", pixels(12), 12))
    assert "LossyImageCompression" not in lossless
    source = get_testdata_file("RG1_J2KI.dcm")
    kept, _ = written(tmp_path, source)
    original = pydicom.dcmread(source)
    assert kept.LossyImageCompression == "01"
    assert kept.LossyImageCompressionRatio == original.LossyImageCompressionRatio


def test_colour_dicom_of_equal_channels_is_written_grey(tmp_path):
    stored = np.repeat(pixels(8)[..., None], 3, axis=2)
    tags = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    synthetic, _ = written(tmp_path, dicom(tmp_path / "film.dcm", stored, 8, **tags))
    assert (synthetic.SamplesPerPixel, synthetic.PhotometricInterpretation) == (1, "MONOCHROME2")


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
