"""PNG and JPEG films."""

import struct
from typing import Any

import numpy as np

from monai_cars.echo import cut
from monai_cars.files.decode_process import DecodeError, decode
from monai_cars.files.header import Header, RadiographError
from monai_cars.files.native import Native, check_size, equal_channels, integer_range

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
PNG_CHANNELS = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}
"""Colour type -> channels that a decoder makes of it; a palette may hold transparent colours."""
MOST_SEGMENTS = 100_000
"""Before the frame header of a JPEG, fill bytes included."""
PHOTOMETRIC = "Photometric Interpretation"
"""PNG text entry by which `write_radiograph` says that a film is MONOCHROME1."""

LOSSY = "Lossy Image Compression"
"""PNG text entry by which it says that the film was compressed with loss before."""


def is_png(data: bytes) -> bool:
    """Tell a PNG by its first bytes."""
    return data.startswith(PNG_SIGNATURE)


def is_jpeg(data: bytes) -> bool:
    """Tell a JPEG by its first bytes."""
    return data.startswith(JPEG_SIGNATURE)


def read_png(source: str, data: bytes, sha256: str) -> Native:
    """Read a PNG of 8 or 16 grey bits; colour is taken when its three channels are equal."""
    end = data.rfind(b"IEND")
    if len(data) < 45 or end < 0 or len(data) < end + 8:
        raise RadiographError(
            f"{source}: a PNG must end with its IEND chunk (got {len(data)} bytes, truncated?); copy the file again"
        )
    columns, rows, bits, color = struct.unpack(">IIBB", data[16:26])
    check_size(source, rows, columns, channels=PNG_CHANNELS.get(color, 4))
    if bits == 1 or (bits == 16 and color != 0):
        raise RadiographError(
            f"{source}: a PNG film must have 8 bits, or 16 bits in one grey channel (got {bits} bits, colour type "
            f"{color}); save it as a grey PNG"
        )
    values, notes = _decode(source)
    polarity = -1 if notes["text"].get(PHOTOMETRIC) == "MONOCHROME1" else 1
    lossy = notes["text"].get(LOSSY) == "01"
    return _native(source, sha256, "png", equal_channels(source, values), polarity, lossy=lossy)


def read_jpeg(source: str, data: bytes, sha256: str) -> Native:
    """Read an 8-bit JPEG; colour is taken when its three channels are equal."""
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
    return _native(source, sha256, "jpeg", equal_channels(source, values), 1, lossy=True)


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
