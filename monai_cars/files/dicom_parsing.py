"""DICOM bytes become a dataset within bounds: of time, of memory, and of what a small file may grow to.

pydicom takes some microseconds for every element. A megabyte holds a hundred thousand of them, zeros included, a
deflated file of a kilobyte too, and a value of many megabytes may be a list of millions of numbers.
"""

import io
from typing import Any

import pydicom
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.filereader import read_dataset, read_partial
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from monai_cars.files.inflate import inflate, start_of
from monai_cars.files.native import MOST_BYTES

PIXEL_DATA = 0x7FE00010
MOST_READS = 200_000
"""Of a parse, one or two an element; films have some hundred elements."""
LONGEST_TEXT = 1 << 16
"""Bytes of a text or of numbers; what is longer is left out, as if it were not there."""
LONGEST_VALUE = 1 << 20
"""Bytes of a sequence or a table that is kept, such as the VOI LUTs."""
LONGEST_NESTED = 1 << 21
"""Bytes of a value within a sequence of undefined length, which pydicom reads at once."""
DEFLATED_HEADER = 1 << 23
"""Bytes that a deflated film may have beside its pixels."""
_CHARACTER_SET = 0x00080005
_SYNTAX = str(DeflatedExplicitVRLittleEndian).encode()


class ParseError(ValueError):
    """Bytes that would cost more than a film is worth; the message says what of."""


class _Bounded(io.BytesIO):
    """A file that may be read so often, and so much at once."""

    reads = 0
    most = LONGEST_NESTED

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > MOST_READS:
            raise ParseError(f"more than {MOST_READS} elements")
        if size is not None and size > self.most:
            raise ParseError(f"a nested value of {size} bytes, more than {self.most}")
        return super().read(size)


def parse(data: bytes) -> pydicom.FileDataset:
    """Parse a DICOM file; elements that are far too long for what they are do not appear in the result.

    Zeros behind the last element are no elements. A deflated data set is inflated, as far as its own size in pixels
    allows, and appears as Explicit VR Little Endian.

    Args:
        data: the file.

    Raises:
        ParseError: for more elements or larger nested values than any film has.
        InflateError: when a deflated data set is damaged, or larger than its header says.
        Exception: whatever pydicom raises for damaged files.

    Example:
        >>> from pydicom.data import get_testdata_file
        >>> from pathlib import Path
        >>> parse(Path(str(get_testdata_file("image_dfl.dcm"))).read_bytes()).Rows
        512
    """
    dataset = _elements(_inflated(data))
    for tag in list(dataset.keys()):
        element = dataset.get_item(tag)
        if isinstance(element, RawDataElement) and _too_long(element):
            del dataset[tag]
    return dataset


def _elements(data: bytes, *, pixels: bool = True) -> pydicom.FileDataset:
    stream = _Bounded(data)

    def stop(tag: Any, vr: str | None, length: int) -> bool:
        # Asked before a value at the top is read: those of any length cost a copy, not a list of numbers.
        stream.most = LONGEST_NESTED if length == 0xFFFFFFFF and tag != PIXEL_DATA else max(length, LONGEST_NESTED)
        if tag == _CHARACTER_SET and length > LONGEST_TEXT:
            raise ParseError(f"a character set of {length} bytes")
        return tag == 0 or (tag == PIXEL_DATA and not pixels)

    return read_partial(stream, stop_when=stop, force=True)


def _too_long(element: RawDataElement) -> bool:
    if element.tag == PIXEL_DATA or element.value is None:
        return False
    try:
        kind = element.VR or dictionary_VR(element.tag)
    except KeyError:  # private, and what it is nobody says
        kind = "UN"
    binary = kind in ("SQ", "UN") or "O" in kind.split()[-1][:1]  # OB, OW and the like, and "US or OW"
    return len(element.value) > (LONGEST_VALUE if binary else LONGEST_TEXT)


def _inflated(data: bytes) -> bytes:
    """Return the file with its data set inflated where it is deflated, else as it is."""
    if _SYNTAX not in data[:4096]:
        return data
    stream = _Bounded(data)
    stream.seek(132 if data[128:132] == b"DICM" else 0)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return data
    at = stream.tell()
    # The same length, so that the group length before it stays true; zeros pad a UID.
    plain = data[:at].replace(_SYNTAX, str(ExplicitVRLittleEndian).encode().ljust(len(_SYNTAX), b"\0"))
    body = data[at:]
    header = _elements(plain + start_of(body, DEFLATED_HEADER), pixels=False)
    return plain + inflate(body, DEFLATED_HEADER + _bytes_of_pixels(header))


def _bytes_of_pixels(header: pydicom.Dataset) -> int:
    """Bytes that the header's own size in pixels needs; none where it states none."""
    try:
        parts = [int(header[name].value) for name in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")]
    except (KeyError, TypeError, ValueError):
        return 0
    rows, columns, samples, bits = (max(part, 0) for part in parts)
    return min(rows * columns * samples * bits // 8, MOST_BYTES)
