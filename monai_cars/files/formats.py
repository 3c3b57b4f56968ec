"""Which reader a file gets: told by its content, never by its name."""

import hashlib
import os
from pathlib import Path

from monai_cars.files.dicom import read_dicom
from monai_cars.files.header import RadiographError
from monai_cars.files.native import MOST_BYTES, Native, check_values
from monai_cars.files.nifti import is_nifti, read_nifti
from monai_cars.files.raster import JPEG_SIGNATURE, PNG_SIGNATURE, read_jpeg, read_png


def read_native(path: str | os.PathLike[str], *, check: bool = True, volumes: bool = False) -> Native:
    """Read a film as its file stores it.

    Args:
        path: DICOM, PNG, JPEG or NIfTI file.
        check: refuse what a DICOM header shows to be no frontal chest film; ``False`` keeps only the rules on form.
        volumes: read NIfTI volumes too, ``(D, H, W)``.

    Raises:
        RadiographError: when a rule refuses the file.

    Example:
        >>> from pydicom.data import get_testdata_file
        >>> read_native(get_testdata_file("RG1_UNCR.dcm")).stored.dtype
        dtype('uint16')
    """
    source = os.fspath(path)
    data = _bytes(source)
    digest = hashlib.sha256(data).hexdigest()
    if data[128:132] == b"DICM":
        native = read_dicom(source, data, digest, check=check)
    elif data.startswith(PNG_SIGNATURE):
        native = read_png(source, data, digest)
    elif data.startswith(JPEG_SIGNATURE):
        native = read_jpeg(source, data, digest)
    elif is_nifti(data):
        native = read_nifti(source, data, digest, volumes=volumes)
    else:
        raise RadiographError(
            f"{source}: a radiograph must be a DICOM, PNG, JPEG or NIfTI file (got {data[:8]!r} at its start); "
            "convert the file, or copy it again if it is damaged"
        )
    check_values(source, native.stored)
    return native


def _bytes(source: str) -> bytes:
    try:
        if not Path(source).is_file():  # a pipe or a device could be read for ever
            raise OSError("not a regular file" if Path(source).exists() else "no such file")
        size = os.path.getsize(source)
        if size > MOST_BYTES:
            raise RadiographError(
                f"{source}: a film must have at most {MOST_BYTES} bytes (got {size}); leave the file out"
            )
        return Path(source).read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, RadiographError):
            raise
        raise RadiographError(f"{source}: the file must exist and be readable (got {error}); check the path") from error
