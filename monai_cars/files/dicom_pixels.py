"""The stored values of a DICOM film, exactly as its header describes them, or refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pydicom
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes

from monai_cars.echo import cause
from monai_cars.files.decode_process import DecodeError, decode
from monai_cars.files.dicom_rules import value
from monai_cars.files.header import RadiographError
from monai_cars.files.native import TINT, grey, integer_range

PALETTE = "PALETTE COLOR"
CHROMA = ("YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT")
SIGN_CARRIED = (*JPEG2000TransferSyntaxes, *JPEGLSTransferSyntaxes)
"""Decoded, these have no unused bits: whatever lies beyond the stored ones is damage."""


@dataclass(frozen=True)
class Pixels:
    """The pixels of a film.

    Args:
        stored: ``(H, W)`` integers.
        bits: that each of them takes.
        signed: they are signed.
        padding: least and greatest stored value that is padding, None where the header names none.
        notes: what was assumed.
    """

    stored: np.ndarray
    bits: int
    signed: bool
    padding: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()


def pixels_of(source: str, dataset: pydicom.Dataset) -> Pixels:
    """Decode the pixels of a film whose header has been checked.

    Raises:
        RadiographError: they do not decode, or are not what the header says.
    """
    notes: tuple[str, ...] = ()
    if value(dataset, "PixelRepresentation") is None:
        dataset.PixelRepresentation = 0
        notes = ("the header does not say whether pixels are signed: read as unsigned",)
    _check_layout(source, dataset)
    bits, signed = int(dataset.BitsStored), bool(dataset.PixelRepresentation)
    cells = _cells(source, dataset)
    if dataset.PhotometricInterpretation == PALETTE:
        stored, bits = _by_palette(source, dataset, cells)
        return Pixels(stored, bits, False, None, (*notes, "grey values are those of the palette"))
    padding = _padding(dataset, signed) if cells.ndim == 2 else None
    plane, marks = grey(source, cells, tint=TINT if dataset.PhotometricInterpretation in CHROMA else 0)
    stored = _by_stored_bits(source, dataset, plane, padding)
    return Pixels(stored, bits, signed, padding, (*notes, *marks))


def _check_layout(source: str, dataset: pydicom.Dataset) -> None:
    allocated, stored = int(dataset.BitsAllocated), int(dataset.BitsStored)
    high = value(dataset, "HighBit")
    if stored > allocated:
        raise RadiographError(
            f"{source}: stored bits must fit into the allocated ones (got {stored:d} of {allocated:d}); give the "
            "original film"
        )
    if high is not None and int(high) != stored - 1 and not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        raise RadiographError(
            f"{source}: values must lie in the lowest bits, HighBit one below BitsStored (got HighBit {int(high)} and "
            f"BitsStored {stored}); shift the values down, or correct HighBit where they are there already"
        )


def _cells(source: str, dataset: pydicom.Dataset) -> np.ndarray:
    """Values as they lie in the file, bits beyond the stored ones with them."""
    try:
        if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
            return decode(source, "dicom")[0]
        dataset.pixel_array_options(correct_unused_bits=False)
        return dataset.pixel_array  # numpy only: no native decoder runs
    except Exception as error:
        said = str(error) if isinstance(error, DecodeError) else cause(error)
        raise RadiographError(
            f"{source}: the pixels must decode (got {said}); copy the file again or leave it out"
        ) from error


def _by_palette(source: str, dataset: pydicom.Dataset, cells: np.ndarray) -> tuple[np.ndarray, int]:
    """Grey values and their bits of a film that is coloured by a palette of greys."""
    try:
        bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
        coloured = apply_color_lut(cells, dataset)
    except Exception as error:
        raise RadiographError(
            f"{source}: the photometric interpretation must be what the pixels have (got PALETTE COLOR and "
            f"{cause(error)}); give the original film"
        ) from error
    stored, _ = grey(source, coloured)
    return stored, bits if bits in (8, 16) else 8 * stored.dtype.itemsize


def _by_stored_bits(
    source: str, dataset: pydicom.Dataset, cells: np.ndarray, padding: tuple[int, int] | None
) -> np.ndarray:
    """Values without what the unused bits hold, where that is none of the values: the sign, an overlay, a constant."""
    bits, signed = int(dataset.BitsStored), bool(dataset.PixelRepresentation)
    unused = 8 * cells.dtype.itemsize - bits
    if unused <= 0:
        return cells
    values = (cells << unused) >> unused
    kept = np.zeros(cells.shape, bool) if padding is None else (cells >= padding[0]) & (cells <= padding[1])
    differing = (cells != values) & ~kept  # padding may lie beyond the stored bits
    if differing.any() and dataset.file_meta.TransferSyntaxUID in SIGN_CARRIED:
        low, high = integer_range(bits, signed, 1)
        raise RadiographError(
            f"{source}: decoded values must lie in the header's range {low:g} to {high:g} (got "
            f"{int(cells[~kept].min())} to {int(cells[~kept].max())}): the compressed pixels are damaged, or "
            "BitsStored is wrong; give the original film"
        )
    if differing.any():
        _check_unused(source, dataset, cells[~kept])
    return np.where(kept, cells, values)


def _check_unused(source: str, dataset: pydicom.Dataset, cells: np.ndarray) -> None:
    """Refuse bits above the stored ones that look like part of the values: no sign, no overlay, no constant."""
    bits, signed = int(dataset.BitsStored), bool(dataset.PixelRepresentation)
    words, overlays = cells.view(f"u{cells.dtype.itemsize}"), _overlay_bits(dataset)
    sign = (words >> (bits - 1)) & 1
    for bit in range(bits, 8 * cells.dtype.itemsize):
        plane = (words >> bit) & 1
        constant = plane.min() == plane.max()
        if not (constant or bit in overlays or (signed and np.array_equal(plane, sign))):
            raise RadiographError(
                f"{source}: values must fit into the {bits} stored bits (got {int(cells.min())} to "
                f"{int(cells.max())}); correct BitsStored and HighBit, or remove what lies in the bits above"
            )


def _overlay_bits(dataset: pydicom.Dataset) -> set[int]:
    """Bits of the pixels that the header says hold an overlay."""
    found: set[int] = set()
    for group in range(0x6000, 0x6020, 2):
        position: Any = dataset.get((group, 0x0102))
        if position is not None and (group, 0x3000) not in dataset:
            try:
                found.add(int(position.value))
            except (TypeError, ValueError):
                continue
    return found


def _padding(dataset: pydicom.Dataset, signed: bool) -> tuple[int, int] | None:
    """Range of stored values that the header says are padding, whichever sign its element was written with."""
    ends = [_whole(dataset, keyword, signed) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    stated = [end for end in ends if end is not None]
    return (min(stated), max(stated)) if ends[0] is not None else None


def _whole(dataset: pydicom.Dataset, keyword: str, signed: bool) -> int | None:
    found = value(dataset, keyword)
    try:
        number = int.from_bytes(found[:2], "little") if isinstance(found, bytes) else int(found)
    except (TypeError, ValueError):
        return None
    size = 1 << int(dataset.BitsAllocated)
    number %= size
    return number - size if signed and number >= size // 2 else number
