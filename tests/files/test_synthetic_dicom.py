import hashlib
import json
from dataclasses import replace

import numpy as np
import pydicom
import torch
from film_builders import FORMATS, PLAN, RECORD, dicom, edited, pixels, png, sources
from pydicom.data import get_testdata_file
from pydicom.uid import UID

from monai_cars.files.deidentification import Deidentification
from monai_cars.files.radiograph import read_radiograph, write_radiograph


def written(tmp_path, source, *, record=RECORD, plan=PLAN, name="out.dcm", **options):
    film = read_radiograph(source, spacing=0.3)
    image, support = edited(film)
    path = write_radiograph(
        tmp_path / name, image, header=film.header, support=support, record=record, plan=plan, **options
    )
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
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "272479007", "SCT", "postero-anterior, Jane"
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
    assert synthetic.PatientSex == synthetic.Manufacturer == ""
    assert "PatientAge" not in synthetic
    codes = [item.CodeValue for item in synthetic.DeidentificationMethodCodeSequence]
    assert codes == ["113100"]
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
            assert reference.ReferencedSOPInstanceUID != pydicom.dcmread(source).SOPInstanceUID
            assert synthetic.SOPClassUID == pydicom.dcmread(source).SOPClassUID
        else:
            assert synthetic.SOPClassUID.name == "Secondary Capture Image Storage"
            assert synthetic.ConversionType == "WSD"
        assert UID(reference.ReferencedSOPInstanceUID).is_valid
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
    kept = {"deidentification": Deidentification(retain=("characteristics",))}
    synthetic, path = written(tmp_path, dicom(tmp_path / "film.dcm", pixels(12), 12, **tags), **kept)
    assert (synthetic.PatientAge, synthetic.PatientSex) == ("090Y", "F")
    assert read_radiograph(path).header.position == "erect"
    infant, _ = written(tmp_path, dicom(tmp_path / "film.dcm", pixels(12), 12, PatientAge="003M"), **kept)
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
