"""DICOM films: which are taken, and what their header says."""

import re
from datetime import datetime
from typing import Any

import numpy as np
import pydicom
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit

from monai_cars.echo import cause
from monai_cars.files.decode_process import DecodeError, decode
from monai_cars.files.dicom_parsing import PIXEL_DATA, parse
from monai_cars.files.dicom_rules import check_header, value, words
from monai_cars.files.header import Header, RadiographError
from monai_cars.files.native import Native, equal_channels, integer_range
from monai_cars.files.quiet import quiet

MAGNIFICATION = 1.1
"""Of the chest on the detector: source at 1.8 m, the heart some 16 cm before the plate."""
SEQUENCE_END = b"\xfe\xff\xdd\xe0"
VIEWS = {"PA": r"\b(pa|postero[- ]?anterior)\b", "AP": r"\b(ap|antero[- ]?posterior)\b"}
LOSSY = {JPEGBaseline8Bit, JPEGExtended12Bit, "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91"}


def is_dicom(data: bytes) -> bool:
    """Tell a DICOM file by the four letters behind its preamble."""
    return data[128:132] == b"DICM"


def read_dicom(source: str, data: bytes, sha256: str, *, check: bool = True) -> Native:
    """Read a single-frame DICOM film.

    ``check=False`` skips the rules on modality, view and body part, not those on the pixels' form.

    Raises:
        RadiographError: when a rule refuses the file or it does not decode.
    """
    with quiet():  # pydicom's remarks on the spelling of values are not about this run, and quote them
        dataset = _parsed(source, data)
        check_header(source, dataset, content=check)
        values = equal_channels(source, _pixels(source, dataset))
        if values.shape != (dataset.Rows, dataset.Columns):
            raise RadiographError(
                f"{source}: the pixels must have the header's size {dataset.Rows} x {dataset.Columns} "
                f"(got {values.shape}); the file is damaged, copy it again"
            )
        header = _header(source, sha256, dataset)
        del dataset.PixelData
    return Native(values, header, dataset)


def _parsed(source: str, data: bytes) -> pydicom.Dataset:
    try:
        dataset = parse(data)
        _check_end(dataset, data)
    except Exception as error:
        raise RadiographError(
            f"{source}: a DICOM file must be complete and name its transfer syntax "
            f"(got {cause(error)}); copy the file again"
        ) from error
    return dataset


def _check_end(dataset: pydicom.Dataset, data: bytes) -> None:
    """Look for the end of compressed pixels, whose last four bytes pydicom does not miss."""
    encapsulated = dataset.file_meta.TransferSyntaxUID.is_encapsulated
    last = max(dataset.keys(), default=None)
    if last is None or last != PIXEL_DATA or not encapsulated:
        return
    body = data.rstrip(b"\0")
    if not body.endswith(SEQUENCE_END) or len(data) - len(body) < 4:
        raise EOFError("the pixel data have no end")


def _pixels(source: str, dataset: pydicom.Dataset) -> np.ndarray:
    try:
        if not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
            return dataset.pixel_array  # numpy only: no native decoder runs
        return decode(source, "dicom")[0]
    except Exception as error:
        said = str(error) if isinstance(error, DecodeError) else cause(error)
        raise RadiographError(
            f"{source}: the pixels must decode (got {said}); copy the file again or leave it out"
        ) from error


def _header(source: str, sha256: str, dataset: pydicom.Dataset) -> Header:
    polarity = -1 if dataset.PhotometricInterpretation == "MONOCHROME1" else 1
    if (number(dataset, "RescaleSlope") or 1.0) < 0:
        polarity = -polarity
    bits, signed = int(dataset.BitsStored), bool(value(dataset, "PixelRepresentation"))
    low, high = integer_range(bits, signed, polarity)
    spacing, origin = spacing_of(dataset)
    return Header(
        source,
        sha256,
        "dicom",
        polarity,
        bits,
        True,
        low,
        high,
        spacing=spacing,
        spacing_source=origin,
        view=_view(dataset),
        position=_position(dataset),
        age=age_of(dataset),
        sex={"M": "M", "F": "F", "O": "O"}.get(str(value(dataset, "PatientSex") or "").strip().upper()),
        lossy=value(dataset, "LossyImageCompression") == "01" or dataset.file_meta.TransferSyntaxUID in LOSSY,
    )


def number(dataset: pydicom.Dataset, keyword: str) -> float | None:
    """Return one decimal value of the header, None when it is absent or unreadable."""
    try:
        result = float(value(dataset, keyword))
    except (TypeError, ValueError):
        return None
    return result if np.isfinite(result) else None


def spacing_of(dataset: pydicom.Dataset) -> tuple[tuple[float, float] | None, str]:
    """Return millimetres per pixel in the patient and where they come from."""
    for keyword, divisor, name in (
        ("PixelSpacing", 1.0, "PixelSpacing"),
        ("ImagerPixelSpacing", MAGNIFICATION, "ImagerPixelSpacing/1.1"),
    ):
        try:
            rows, columns = (float(size) for size in value(dataset, keyword))
        except (TypeError, ValueError):
            continue
        if rows > 0 and columns > 0 and np.isfinite(rows * columns):
            return (rows / divisor, columns / divisor), name
    return None, "unknown"


def _view(dataset: pydicom.Dataset) -> str | None:
    for keywords in (("ViewPosition",), ("ViewCodeSequence",), ("SeriesDescription", "ProtocolName")):
        said = words(dataset, *keywords)
        stated = {view for view, spelling in VIEWS.items() if re.search(spelling, said)}
        if stated:
            return stated.pop() if len(stated) == 1 else None
    return None


def _position(dataset: pydicom.Dataset) -> str | None:
    """Erect or supine only where the header says so: an AP view alone proves neither."""
    if value(dataset, "PatientPosition") in ("HFS", "FFS"):
        return "supine"
    said = words(
        dataset,
        "PatientPosition",
        "ViewPosition",
        "SeriesDescription",
        "ProtocolName",
        "StudyDescription",
        "AcquisitionDeviceProcessingDescription",
        "PatientOrientationCodeSequence",
        "PatientOrientationModifierCodeSequence",
        "ViewModifierCodeSequence",
    )
    said = re.sub(r"\bsemi[- ]?(erect|upright|supine|recumbent)\b", " ", said)
    erect = bool(re.search(r"\b(erect|upright|standing)\b", said))
    supine = bool(re.search(r"\bsupine\b", said))
    return None if erect == supine else ("erect" if erect else "supine")


def age_of(dataset: pydicom.Dataset) -> float | None:
    """Return the patient's age in years, from PatientAge or else from the dates of birth and acquisition."""
    match = re.fullmatch(r"\s*(\d{1,3})([DWMY])\s*", str(value(dataset, "PatientAge") or ""))
    if match:
        return float(match[1]) / {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}[match[2]]
    born = _date(value(dataset, "PatientBirthDate"))
    for keyword in ("AcquisitionDate", "ContentDate", "SeriesDate", "StudyDate"):
        taken = _date(value(dataset, keyword))
        if born and taken and taken >= born:
            return round((taken - born).days / 365.25, 2)
    return None


def _date(text: Any) -> datetime | None:
    try:
        return datetime.strptime(str(text or ""), "%Y%m%d")
    except ValueError:
        return None
