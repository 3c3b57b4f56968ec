"""Small real files of every format, for tests."""

from pathlib import Path

import gdcm
import nibabel as nib
import numpy as np
import pydicom
import torch
from PIL import Image
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

SIDES = (144, 160)


def pixels(bits=12, *, signed=False, shape=SIDES, seed=0, full=True):
    """A smooth film with noise that uses the whole range."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    values = low + (high - low) * (0.3 + 0.2 * np.sin(y / 20) + 0.2 * np.cos(x / 30)) + rng.normal(0, 3, shape)
    values = np.clip(np.round(values), low, high)
    if full:
        values[0, :2] = low, high
    return values.astype(("int" if signed else "uint") + ("8" if bits == 8 else "16"))


def dataset(stored, bits, **tags):
    """A DX film with an identifiable patient; ``tags`` set or, when None, remove attributes."""
    film = pydicom.Dataset()
    film.SOPClassUID = DigitalXRayImageStorageForPresentation
    film.SOPInstanceUID, film.StudyInstanceUID, film.SeriesInstanceUID = (generate_uid() for _ in range(3))
    film.Modality, film.BodyPartExamined, film.ViewPosition = "DX", "CHEST", "PA"
    film.PatientName, film.PatientID, film.PatientBirthDate = "Doe^Jane", "MRN-4711", "19500102"
    film.PatientSex, film.PatientAge, film.AccessionNumber = "F", "061Y", "ACC-99"
    film.InstitutionName, film.ReferringPhysicianName = "St Elsewhere", "House^Gregory"
    film.StudyDate, film.StudyTime, film.StudyDescription = "20110305", "101112", "Jane Doe chest"
    film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
    film.Rows, film.Columns = stored.shape[:2]
    film.BitsAllocated, film.BitsStored, film.HighBit = 8 * stored.dtype.itemsize, bits, bits - 1
    film.PixelRepresentation = int(stored.dtype.kind == "i")
    film.PixelData = stored.tobytes() + b"\0" * (stored.nbytes % 2)
    film["PixelData"].VR = "OW" if stored.dtype.itemsize > 1 else "OB"
    for keyword, value in tags.items():
        if value is None:
            del film[keyword]
        else:
            setattr(film, keyword, value)
    film.file_meta = pydicom.dataset.FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return film


def dicom(path, stored, bits, **tags):
    dataset(stored, bits, **tags).save_as(path, enforce_file_format=True)
    return Path(path)


GDCM_SYNTAXES = {
    "JPEG Lossless SV1": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "JPEG 2000": gdcm.TransferSyntax.JPEG2000Lossless,
}
LOSSLESS = ("native", "implicit", "big endian", "RLE", "JPEG-LS", *GDCM_SYNTAXES)


def transcode(source, target, syntax):
    """Write a native DICOM in another lossless transfer syntax."""
    film = pydicom.dcmread(source)
    if syntax in GDCM_SYNTAXES:
        reader = gdcm.ImageReader()
        reader.SetFileName(str(source))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(GDCM_SYNTAXES[syntax]))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(target))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return Path(target)
    if syntax in ("RLE", "JPEG-LS"):
        film.compress(RLELossless if syntax == "RLE" else JPEGLSLossless, generate_instance_uid=False)
    elif syntax == "big endian":
        film.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRBigEndian
        if film.BitsAllocated == 16:
            film.PixelData = np.frombuffer(film.PixelData, "<u2").byteswap().tobytes()
        pydicom.dcmwrite(target, film, implicit_vr=False, little_endian=False, force_encoding=True)
        return Path(target)
    elif syntax == "implicit":
        film.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        pydicom.dcmwrite(target, film, implicit_vr=True, little_endian=True, force_encoding=True)
        return Path(target)
    film.save_as(target, enforce_file_format=True)
    return Path(target)


def png(path, stored, **options):
    Image.fromarray(stored).save(path, **options)
    return Path(path)


def nifti(path, stored, *, spacing=(1.0, 1.0), slope=None, shape=None, kind=nib.Nifti1Image):
    values = stored.T if shape is None else stored.T.reshape(shape)
    image = kind(values, np.diag([spacing[1], spacing[0], 1.0, 1.0]))
    if slope is not None:
        image.header.set_slope_inter(slope, 0.0)
    Path(path).write_bytes(image.to_bytes()) if str(path).endswith(".nii") else nib.save(image, path)
    return Path(path)


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
