"""NIfTI films.

NIfTI's first axis is the column (x) and its second the row (y), so the film is the transposed array. Files whose
axes are meant otherwise are left as they are: flips are not read from the affine, because most writers of
two-dimensional images fill it with a default.
"""

import gzip
import io
import warnings
from typing import Any

import nibabel as nib
import numpy as np

from monai_cars.files.header import Header, RadiographError
from monai_cars.files.native import MOST_BITS, MOST_BYTES, Native, cause, check_size, integer_range

GZIP_SIGNATURE = b"\x1f\x8b"


def is_nifti(data: bytes) -> bool:
    """Tell a single-file NIfTI, or the gzip stream of one, by its first bytes."""
    return data[:2] == GZIP_SIGNATURE or data[344:348] in (b"n+1\0", b"n+2\0") or data[4:8] == b"n+2\0"


def read_nifti(source: str, data: bytes, sha256: str) -> Native:
    """Read a two-dimensional NIfTI of shape (W, H) or (W, H, 1)."""
    try:
        data = _inflated(source, data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind = nib.Nifti2Image if data[4:8] == b"n+2\0" else nib.Nifti1Image
            image: Any = kind.from_bytes(data)
            _check_shape(source, image.shape)
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
    stored = raw.reshape(raw.shape[:2]).T.astype(raw.dtype.newbyteorder("="))
    slope = float(image.dataobj.slope)
    return Native(stored, _header(source, sha256, stored, image, -1 if slope < 0 else 1), image)


def _inflated(source: str, data: bytes) -> bytes:
    if data[:2] != GZIP_SIGNATURE:
        return data
    # Reading to the end checks the checksum, which reading the image alone does not.
    with gzip.open(io.BytesIO(data)) as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise RadiographError(f"{source}: a film must have at most {MOST_BYTES} bytes (got more, once inflated)")
    return data


def _check_shape(source: str, shape: tuple[int, ...]) -> None:
    if len(shape) < 2 or any(size != 1 for size in shape[2:]):
        raise RadiographError(
            f"{source}: a radiograph is one two-dimensional image (got a volume of shape {tuple(shape)}); "
            "give single films"
        )
    check_size(source, shape[1], shape[0])


def _header(source: str, sha256: str, stored: np.ndarray, image: Any, polarity: int) -> Header:
    spacing, origin = _spacing(image.header)
    integer = stored.dtype.kind in "ui"
    bits = min(8 * stored.dtype.itemsize, MOST_BITS) if integer else 0
    if integer:
        low, high = integer_range(bits, stored.dtype.kind == "i", polarity)
    else:
        low, high = sorted((polarity * float(stored.min()), polarity * float(stored.max())))
    return Header(source, sha256, "nifti", polarity, bits, integer, low, high, spacing=spacing, spacing_source=origin)


def _spacing(header: Any) -> tuple[tuple[float, float] | None, str]:
    columns, rows = (float(size) for size in header.get_zooms()[:2])
    # 1 x 1 is what every writer puts where it knows nothing.
    if not (rows > 0 and columns > 0 and np.isfinite(rows * columns)) or rows == columns == 1:
        return None, "unknown"
    return (rows, columns), "pixdim"
