"""PNG and JPEG films."""

import struct
from dataclasses import replace
from typing import Any

import numpy as np

from monai_cars.echo import cut
from monai_cars.files.decode_process import DecodeError, decode
from monai_cars.files.exif import jpeg_orientation, png_orientation, png_text
from monai_cars.files.header import Header, RadiographError
from monai_cars.files.native import TINT, Native, check_size, grey, integer_range
from monai_cars.files.sides import OF_EXIF, SILENT, Sides, of_directions

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
GREY, PALETTE = 0, 3  # PNG colour types
PNG_CHANNELS = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}
"""Colour type -> channels that a decoder makes of it; a palette may hold transparent colours."""
MOST_SEGMENTS = 100_000
"""Before the frame header of a JPEG, fill bytes included."""
PHOTOMETRIC = "Photometric Interpretation"
"""PNG text entry by which `write_radiograph` says that a film is MONOCHROME1."""

LOSSY = "Lossy Image Compression"
"""PNG text entry by which it says that the film was compressed with loss before."""

DIRECTIONS = "Patient Orientation"
"""PNG text entry by which it says, as DICOM does, how a film lies that is not in the usual view."""


def is_png(data: bytes) -> bool:
    """Tell a PNG by its first bytes."""
    return data.startswith(PNG_SIGNATURE)


def is_jpeg(data: bytes) -> bool:
    """Tell a JPEG by its first bytes."""
    return data.startswith(JPEG_SIGNATURE)


def read_png(source: str, data: bytes, sha256: str) -> Native:
    """Read a PNG of 8 or 16 grey bits; colour is taken when its three channels are equal but for a few marks."""
    end = data.rfind(b"IEND")
    if len(data) < 45 or end < 0 or len(data) < end + 8:
        raise RadiographError(
            f"{source}: a PNG must end with its IEND chunk (got {len(data)} bytes, truncated?); copy the file again"
        )
    columns, rows, bits, color = struct.unpack(">IIBB", data[16:26])
    check_size(source, rows, columns, channels=PNG_CHANNELS.get(color, 4))
    if (bits < 8 and color != PALETTE) or bits == 1 or (bits == 16 and color != GREY):
        raise RadiographError(
            f"{source}: a PNG film must have 8 bits, or 16 bits in one grey channel (got {bits} bits, colour type "
            f"{color}); save it as a grey PNG"
        )
    values, notes = _decode(source)
    polarity = -1 if notes["text"].get(PHOTOMETRIC) == "MONOCHROME1" else 1
    lossy = notes["text"].get(LOSSY) == "01"
    values, padding, hidden = _opaque(source, values, notes.get("transparent"))
    stored, marks = grey(source, values)
    native = _native(source, sha256, "png", stored, polarity, lossy=lossy)
    ends = None if padding is None else (float(polarity * padding),) * 2
    film = replace(native, header=replace(native.header, padding=ends, notes=(*hidden, *marks)))
    return _laid(film, png_sides(data))


def _opaque(source: str, values: np.ndarray, key: int | None) -> tuple[np.ndarray, int | None, tuple[str, ...]]:
    """Values without transparency, and the one value that is transparent where there is one.

    Transparent pixels are padding: one value that the file names, or one that all of them have.
    """
    if key is not None:
        return values, key, ()
    if values.ndim == 2 or values.shape[2] not in (2, 4):
        return values, None, ()
    alpha, shown = values[..., -1], values[..., :-1]
    clear = alpha == 0
    if not clear.any() or clear.all() or bool((alpha[~clear] != np.iinfo(values.dtype).max).any()):
        return values, None, ()
    under = np.unique(shown[clear])
    if len(under) > 1:
        raise RadiographError(
            f"{source}: transparent pixels must hold one value, as a border does (got {len(under)} under an alpha of "
            "0); remove the alpha channel"
        )
    return shown, int(under[0]), (f"{int(clear.sum())} transparent pixels are read as a border",)


def read_jpeg(source: str, data: bytes, sha256: str) -> Native:
    """Read an 8-bit JPEG; colour is taken when its three channels are equal but for rounding and a few marks."""
    if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda") or b"\xff\xda" not in data:
        raise RadiographError(
            f"{source}: a JPEG must end with its EOI marker (got {len(data)} bytes, truncated?); copy the file again"
        )
    rows, columns, channels = _jpeg_size(source, data)
    check_size(source, rows, columns, channels=channels)
    values, notes = _decode(source)
    if notes["mode"] not in ("L", "RGB"):
        raise RadiographError(
            f"{source}: a JPEG film must be grey or RGB (got {cut(notes['mode'])}); save it as a grey JPEG or PNG"
        )
    stored, marks = grey(source, values, tint=TINT)
    native = _native(source, sha256, "jpeg", stored, 1, lossy=True)
    return _laid(replace(native, header=replace(native.header, notes=marks)), jpeg_sides(data))


def _decode(source: str) -> tuple[np.ndarray, dict[str, Any]]:
    try:
        return decode(source, "raster")
    except DecodeError as error:
        raise RadiographError(
            f"{source}: the image must decode (got {error}); copy the file again or leave it out"
        ) from error


def _native(source: str, sha256: str, kind: str, stored: np.ndarray, polarity: int, *, lossy: bool) -> Native:
    bits = 8 * stored.dtype.itemsize
    low, high = integer_range(bits, False, polarity)
    return Native(stored, Header(source, sha256, kind, polarity, bits, True, low, high, lossy=lossy))


def png_sides(data: bytes) -> Sides:
    """What a PNG says of how it lies; `write_radiograph` may have left the patient's directions in it."""
    directions = png_text(data, DIRECTIONS).split("\\")
    stated = of_directions(*directions) if len(directions) == 2 else SILENT
    return stated if stated != SILENT else Sides(OF_EXIF[png_orientation(data)])


def jpeg_sides(data: bytes) -> Sides:
    """What a JPEG says of how it lies."""
    return Sides(OF_EXIF[jpeg_orientation(data)])


def _laid(film: Native, sides: Sides) -> Native:
    """The film with what its file says of how it lies; its values stay where they are."""
    return replace(film, header=replace(film.header, axes=sides.axes, laterality=sides.laterality))


def _jpeg_size(source: str, data: bytes) -> tuple[int, int, int]:
    """Walk the marker segments to the frame header and return (rows, columns, channels)."""
    at = 2
    for _ in range(MOST_SEGMENTS):
        if at + 10 > len(data) or data[at] != 0xFF:
            break
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            rows, columns, channels = struct.unpack(">HHB", data[at + 5 : at + 10])
            return rows, columns, max(channels, 1)
        at += 1 if marker == 0xFF else 2 + length
    raise RadiographError(f"{source}: a JPEG must have a frame header (got none, damaged?); copy the file again")
