"""From the bytes of a DICOM file to its data set: with and without preamble, plain or deflated."""

import struct

import pydicom
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from monai_cars.echo import cause
from monai_cars.files.dicom_parsing import PIXEL_DATA, parse
from monai_cars.files.header import RadiographError

SEQUENCE_END = b"\xfe\xff\xdd\xe0"
FIRST_ELEMENTS = {2: (0x00, 0x01, 0x02), 8: (0x00, 0x01, 0x05, 0x06, 0x08, 0x12, 0x14, 0x16, 0x18)}
"""Group -> elements of it that a data set without preamble starts with."""
LONGEST_FIRST = 256
"""Bytes of such an element's value."""


def is_dicom(data: bytes) -> bool:
    """Tell a DICOM file by the four letters behind its preamble, or without one by its first element."""
    return data[128:132] == b"DICM" or _is_bare(data)


def _is_bare(data: bytes) -> bool:
    if len(data) < 8:
        return False
    group, element = struct.unpack("<HH", data[:4])
    if element not in FIRST_ELEMENTS.get(group, ()):
        return False
    if data[4:6].isalpha() and data[4:6].isupper():
        return True
    length = struct.unpack("<I", data[4:8])[0]  # an implicit VR; the group of the file itself is always explicit
    return bool(group == 8 and length <= LONGEST_FIRST and length % 2 == 0)


def parsed(source: str, data: bytes) -> tuple[pydicom.Dataset, tuple[str, ...]]:
    """Parse a file, without decoding its pixels.

    Args:
        source: name of the file, for messages.
        data: all of its bytes.

    Returns:
        The data set, its `file_meta` with a transfer syntax, and notes on what was assumed.

    Raises:
        RadiographError: it is damaged, or inflates to more than its header describes.
    """
    notes: tuple[str, ...] = ()
    try:
        dataset = parse(data)
        if data[128:132] != b"DICM":
            notes = _completed(dataset)
        _check_syntax(dataset.file_meta.TransferSyntaxUID)
        _check_end(dataset, data)
    except Exception as error:
        raise RadiographError(
            f"{source}: a DICOM file must be complete and name its transfer syntax "
            f"(got {cause(error)}); copy the file again"
        ) from error
    return dataset, notes


def _check_syntax(syntax: object) -> None:
    """Refuse what is no UID by its type in the file, and a UID that names something else."""
    if not isinstance(syntax, UID):
        raise TypeError("the transfer syntax is no UID")
    _ = syntax.is_little_endian  # raises where it is none


def _completed(dataset: pydicom.Dataset) -> tuple[str, ...]:
    """Name the transfer syntax that a file without preamble was read by, where it names none itself."""
    if "TransferSyntaxUID" in dataset.file_meta:
        return ("the file has no DICOM preamble",)
    implicit = dataset.original_encoding[0]
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    return ("the file has no DICOM preamble and names no transfer syntax: read as uncompressed, little endian",)


def _check_end(dataset: pydicom.Dataset, data: bytes) -> None:
    """Look for the end of compressed pixels, whose last four bytes pydicom does not miss."""
    last = max(dataset.keys(), default=None)
    if last is None or last != PIXEL_DATA or not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return
    body = data.rstrip(b"\0")
    if not body.endswith(SEQUENCE_END) or len(data) - len(body) < 4:
        raise EOFError("the pixel data have no end")
