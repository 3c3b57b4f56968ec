"""Which way round a DICOM film is shown: everything in its header that turns dark into bright, counted once each."""

from __future__ import annotations

import numpy as np
import pydicom

from monai_cars.files.dicom_rules import value
from monai_cars.files.header import RadiographError

TABLES = ("VOILUTSequence", "ModalityLUTSequence")
DECIMALS = (
    *("PixelSpacing", "ImagerPixelSpacing", "EstimatedRadiographicMagnificationFactor", "RescaleSlope"),
    *("RescaleIntercept", "WindowCenter", "WindowWidth", "KVP", "DistanceSourceToDetector", "DistanceSourceToPatient"),
)
"""Decimal values that are read here or written back."""
ONE_WAY = 4.0
"""A table rises or falls where it does so this many times as much as the other way."""


def polarity_of(source: str, dataset: pydicom.Dataset) -> int:
    """+1 where greater stored values are shown brighter, -1 where they are shown darker.

    MONOCHROME1, a negative rescale slope, a falling modality or VOI LUT, and PresentationLUTShape INVERSE turn the film
    over. Two of them undo each other, but for INVERSE with MONOCHROME1, which says the same thing twice.

    Args:
        source: name of the file, for messages.
        dataset: the film.

    Raises:
        RadiographError: a table both rises and falls, or a falling VOI LUT stands beside a window, which rises.
    """
    inverse = str(value(dataset, "PresentationLUTShape") or "").strip().upper() == "INVERSE"
    turns = [dataset.PhotometricInterpretation == "MONOCHROME1" or inverse, _modality_falls(source, dataset)]
    falls = _falls(source, dataset, "VOILUTSequence")
    if falls and decimals(dataset, "WindowCenter"):
        raise RadiographError(
            f"{source}: window and VOI LUT must show the film the same way round (got a window beside a VOI LUT that "
            "falls); remove the one that is wrong"
        )
    return -1 if sum([*turns, falls]) % 2 else 1


def decimals(dataset: pydicom.Dataset, keyword: str) -> tuple[float, ...]:
    """The finite decimal values of an element, decimal commas read as points; () when one of them is unreadable.

    Example:
        >>> film = pydicom.Dataset()
        >>> film.RescaleSlope = "2"
        >>> decimals(film, "RescaleSlope"), decimals(film, "RescaleIntercept")
        ((2.0,), ())
    """
    found = value(dataset, keyword)
    if found is None:
        return ()
    several = found if isinstance(found, (list, tuple, pydicom.multival.MultiValue)) else [found]
    try:
        numbers = tuple(float(str(number).replace(",", ".")) for number in several)
    except ValueError:
        return ()
    return numbers if np.isfinite(numbers).all() else ()


def number(dataset: pydicom.Dataset, keyword: str) -> float | None:
    """Return one decimal value of the header, None when it is absent, unreadable or not alone."""
    found = decimals(dataset, keyword)
    return found[0] if len(found) == 1 else None


def _modality_falls(source: str, dataset: pydicom.Dataset) -> bool:
    if value(dataset, "ModalityLUTSequence"):
        return _falls(source, dataset, "ModalityLUTSequence")
    return (number(dataset, "RescaleSlope") or 1.0) < 0


def _falls(source: str, dataset: pydicom.Dataset, keyword: str) -> bool:
    """Whether the first table of a sequence falls; False without one, or where it cannot be read."""
    items = value(dataset, keyword)
    table = _table(items[0]) if items else None
    if table is None:
        return False
    steps = np.diff(table)
    up, down = float(steps[steps > 0].sum()), float(-steps[steps < 0].sum())
    if up < ONE_WAY * down and down < ONE_WAY * up:
        raise RadiographError(
            f"{source}: {keyword} must rise or fall (got a table that rises by {up:g} and falls by {down:g}): it does "
            "not say whether dense is bright; remove it if the film is right without it"
        )
    return down > up


def _table(item: pydicom.Dataset) -> np.ndarray | None:
    """(n,) float64 entries of a LUT, None where there are none."""
    data, descriptor = value(item, "LUTData"), value(item, "LUTDescriptor")
    try:
        entries, bits = int(descriptor[0]) or 65536, int(descriptor[2])
    except (TypeError, ValueError, IndexError):
        return None
    if not isinstance(data, bytes):
        return None if data is None else np.atleast_1d(np.asarray(data, np.float64))
    if bits <= 8 and len(data) < 2 * entries:
        return np.frombuffer(data, np.uint8)[:entries].astype(np.float64)
    return np.frombuffer(data[: len(data) // 2 * 2], "<u2")[:entries].astype(np.float64)


def respell(dataset: pydicom.Dataset) -> None:
    """In place, write decimal points for commas and words of tables little endian, as all that follows reads them."""
    for keyword in DECIMALS:
        if "," in str(value(dataset, keyword) or "") and (numbers := decimals(dataset, keyword)):
            said = [f"{number:.10g}" for number in numbers]
            dataset[keyword].value = said[0] if len(said) == 1 else said
    if dataset.file_meta.TransferSyntaxUID.is_little_endian:
        return
    for sequence in TABLES:
        for item in value(dataset, sequence) or []:
            data = value(item, "LUTData")
            if isinstance(data, bytes):  # pydicom leaves them as they lie in the file
                item["LUTData"].value = np.frombuffer(data[: len(data) // 2 * 2], ">u2").astype("<u2").tobytes()
