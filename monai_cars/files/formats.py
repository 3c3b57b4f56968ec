"""Which reader a file gets: told by its content, never by its name. A new format is a row of `FORMATS`."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from monai_cars.echo import cause, cut, echo
from monai_cars.files.dicom import read_dicom
from monai_cars.files.dicom_stream import is_dicom
from monai_cars.files.header import RadiographError
from monai_cars.files.inflate import GZIP, InflateError, start_of
from monai_cars.files.native import MOST_BYTES, Native, check_values
from monai_cars.files.nifti import GZIP_SIGNATURE, is_nifti, read_nifti
from monai_cars.files.raster import is_jpeg, is_png, read_jpeg, read_png


@dataclass(frozen=True)
class Format:
    """A format that films come in.

    Args:
        name: for messages.
        suffixes: how its files' names end.
        recognises: whether a file is of this format, by its first bytes.
        read: (source, bytes, SHA-256) -> the film as stored.
        read_checked: the same, and refuses what the file's header shows to be no film that is edited; None where a
            header says nothing of that.
        read_volume: the same for volumes; None where the format is read for films only.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[str, bytes, str], Native]
    read_checked: Callable[[str, bytes, str], Native] | None = None
    read_volume: Callable[[str, bytes, str], Native] | None = None


FORMATS = (
    Format(
        "DICOM",
        (".dcm", ".dicom"),
        is_dicom,
        lambda source, data, sha256: read_dicom(source, data, sha256, check=False),
        read_checked=read_dicom,
    ),
    Format("PNG", (".png",), is_png, read_png),
    Format("JPEG", (".jpg", ".jpeg"), is_jpeg, read_jpeg),
    Format(
        "NIfTI",
        (".nii", ".nii.gz"),
        is_nifti,
        read_nifti,
        read_volume=lambda source, data, sha256: read_nifti(source, data, sha256, volumes=True),
    ),
)
HEAD_BYTES = 1024
"""By which a file is told; the magic number that lies farthest behind is NIfTI's, at 344."""
SUFFIXES = tuple(suffix for form in FORMATS for suffix in form.suffixes)


def looks_like_a_film(path: str | os.PathLike[str]) -> bool:
    """Whether a file is of a format that is read, by its first bytes alone; whatever its name.

    Raises:
        OSError: it cannot be read.

    Example:
        >>> from pydicom.data import get_testdata_file
        >>> looks_like_a_film(get_testdata_file("RG1_UNCR.dcm")), looks_like_a_film(__file__)
        (True, False)
    """
    with Path(path).open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if head.startswith(GZIP_SIGNATURE):  # what is in it decides: any file may be compressed
        try:
            head = start_of(head, HEAD_BYTES, kind=GZIP)
        except InflateError:
            return False
        return is_nifti(head) and not head.startswith(GZIP_SIGNATURE)
    return any(form.recognises(head) for form in FORMATS)


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
    form = next((form for form in FORMATS if form.recognises(data)), None)
    if form is None:
        known = [known.name for known in FORMATS]
        raise RadiographError(
            f"{source}: a radiograph must be a {', '.join(known[:-1])} or {known[-1]} file (got {echo(data[:8])} at "
            "its start); convert the file, or copy it again if it is damaged"
        )
    read = (form.read_volume if volumes else None) or (form.read_checked if check else None) or form.read
    try:
        native = read(source, data, digest)
    except RadiographError:
        raise
    except Exception as error:  # a header may be wrong in ways that nobody has thought of
        raise RadiographError(
            f"{source}: a {form.name} film must be sound (got {cause(error)}); copy the file again or leave it out"
        ) from error
    check_values(source, native.stored)
    return native


def _why(error: OSError | ValueError) -> str:
    """What the system says, without the path, which stands before."""
    return cut((error.strerror or str(error)) if isinstance(error, OSError) else str(error))


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
        raise RadiographError(
            f"{source}: the file must exist and be readable (got {_why(error)}); check the path"
        ) from error
