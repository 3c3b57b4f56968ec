"""DICOM films: which are taken, and what their header says."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pydicom
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit

from monai_cars.files.dicom_display import decimals, number, polarity_of, respell
from monai_cars.files.dicom_pixels import Pixels, pixels_of
from monai_cars.files.dicom_rules import check_header, value, words
from monai_cars.files.dicom_sides import sides_of
from monai_cars.files.dicom_stream import is_dicom, parsed
from monai_cars.files.header import Header, RadiographError
from monai_cars.files.native import Native, integer_range
from monai_cars.files.quiet import quiet

__all__ = ["age_of", "is_dicom", "number", "read_dicom", "spacing_of"]

MAGNIFICATION = 1.1
"""Of the chest on the detector: source at 1.8 m, the heart some 16 cm before the plate."""
MAGNIFICATIONS = (1.0, 2.0)
"""Of a chest film; a header that estimates another is wrong about it."""
MOST_ASPECT = 4.0
"""Longer over shorter side of a pixel; a header that says more is wrong about it."""
VIEWS = {"PA": r"\b(pa|postero[- ]?anterior)\b", "AP": r"\b(ap|antero[- ]?posterior)\b"}
LOSSY = {JPEGBaseline8Bit, JPEGExtended12Bit, "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91"}


def read_dicom(source: str, data: bytes, sha256: str, *, check: bool = True) -> Native:
    """Read a single-frame DICOM film.

    ``check=False`` skips the rules on modality, view and body part, not those on the pixels' form.

    Raises:
        RadiographError: when a rule refuses the file or it does not decode.
    """
    with quiet():  # pydicom's remarks on the spelling of values are not about this run, and quote them
        dataset, notes = parsed(source, data)
        respell(dataset)
        notes += check_header(source, dataset, content=check)
        pixels = pixels_of(source, dataset)
        if pixels.stored.shape != (dataset.Rows, dataset.Columns):
            raise RadiographError(
                f"{source}: the pixels must have the header's size {dataset.Rows} x {dataset.Columns} "
                f"(got {pixels.stored.shape}); the file is damaged, copy it again"
            )
        sides = sides_of(source, dataset, content=check)
        header = replace(_header(source, sha256, dataset, pixels), axes=sides.axes, laterality=sides.laterality)
        del dataset.PixelData
    return Native(pixels.stored, replace(header, notes=(*notes, *pixels.notes)), dataset)


def _header(source: str, sha256: str, dataset: pydicom.Dataset, pixels: Pixels) -> Header:
    polarity = polarity_of(source, dataset)
    low, high = integer_range(pixels.bits, pixels.signed, polarity)
    spacing, origin = spacing_of(dataset)
    ends = sorted(float(polarity * end) for end in pixels.padding or ())
    return Header(
        source,
        sha256,
        "dicom",
        polarity,
        pixels.bits,
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
        padding=(ends[0], ends[1]) if ends else None,
        aspect=_aspect(dataset),
    )


def spacing_of(dataset: pydicom.Dataset) -> tuple[tuple[float, float] | None, str]:
    """Return millimetres per pixel in the patient and where they come from."""
    magnification = _magnification(dataset)
    for keyword, divisor, name in (
        ("PixelSpacing", 1.0, "PixelSpacing"),
        ("ImagerPixelSpacing", magnification, f"ImagerPixelSpacing/{magnification:.4g}"),
    ):
        sizes = decimals(dataset, keyword)
        if len(sizes) == 2 and min(sizes) > 0 and np.isfinite(sizes[0] * sizes[1]):
            return (sizes[0] / divisor, sizes[1] / divisor), name
    return None, "unknown"


def _magnification(dataset: pydicom.Dataset) -> float:
    """How much larger the patient is on the detector: what the header estimates, where a chest film can have that."""
    stated = number(dataset, "EstimatedRadiographicMagnificationFactor")
    low, high = MAGNIFICATIONS
    return stated if stated is not None and low <= stated <= high else MAGNIFICATION


def _aspect(dataset: pydicom.Dataset) -> float:
    """Height of a pixel over its width, 1 where the header does not say or says nonsense."""
    sides = decimals(dataset, "PixelAspectRatio")
    if len(sides) != 2 or min(sides) <= 0:
        return 1.0
    ratio = sides[0] / sides[1]
    return ratio if 1 / MOST_ASPECT <= ratio <= MOST_ASPECT else 1.0


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
