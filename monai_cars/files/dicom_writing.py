"""A synthetic film as DICOM: technical attributes by allow list, everything that identifies a person left out."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pydicom
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)

from monai_cars import __version__
from monai_cars.files.deidentification import Deidentification
from monai_cars.files.dicom import spacing_of
from monai_cars.files.dicom_display import TABLES, polarity_of
from monai_cars.files.dicom_kept import keep
from monai_cars.files.dicom_rules import GREY, PALETTE, value
from monai_cars.files.header import Header
from monai_cars.files.identity import WARNING, created, summary
from monai_cars.files.native import Native
from monai_cars.files.quiet import quiet
from monai_cars.files.sides import LETTERS_OF, SILENT, of_directions

PADDING = ("PixelPaddingValue", "PixelPaddingRangeLimit")
FILM_CLASSES = {
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
}
OLDEST = 90
"""Years; greater ages identify people and are written as this one."""
METHODS = {
    "1.2.840.10008.1.2.4.81": "ISO_14495_1",
    "1.2.840.10008.1.2.4.91": "ISO_15444_1",
}
ERECT = ("10904000", "erect")
RECUMBENT, SUPINE = ("102538003", "recumbent"), ("40199007", "supine")


def encode_dicom(
    native: Native,
    stored: np.ndarray,
    header: Header,
    *,
    edits: list[dict[str, Any]],
    plan: Mapping[str, Any] | None,
    size: int,
    how: Deidentification,
) -> bytes:
    """Return the bytes of the synthetic film.

    Args:
        native: the source film.
        stored: ``(H, W)`` values to store, 8 or 16 bits (32 where the source has them).
        header: the film's header; its spacing is written where the source file has none.
        edits: what was done.
        plan: the run plan; its "created" time gives the dates.
        size: bytes of the source file, for the ratio of a lossy compression.
        how: what is kept of the source's identity.
    """
    source = native.origin if isinstance(native.origin, pydicom.Dataset) else None
    film = pydicom.Dataset()
    with quiet():  # the source's own spelling of values is kept
        if source is not None:
            keep(film, source)
            if source.PhotometricInterpretation in PALETTE:
                _drop(film, PADDING, TABLES, ("PresentationLUTShape",))  # they are told in the palette's indices
        else:
            _from_image(film, native)
        _set_directions(film, native.header)
        known = source if source is not None else pydicom.Dataset()
        _identify(film, known, header, edits, plan, how)
        _describe(film, known, header, edits, how)
        _set_scale(film, header)
        _set_lossy(film, source, native, size)
        _set_pixels(film, native.header, stored, source)
        return _bytes(film)


def _drop(film: pydicom.Dataset, *groups: tuple[str, ...]) -> None:
    for keyword in (keyword for group in groups for keyword in group if keyword in film):
        del film[keyword]


def _from_image(film: pydicom.Dataset, native: Native) -> None:
    film.Modality = "OT"
    film.BodyPartExamined = "CHEST"
    film.PatientOrientation = None
    if native.header.format == "nifti":
        slope, intercept = float(native.origin.dataobj.slope), float(native.origin.dataobj.inter)
        if (slope, intercept) != (1.0, 0.0):
            film.RescaleSlope, film.RescaleIntercept = f"{slope:.10g}", f"{intercept:.10g}"
            film.RescaleType = "US"


def _identify(
    film: pydicom.Dataset,
    source: pydicom.Dataset,
    header: Header,
    edits: list[dict[str, Any]],
    plan: Mapping[str, Any] | None,
    how: Deidentification,
) -> None:
    own_class = value(source, "SOPClassUID")
    film.SOPClassUID = own_class if own_class in FILM_CLASSES else SecondaryCaptureImageStorage
    if film.SOPClassUID == SecondaryCaptureImageStorage:
        film.ConversionType = "WSD"
    film.StudyInstanceUID, film.SeriesInstanceUID, film.SOPInstanceUID = how.uids(source, header.sha256, plan, edits)
    film.PatientID = film.PatientName = how.patient(source, header.sha256)
    # Type 2: they must be there, empty.
    for keyword in (
        "PatientBirthDate",
        "PatientSex",
        "ReferringPhysicianName",
        "StudyID",
        "AccessionNumber",
        "StudyDate",
        "StudyTime",
        "Manufacturer",
    ):
        setattr(film, keyword, "")
    if "characteristics" in how.retain:
        film.PatientSex = header.sex or ""
        if header.age is not None:
            film.PatientAge = _age(header.age)
    film.SeriesNumber = film.InstanceNumber = 1
    time = created(plan)
    if time is not None:
        for keyword in ("Study", "Series", "Content", "InstanceCreation"):
            setattr(film, f"{keyword}Date", time.strftime("%Y%m%d"))
            setattr(film, f"{keyword}Time", time.strftime("%H%M%S"))
    film.PatientIdentityRemoved = "NO" if film.get("BurnedInAnnotation") == "YES" else "YES"
    film.DeidentificationMethod = "Header attributes by allow list; pixels not searched for text"
    film.DeidentificationMethodCodeSequence = [_code(code, meaning, "DCM") for code, meaning in how.codes()]
    film.LongitudinalTemporalInformationModified = "REMOVED"


def _set_directions(film: pydicom.Dataset, header: Header) -> None:
    """Say how the pixels lie where the source says it elsewhere: in EXIF, an affine, or direction cosines."""
    known = header.laterality == "stated" or (header.laterality == "assumed" and header.axes != "HW")
    letters = value(film, "PatientOrientation") or ()
    if known and (len(letters) != 2 or of_directions(*letters) == SILENT):
        film.PatientOrientation = list(LETTERS_OF[header.axes])


def _age(years: float) -> str:
    if years < 2:
        return f"{int(years * 12):03d}M"
    return f"{min(int(years), OLDEST):03d}Y"


def _describe(
    film: pydicom.Dataset,
    source: pydicom.Dataset,
    header: Header,
    edits: list[dict[str, Any]],
    how: Deidentification,
) -> None:
    film.SpecificCharacterSet = "ISO_IR 192"
    film.ImageType = ["DERIVED", "SECONDARY"]
    film.SyntheticData = "YES"
    film.SeriesDescription = film.StudyDescription = film.ImageComments = WARNING
    film.SoftwareVersions = f"monai-cars {__version__}"
    film.DerivationDescription = (
        f"{WARNING}. Counterfactual by monai-cars {__version__}: {summary(edits)}. Source SHA-256 {header.sha256}."
    )[:1024]
    original = pydicom.Dataset()
    # The counterfactuals of one source name the same one, which tells nothing else.
    original.ReferencedSOPClassUID = film.SOPClassUID
    original.ReferencedSOPInstanceUID = how.source_uid(source, header.sha256)
    original.PurposeOfReferenceCodeSequence = [_code("121322", "Source image for image processing operation", "DCM")]
    film.SourceImageSequence = [original]
    film.BodyPartExamined = film.get("BodyPartExamined", "")
    film.ViewPosition = header.view or film.get("ViewPosition", "")
    if header.position and "PatientOrientationCodeSequence" not in film:
        item = _code(*(ERECT if header.position == "erect" else RECUMBENT))
        if header.position == "supine":
            item.PatientOrientationModifierCodeSequence = [_code(*SUPINE)]
        film.PatientOrientationCodeSequence = [item]


def _code(code: str, meaning: str, scheme: str = "SCT") -> pydicom.Dataset:
    item = pydicom.Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, scheme, meaning
    return item


def _set_scale(film: pydicom.Dataset, header: Header) -> None:
    if spacing_of(film)[0] is not None:
        return
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        if keyword in film:  # zero or negative: worse than none
            del film[keyword]
    # A scale estimated from anatomy is a guess about this patient and stays in the record.
    if header.spacing is not None and header.spacing_source in ("datalist", "pixdim"):
        film.PixelSpacing = [f"{size:.10g}" for size in header.spacing]


def _set_lossy(film: pydicom.Dataset, source: pydicom.Dataset | None, native: Native, size: int) -> None:
    if not native.header.lossy:
        return
    film.LossyImageCompression = "01"
    syntax = None if source is None else str(source.file_meta.TransferSyntaxUID)
    if "LossyImageCompressionRatio" not in film and (
        source is None or source.file_meta.TransferSyntaxUID.is_encapsulated
    ):
        film.LossyImageCompressionRatio = f"{max(native.stored.nbytes / max(size, 1), 1.0):.4g}"
        film.LossyImageCompressionMethod = METHODS.get(str(syntax), "ISO_10918_1")


def _set_pixels(film: pydicom.Dataset, header: Header, stored: np.ndarray, source: pydicom.Dataset | None) -> None:
    film.SamplesPerPixel = 1
    film.PhotometricInterpretation = photometric(film, header, source)
    film.Rows, film.Columns = stored.shape
    film.BitsAllocated = 8 * stored.dtype.itemsize
    film.BitsStored = min(header.bits, film.BitsAllocated)
    film.HighBit = film.BitsStored - 1
    film.PixelRepresentation = int(stored.dtype.kind == "i")
    data = np.ascontiguousarray(stored, dtype=stored.dtype.newbyteorder("<")).tobytes()
    film.PixelData = data + b"\0" * (len(data) % 2)
    film["PixelData"].VR = "OW" if film.BitsAllocated > 8 else "OB"


def photometric(film: pydicom.Dataset, header: Header, source: pydicom.Dataset | None = None) -> str:
    """Return the interpretation by which polarity reads back, the source's own where that does it."""
    own = str(value(source or pydicom.Dataset(), "PhotometricInterpretation") or "")
    for said in (own, "MONOCHROME2", "MONOCHROME1"):
        film.PhotometricInterpretation = said
        if said in GREY and polarity_of(header.source, film) == header.polarity:
            return said
    raise AssertionError("one of the two has the film's polarity")


def _bytes(film: pydicom.Dataset) -> bytes:
    film.file_meta = pydicom.dataset.FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stream = io.BytesIO()
    film.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
