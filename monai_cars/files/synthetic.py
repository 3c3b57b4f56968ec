"""Which films say of themselves that they are synthetic: those that this library wrote, and DICOM of any maker."""

import os
from pathlib import Path

import pydicom

from monai_cars.files.exif import png_chunks
from monai_cars.files.identity import WARNING
from monai_cars.files.inflate import GZIP, InflateError, start_of
from monai_cars.files.nifti import GZIP_SIGNATURE, is_nifti
from monai_cars.files.quiet import quiet
from monai_cars.files.raster import PNG_SIGNATURE, is_jpeg

SYNTHETIC_DATA = 0x0008001C
_HEAD = 1024
"""Bytes that hold a NIfTI's header of either version."""


def says_synthetic(path: str | os.PathLike[str]) -> bool:
    """Tell whether a film is marked as synthetic; one without a mark, or that cannot be read as what it is, is not.

    DICOM says so in Synthetic Data (0008,001C), PNG in its text entry "Comment", NIfTI in its description.

    Args:
        path: of a film that `read_radiograph` takes.

    Raises:
        OSError: the file cannot be read.

    Example:
        >>> from pydicom.data import get_testdata_file
        >>> says_synthetic(get_testdata_file("RG1_UNCR.dcm"))
        False
    """
    with open(path, "rb") as stream:
        head = stream.read(_HEAD)
    if head.startswith(PNG_SIGNATURE):
        return _png_says(Path(path).read_bytes())
    if is_nifti(head):
        return _nifti_says(head)
    return not is_jpeg(head) and _dicom_says(path)


def _dicom_says(path: str | os.PathLike[str]) -> bool:
    try:
        with quiet():  # what the file's maker misspelt is no news here
            found = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=[SYNTHETIC_DATA])
            return str(found.get("SyntheticData") or "").strip().upper() == "YES"
    except OSError:
        raise
    except Exception:  # a damaged header has no mark; what is wrong with it is the reader's to say
        return False


def _nifti_says(head: bytes) -> bool:
    try:
        start = start_of(head, _HEAD, kind=GZIP) if head.startswith(GZIP_SIGNATURE) else head
    except InflateError:
        return False
    return WARNING.encode() in start


def _png_says(data: bytes) -> bool:
    """Its texts alone: the pixels may hold any bytes."""
    return any(kind in (b"tEXt", b"iTXt") and WARNING.encode() in body for kind, body in png_chunks(data))
