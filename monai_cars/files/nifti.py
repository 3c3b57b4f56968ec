"""NIfTI films, and volumes for the organs that have them.

NIfTI's first axis is the column (x), its second the row (y) and its third the slice (z), so that a film is the
transposed array and a volume the array with its axes in reverse order. How a film lies in that
array is read from the affine where it says more than the default that most writers of two-dimensional images fill in
(`monai_cars.files.sides.of_affine`); volumes are taken as they are.
"""

import io
import math
from dataclasses import replace
from typing import Any

import nibabel as nib
import numpy as np

from monai_cars.echo import cause
from monai_cars.files.header import Header, RadiographError
from monai_cars.files.inflate import GZIP, InflateError, inflate, start_of
from monai_cars.files.native import MOST_BITS, MOST_BYTES, Native, check_size, check_voxels, integer_range
from monai_cars.files.quiet import quiet
from monai_cars.files.sides import SILENT, of_affine

GZIP_SIGNATURE = b"\x1f\x8b"
START = 1024
"""Bytes in which the header of either NIfTI lies."""
SLACK = 1 << 20
"""Bytes that may lie behind the values."""


def is_nifti(data: bytes) -> bool:
    """Tell a single-file NIfTI, or the gzip stream of one, by its first bytes."""
    return data[:2] == GZIP_SIGNATURE or data[344:348] in (b"n+1\0", b"n+2\0") or data[4:8] == b"n+2\0"


def read_nifti(source: str, data: bytes, sha256: str, *, volumes: bool = False) -> Native:
    """Read a two-dimensional NIfTI of shape (W, H) or (W, H, 1); with `volumes` also one of shape (W, H, D)."""
    try:
        with quiet():
            image = _image(source, data, volumes)
            raw = np.asarray(image.dataobj.get_unscaled())
    except RadiographError:
        raise
    except Exception as error:
        raise RadiographError(
            f"{source}: a NIfTI file must be complete and readable (got {cause(error)}); copy the file again"
        ) from error
    if raw.dtype.kind not in "uif":
        raise RadiographError(
            f"{source}: a NIfTI film must hold real numbers (got type {raw.dtype}); save it as a grey image"
        )
    axes = _axes(image.shape)
    stored = raw.reshape(raw.shape[:axes]).T.astype(raw.dtype.newbyteorder("="))
    slope = float(image.dataobj.slope)
    sides = of_affine(image.affine) if axes == 2 else SILENT
    header = _header(source, sha256, stored, image, -1 if slope < 0 else 1)
    return Native(stored, replace(header, axes=sides.axes, laterality=sides.laterality), image)


def _image(source: str, data: bytes, volumes: bool) -> Any:
    """Parse the file, once its header alone has shown how much of it there may be."""
    packed = data[:2] == GZIP_SIGNATURE
    start = start_of(data, START, kind=GZIP) if packed else data[:START]
    kind = nib.Nifti2Image if start[4:8] == b"n+2\0" else nib.Nifti1Image
    header = kind.header_class.from_fileobj(io.BytesIO(_without_extensions(start, kind)))
    shape = header.get_data_shape()
    _check_shape(source, shape, volumes)
    needed = int(header["vox_offset"]) + math.prod(shape) * header.get_data_dtype().itemsize
    if packed:
        most = min(needed + SLACK, MOST_BYTES)
        try:
            data = inflate(data, most, kind=GZIP)  # to its end, where the checksum stands
        except InflateError as error:
            if "more than" not in str(error):
                raise
            raise RadiographError(
                f"{source}: a film must have at most {most} bytes (got more, once inflated)"
            ) from error
    if needed > len(data):
        raise EOFError(f"{len(data)} bytes, the header needs {needed}")
    return kind.from_bytes(_without_extensions(data, kind))


def _without_extensions(data: bytes, kind: Any) -> bytes:
    """Say that there are no extensions: they may hold the patient's whole DICOM header, or millions of nothing."""
    size = kind.header_class.sizeof_hdr
    return data[:size] + b"\0\0\0\0" + data[size + 4 :]


def _axes(shape: tuple[int, ...]) -> int:
    """Spatial axes of what a file holds: 2 of a film, 3 of a volume."""
    return 3 if len(shape) > 2 and shape[2] > 1 else 2


def _check_shape(source: str, shape: tuple[int, ...], volumes: bool) -> None:
    if volumes and len(shape) > 2 and shape[2] > 1:
        if any(size != 1 for size in shape[3:]):
            raise RadiographError(
                f"{source}: a volume has three axes (got shape {tuple(shape)}); give one volume of a series"
            )
        check_voxels(source, shape[:3])
        return
    if len(shape) < 2 or any(size != 1 for size in shape[2:]):
        raise RadiographError(
            f"{source}: a radiograph is one two-dimensional image (got a volume of shape {tuple(shape)}); "
            "give single films"
        )
    check_size(source, shape[1], shape[0])


def _header(source: str, sha256: str, stored: np.ndarray, image: Any, polarity: int) -> Header:
    spacing, origin = _spacing(image.header, stored.ndim)
    integer = stored.dtype.kind in "ui"
    bits = min(8 * stored.dtype.itemsize, MOST_BITS) if integer else 0
    if integer:
        low, high = integer_range(bits, stored.dtype.kind == "i", polarity)
    else:
        low, high = sorted((polarity * float(stored.min()), polarity * float(stored.max())))
    return Header(source, sha256, "nifti", polarity, bits, integer, low, high, spacing=spacing, spacing_source=origin)


def _spacing(header: Any, axes: int) -> tuple[tuple[float, ...] | None, str]:
    sizes = tuple(float(size) for size in header.get_zooms()[:axes])[::-1]
    # 1 x 1 is what every writer puts where it knows nothing; volumes of a millimetre are common.
    nothing_known = axes == 2 and sizes == (1.0, 1.0)
    if not (min(sizes) > 0 and np.isfinite(np.prod(sizes))) or nothing_known:
        return None, "unknown"
    return sizes, "pixdim"
