"""What a file says of how its film lies, without reading its pixels: for images that another reader took from it."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom

from monai_cars.files.dicom import is_dicom
from monai_cars.files.dicom_sides import sides_of
from monai_cars.files.header import RadiographError
from monai_cars.files.inflate import GZIP, start_of
from monai_cars.files.nifti import GZIP_SIGNATURE, is_nifti
from monai_cars.files.quiet import quiet
from monai_cars.files.raster import is_jpeg, is_png, jpeg_sides, png_sides
from monai_cars.files.sides import SILENT, Sides, of_affine

HEAD = 1 << 20
"""Bytes of a file within which its header lies."""
NIFTI_HEADER = 540
"""Bytes of a NIfTI-2's header, the longer one."""
DICOM_ATTRIBUTES = ["AnatomicalOrientationType", "PatientOrientation", "ImageOrientationPatient"]


def said_by(path: str | os.PathLike[str]) -> Sides:
    """What a DICOM, PNG, JPEG or NIfTI file says of how its film lies; nothing where it is out of reach or damaged.

    Raises:
        RadiographError: its header contradicts itself.

    Example:
        >>> from pydicom.data import get_testdata_file
        >>> said_by(get_testdata_file("RG1_UNCR.dcm"))
        Sides(axes='HW', laterality='stated')
    """
    source = os.fspath(path)
    try:
        if not Path(source).is_file():
            return SILENT
        with open(source, "rb") as stream:
            head = stream.read(HEAD)
        return _said(source, head)
    except RadiographError:
        raise
    except Exception:  # what a damaged header says is not worth a message: another reader has read the film
        return SILENT


def _said(source: str, head: bytes) -> Sides:
    if is_png(head):
        return png_sides(head)
    if is_jpeg(head):
        return jpeg_sides(head)
    with quiet():
        if is_dicom(head):
            dataset = pydicom.dcmread(source, stop_before_pixels=True, specific_tags=DICOM_ATTRIBUTES)
            return sides_of(source, dataset, content=False)
        if is_nifti(head):
            return of_affine(_nifti_affine(head))
    return SILENT


def _nifti_affine(head: bytes) -> np.ndarray:
    if head[:2] == GZIP_SIGNATURE:
        head = start_of(head, NIFTI_HEADER, kind=GZIP)
    kind = nib.Nifti2Header if head[4:8] == b"n+2\0" else nib.Nifti1Header
    return np.asarray(kind.from_fileobj(BytesIO(head)).get_best_affine())
