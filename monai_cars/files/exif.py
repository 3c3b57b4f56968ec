"""The orientation that a JPEG or PNG says it is to be shown in, read from its bytes: no decoder runs.

It stands in EXIF (a TIFF directory in JPEG's APP1 or PNG's eXIf) or in an XMP packet; EXIF goes first.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

ORIENTATION = 0x0112
SHORT = 3
EXIF_HEAD, XMP_HEAD = b"Exif\0", b"http://ns.adobe.com/xap/1.0/\0"
XMP = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\b")
XMP_TEXT = b"XML:com.adobe.xmp\0"


def jpeg_orientation(data: bytes) -> int:
    """1 to 8; 1 where the file says nothing, or nothing sound."""
    parts = [body for marker, body in _segments(data) if marker == 0xE1]
    exif = [tiff_orientation(body[6:]) for body in parts if body.startswith(EXIF_HEAD)]
    return _first(exif, [body for body in parts if body.startswith(XMP_HEAD)])


def png_orientation(data: bytes) -> int:
    """1 to 8; 1 where the file says nothing, or nothing sound."""
    chunks = list(png_chunks(data))
    exif = [tiff_orientation(body.removeprefix(b"Exif\0\0")) for kind, body in chunks if kind == b"eXIf"]
    return _first(exif, [body for kind, body in chunks if kind == b"iTXt" and body.startswith(XMP_TEXT)])


def png_text(data: bytes, keyword: str) -> str:
    """A text entry of a PNG, empty where there is none."""
    head = keyword.encode() + b"\0"
    found = (body[len(head) :] for kind, body in png_chunks(data) if kind == b"tEXt" and body.startswith(head))
    return next(found, b"").decode("latin-1")


def _first(exif: list[int | None], packets: list[bytes]) -> int:
    stated = next((number for number in exif if number is not None), None)
    if stated is not None:
        return stated
    found = next((match for match in map(XMP.search, packets) if match), None)
    return int(found[1]) if found else 1


def tiff_orientation(data: bytes) -> int | None:
    """The orientation in the first directory of a TIFF structure; None where there is none.

    Example:
        >>> tiff_orientation(b"II*" + bytes([0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]))
        6
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    try:
        if order is None:
            return None
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, number, value = struct.unpack_from(order + "HHIH", data, at)
            if tag == ORIENTATION and kind == SHORT and number == 1:
                return value if 1 <= value <= 8 else None
    except struct.error:  # the directory ends beyond the data
        pass
    return None


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """JPEG's marker segments before the picture."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        if data[at + 1] == 0xFF:
            at += 1
            continue
        length = struct.unpack_from(">H", data, at + 2)[0]
        yield data[at + 1], data[at + 4 : at + 2 + length]
        at += 2 + max(length, 2)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """PNG's chunks but for those that hold the picture."""
    at = 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind != b"IDAT":
            yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length
