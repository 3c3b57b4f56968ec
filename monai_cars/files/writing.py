"""Write an edited film: every value outside the support is the source file's own, compared before and copied after."""

import gzip
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch

from monai_cars.echo import echo
from monai_cars.files.atomic import write_atomically
from monai_cars.files.deidentification import Deidentification
from monai_cars.files.dicom_writing import encode_dicom
from monai_cars.files.exif import ORIENTATION
from monai_cars.files.formats import read_native
from monai_cars.files.header import Header, RadiographError
from monai_cars.files.identity import WARNING, edits_of
from monai_cars.files.native import Native, image_of
from monai_cars.files.raster import DIRECTIONS, LOSSY, PHOTOMETRIC
from monai_cars.files.sides import EXIF_OF, LETTERS_OF, affine_of_film


def write_radiograph(
    path: str | os.PathLike[str],
    image: torch.Tensor,
    *,
    header: Header,
    support: torch.Tensor | np.ndarray,
    record: Mapping[str, Any] | str | None = None,
    plan: Mapping[str, Any] | None = None,
    deidentification: Deidentification = Deidentification(),  # noqa: B008 - it is frozen
) -> Path:
    """Write an edited film as DICOM, PNG or NIfTI, bit-exact outside the support.

    The source file is read again: outside the support the image must equal it, and its values are the ones written.
    PNG has 16 bits where the film has more than 8, else 8, and holds the stored integers; a MONOCHROME1 film says so
    in the text entry "Photometric Interpretation", which `read_radiograph` heeds. NIfTI holds the stored integers
    too, with the polarity as its scale slope. The same arguments give the same bytes.

    Args:
        path: target; its suffix .dcm, .png, .nii.gz or .nii chooses the format. Written whole or not at all.
        image: ``(1, H, W)`` or ``(H, W)`` in the values that `read_radiograph` gave; of `read_volume` (1, D, H, W).
        header: the film's header, see `header_of`.
        support: of the same shape, not zero where the image may differ from its source.
        record: what was done: an edit, ``{"edits": [...]}`` or the JSON of either.
        plan: the run plan, JSON-safe; it enters the UIDs, and its "created" time gives the dates (none without it).
        deidentification: what a DICOM film keeps of its source's identity: nothing by default.

    Returns:
        The path written.

    Raises:
        RadiographError: when the image was rescaled, resized or flipped, when values cannot be stored, or when the
            format cannot hold the film.
    """
    suffix = next((end for end in ENCODERS if str(path).lower().endswith(end)), None)
    if suffix is None:
        raise RadiographError(
            f"{path}: the suffix must be one of {tuple(ENCODERS)} (got {echo(Path(path).name)}); change the name"
        )
    if header.source == "memory":
        raise RadiographError(
            f"{path}: an image is written against its source file (got a tensor made in memory); load the film with "
            "LoadRadiograph or RadiographReader, or save the tensor with MONAI's SaveImage"
        )
    native = read_native(header.source, check=False, volumes=True)
    _check_source(path, native, header)
    if native.stored.ndim > 2 and not suffix.startswith(".nii"):
        raise RadiographError(f"{path}: {suffix} holds a film (got a volume); write .nii.gz")
    stored = merge(native, image, support)
    edits = edits_of(record)
    return write_atomically(path, ENCODERS[suffix](Edited(native, stored, header, edits, plan, deidentification)))


@dataclass(frozen=True)
class Edited:
    """What an encoder is given.

    Args:
        native: the source film.
        stored: its values with the edited ones in their place, in the source's own type.
        header: the film's header.
        edits: entries of the record.
        plan: the run plan.
        how: what is kept of the source's identity.
    """

    native: Native
    stored: np.ndarray
    header: Header
    edits: list[dict[str, Any]]
    plan: Mapping[str, Any] | None
    how: Deidentification


def _dicom(film: Edited) -> bytes:
    values = _fit(film.header.source, film.stored, ".dcm")
    size = os.path.getsize(film.header.source)
    return encode_dicom(film.native, values, film.header, edits=film.edits, plan=film.plan, size=size, how=film.how)


def _png(film: Edited) -> bytes:
    return _encode_png(film.native.header, _fit(film.header.source, film.stored, ".png"))


def _nifti(film: Edited) -> bytes:
    return _encode_nifti(film.native, film.stored, film.header)


ENCODERS: dict[str, Callable[[Edited], bytes]] = {
    ".dcm": _dicom,
    ".png": _png,
    ".nii.gz": lambda film: gzip.compress(_nifti(film), mtime=0),
    ".nii": _nifti,
}
"""Suffix of the target -> the bytes of its format; a new format is a row."""


def _check_source(path: str | os.PathLike[str], native: Native, header: Header) -> None:
    if native.header.sha256 != header.sha256:
        raise RadiographError(
            f"{header.source}: the source file must be the one that was loaded (got SHA-256 "
            f"{native.header.sha256[:12]} instead of {header.sha256[:12]}); load it again"
        )
    if Path(path).exists() and os.path.samefile(path, header.source):
        raise RadiographError(f"{path}: the source film is never overwritten (got its own path); give another path")


def merge(native: Native, image: torch.Tensor | np.ndarray, support: torch.Tensor | np.ndarray) -> np.ndarray:
    """Return the source's stored values with the image's inside the support.

    Args:
        native: the source's stored values, ``(H, W)`` or ``(D, H, W)``.
        image: of that shape or with a channel before it, after polarity.
        support: likewise, not zero where the image may differ.

    Returns:
        ``(H, W)`` in the source's own type.

    Raises:
        RadiographError: when the image differs outside, or cannot be stored inside.
    """
    source = native.header.source
    after = _plane(source, image, "image", native.stored.shape).astype(np.float32)
    inside = _plane(source, support, "support", native.stored.shape) != 0
    before = image_of(native)
    changed = (after != before) & ~inside
    if changed.any():
        gap = float(np.abs(np.subtract(after, before, dtype=np.float64))[changed].max())
        raise RadiographError(
            f"{source}: outside the support the image must equal its source file (got {int(changed.sum())} pixels of "
            f"{changed.size} that differ, by up to {gap:g}: was it rescaled, resized or flipped?); save right after "
            "the edits, before intensity and spatial transforms"
        )
    edited = inside & (after != before)  # what the file itself holds can be stored, whatever its header claims
    values = after[edited]
    _check_edited(native.header, values)
    stored = native.stored.copy()
    stored[edited] = (values if native.header.polarity > 0 else -values).astype(stored.dtype)
    return stored


def _plane(source: str, values: torch.Tensor | np.ndarray, name: str, shape: tuple[int, ...]) -> np.ndarray:
    plane = values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)
    plane = plane[0] if plane.ndim == len(shape) + 1 and plane.shape[0] == 1 else plane
    if plane.shape != shape:
        raise RadiographError(
            f"{source}: the {name} must have its source's size {shape} (got {plane.shape}: was it resized, cropped or "
            "transposed?); save right after the edits, before spatial transforms"
        )
    return plane


def _check_edited(header: Header, new: np.ndarray) -> None:
    if new.size == 0:
        return
    if not np.isfinite(new).all():
        raise RadiographError(f"{header.source}: edited values must be finite (got NaN or infinity); report the editor")
    if not header.integer:
        return
    if (new != np.round(new)).any():
        odd = float(new[new != np.round(new)][0])
        raise RadiographError(
            f"{header.source}: edited values must be integers (got {odd:g}: was the image rescaled?); save before "
            "intensity transforms"
        )
    if new.min() < header.low or new.max() > header.high:
        raise RadiographError(
            f"{header.source}: edited values must be in {header.low:g} to {header.high:g} (got {new.min():g} to "
            f"{new.max():g}); clip the edit to the header's range"
        )


def _fit(source: str, stored: np.ndarray, suffix: str) -> np.ndarray:
    """Return the values in the type that the format has for them: 8 or 16 bits, signed in DICOM only."""
    if stored.dtype.kind == "f":
        raise RadiographError(
            f"{source}: {suffix} holds integers (got {stored.dtype} values); write .nii.gz, which keeps them"
        )
    low, high = int(stored.min()), int(stored.max())
    types = [stored.dtype] if stored.dtype.itemsize <= 2 else []
    types += [np.dtype(kind) for kind in ("uint16", "int16")]
    for kind in types:
        allowed = kind.kind == "u" or suffix == ".dcm"
        if allowed and np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return stored.astype(kind)
    raise RadiographError(
        f"{source}: {suffix} holds {'8 or 16 bits' if suffix == '.dcm' else 'unsigned values of 8 or 16 bits'} (got "
        f"{low} to {high}); write .nii.gz, which keeps them"
    )


def _encode_png(header: Header, stored: np.ndarray) -> bytes:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("Comment", WARNING)
    if header.polarity < 0:
        text.add_text(PHOTOMETRIC, "MONOCHROME1")
    if header.lossy:
        text.add_text(LOSSY, "01")
    exif = Image.Exif()
    if header.axes != "HW" and header.laterality != "doubtful":
        # What the source says of how its pixels lie: they are written as they lie there.
        exif[ORIENTATION] = EXIF_OF[header.axes]
        if header.laterality == "stated":
            text.add_text(DIRECTIONS, "\\".join(LETTERS_OF[header.axes]))
    stream = io.BytesIO()
    kind = np.uint8 if header.bits <= 8 and stored.max() < 256 else np.uint16
    Image.fromarray(stored.astype(kind)).save(stream, "PNG", pnginfo=text, **({"exif": exif} if exif else {}))
    return stream.getvalue()


_NIFTI = """
sizeof_hdr magic eol_check vox_offset dim pixdim datatype bitpix scl_slope scl_inter cal_max cal_min xyzt_units dim_info
qform_code sform_code quatern_b quatern_c quatern_d qoffset_x qoffset_y qoffset_z srow_x srow_y srow_z
slice_start slice_end slice_code slice_duration
"""
NIFTI_KEPT = frozenset(_NIFTI.split())


def _technical(source: Any) -> Any:
    """A NIfTI header with what places and scales its values; texts, times and extensions may tell of the patient."""
    frame = type(source)(endianness=source.endianness)
    for name in frame.keys():  # noqa: SIM118 - a NIfTI header is no mapping
        if name in NIFTI_KEPT:
            frame[name] = source[name]
    return frame


def _encode_nifti(native: Native, stored: np.ndarray, header: Header) -> bytes:
    if native.header.format == "nifti":
        kind, affine = type(native.origin), native.origin.affine
        frame = _technical(native.origin.header)
        slope, intercept = float(native.origin.dataobj.slope), float(native.origin.dataobj.inter)
        shape = native.origin.shape
    else:
        rows, columns = header.spacing if header.spacing and header.spacing_source != "estimated" else (1.0, 1.0)
        kind, frame, affine = nib.Nifti1Image, nib.Nifti1Header(), affine_of_film(native.header.axes, rows, columns)
        slope, intercept, shape = float(native.header.polarity), 0.0, stored.T.shape
    frame.set_data_dtype(stored.dtype)
    frame["descrip"] = WARNING.encode()
    film = kind(stored.T.reshape(shape), affine, frame)
    film.header.set_slope_inter(slope, intercept)  # set before, it is forgotten
    return film.to_bytes()
