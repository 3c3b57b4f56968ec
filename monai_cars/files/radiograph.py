"""Radiographs: native values in, native values out.

``image = polarity * stored`` as float32: the file's own integers, sign-flipped where needed so that bright is dense. No
window, no VOI LUT and no rescaling is applied, so the way back is exact (up to 24 bits). MONOCHROME1 and a negative
rescale slope flip the sign; each undoes the other.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import ImageReader, MetaTensor

from monai_cars.echo import echo
from monai_cars.files import flat_writer  # noqa: F401 - so that MONAI can save what is read here
from monai_cars.files.formats import SUFFIXES, looks_like_a_film, read_native
from monai_cars.files.header import Header, RadiographError
from monai_cars.files.native import image_of
from monai_cars.files.writing import write_radiograph

__all__ = [
    "HEADER_POSTFIX",
    "META_KEY",
    "Header",
    "Radiograph",
    "RadiographError",
    "RadiographReader",
    "header_of",
    "read_native",
    "read_radiograph",
    "read_volume",
    "write_radiograph",
]

META_KEY = "radiograph"
"""Key of ``MetaTensor.meta`` that holds the header, one JSON string."""
HEADER_POSTFIX = "_header"
"""LoadRadiographd leaves the same string under ``<key>_header`` too: PersistentDataset drops ``meta``."""


@dataclass(frozen=True)
class Radiograph:
    """A film or volume in memory.

    Args:
        image: ``(1, H, W)`` or ``(1, D, H, W)`` float32 plain tensor, bright = dense, in native units.
        header: everything else.
    """

    image: torch.Tensor
    header: Header


def read_radiograph(
    path: str | os.PathLike[str], *, spacing: float | Sequence[float] | None = None, check: bool = True
) -> Radiograph:
    """Read a film: native integers, bright = dense, with its header.

    Args:
        path: DICOM, PNG, JPEG or NIfTI file.
        spacing: millimetres per pixel in the patient, one number or (row, column), used where the file has none.
        check: see `read_native`.

    Returns:
        The image ``(1, H, W)`` float32 and the header.

    Raises:
        RadiographError: naming the file, the rule, the value got and the remedy.

    Example:
        >>> from pydicom.data import get_testdata_file
        >>> film = read_radiograph(get_testdata_file("RG1_UNCR.dcm"))
        >>> film.image.shape, film.header.low, film.header.high
        (torch.Size([1, 1955, 1841]), -32767.0, 0.0)
    """
    native = read_native(path, check=check)
    header = native.header
    if header.spacing is None and spacing is not None:
        header = replace(header, spacing=_spacing(spacing), spacing_source="datalist")
    image = torch.from_numpy(image_of(native)[None])
    return Radiograph(image, header)


def read_volume(path: str | os.PathLike[str]) -> Radiograph:
    """Read a volume, for organs that have them: native values, bright = dense, with its header.

    Args:
        path: NIfTI file of shape (W, H, D).

    Returns:
        The image ``(1, D, H, W)`` float32 and the header; its spacing is (slice, row, column). `write_radiograph`
        writes it back as NIfTI, bit-exact outside the support.

    Raises:
        RadiographError: naming the file, the rule, the value got and the remedy.
    """
    native = read_native(path, check=False, volumes=True)
    if native.stored.ndim != 3:
        raise RadiographError(
            f"{os.fspath(path)}: a volume must have three axes (got {native.stored.shape}); read a film with "
            "read_radiograph"
        )
    return Radiograph(torch.from_numpy(image_of(native)[None]), native.header)


def _spacing(spacing: float | Sequence[float]) -> tuple[float, float]:
    try:
        pair = (spacing, spacing) if isinstance(spacing, (int, float)) else tuple(spacing)
        rows, columns = (float(size) for size in pair)
    except (TypeError, ValueError):
        rows, columns = 0.0, 0.0
    if not (0 < rows < float("inf") and 0 < columns < float("inf")):
        raise RadiographError(
            f"spacing must be one positive number or (row, column) in mm per pixel (got {echo(spacing)}); "
            "leave it out where it is unknown"
        )
    return rows, columns


def header_of(image: torch.Tensor, text: str | None = None) -> Header:
    """Return the header that rides with an image, or a "memory" one computed from the tensor.

    Args:
        image: MetaTensor from `RadiographReader` or LoadRadiograph, or any tensor ``(C, H, W)``.
        text: the header's JSON from ``<key>_header``, used where the image has lost its ``meta``.

    Returns:
        The header. Of a bare tensor the range is that of its values and the hash that of its float32 bytes.

    Raises:
        RadiographError: when the header in ``meta`` is not one.

    Example:
        >>> header_of(torch.linspace(0, 1, 16).reshape(1, 4, 4)).source
        'memory'
    """
    if isinstance(image, MetaTensor):
        text = image.meta.get(META_KEY, text)
    if text is not None:
        return Header.from_json(text)
    values = torch.as_tensor(image).detach().cpu().to(torch.float32).contiguous()
    values = values.as_tensor() if isinstance(values, MetaTensor) else values
    digest = hashlib.sha256(values.numpy().tobytes()).hexdigest()
    low, high = (float(values.min()), float(values.max())) if values.numel() else (0.0, 1.0)
    return Header("memory", digest, "tensor", low=low, high=high)


def _is_film(path: str | os.PathLike[str]) -> bool:
    try:
        return looks_like_a_film(path)
    except (OSError, ValueError):
        return False


def affine_of(header: Header) -> np.ndarray:
    """Return the 4 x 4 affine of the (row, column) grid in mm; in widths of a pixel when the spacing is unknown."""
    sizes = header.spacing or (header.aspect, 1.0)
    return np.diag([*sizes, *([1.0] * (4 - len(sizes)))])


class RadiographReader(ImageReader):
    """MONAI reader of films, for ``LoadImaged(reader=RadiographReader)``.

    It hands over ``(1, H, W)``, channel first: ``ensure_channel_first`` and EnsureChannelFirstd change nothing.

    Args:
        spacing: millimetres per pixel where the file has none.

    Example:
        >>> from monai.transforms import LoadImage
        >>> from pydicom.data import get_testdata_file
        >>> LoadImage(reader=RadiographReader())(get_testdata_file("RG1_UNCR.dcm")).shape
        torch.Size([1, 1955, 1841])
    """

    def __init__(self, spacing: float | Sequence[float] | None = None) -> None:
        super().__init__()
        self.spacing = spacing

    def verify_suffix(self, filename: Any) -> bool:
        """Tell whether all files are films by their names or, as DICOM files have any name, by their first bytes."""
        names = [filename] if isinstance(filename, (str, os.PathLike)) else list(filename)
        return all(str(name).lower().endswith(SUFFIXES) or not Path(name).suffix or _is_film(name) for name in names)

    def read(self, data: Any, **kwargs: Any) -> Radiograph:
        """Read one film; ``kwargs`` go to `read_radiograph`."""
        names = [data] if isinstance(data, (str, os.PathLike)) else list(data)
        if len(names) != 1:
            raise RadiographError(f"{names}: films are read one at a time (got {len(names)} files); give one path")
        return read_radiograph(names[0], **{"spacing": self.spacing, **kwargs})

    def get_data(self, img: Radiograph) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the ``(1, H, W)`` array and the meta dictionary: MONAI's own keys and one JSON string of ours."""
        affine = affine_of(img.header)
        return img.image.numpy(), {
            META_KEY: img.header.to_json(),
            "affine": affine,
            "original_affine": affine.copy(),
            "spatial_shape": np.asarray(img.image.shape[1:]),
            "original_channel_dim": 0,
        }
