"""Load a radiograph with its native values."""

import math
import os
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends

from monai_cars.files.radiograph import HEADER_POSTFIX, META_KEY, RadiographReader

__all__ = ["LoadRadiograph", "LoadRadiographD", "LoadRadiographDict", "LoadRadiographd"]


class LoadRadiograph(Transform):
    """Load a DICOM, PNG, JPEG or NIfTI film as ``(1, H, W)`` float32, native integers, bright = dense.

    The same as ``LoadImage(reader=RadiographReader())``, but a refused file raises `RadiographError` itself.

    Args:
        spacing: millimetres per pixel in the patient, one number or (row, column), where the file has none.

    Example:
        >>> from pydicom.data import get_testdata_file
        >>> LoadRadiograph()(get_testdata_file("RG1_UNCR.dcm")).shape
        torch.Size([1, 1955, 1841])
    """

    backend = [TransformBackends.NUMPY]  # noqa: RUF012 - as MONAI declares it

    def __init__(self, spacing: float | Sequence[float] | None = None) -> None:
        self.spacing = spacing

    def __call__(
        self, path: str | os.PathLike[str], spacing: float | Sequence[float] | None = None
    ) -> torch.Tensor | MetaTensor:
        """Load one film.

        Args:
            path: the file.
            spacing: of this film, where the file has none; the default is that of the transform.

        Returns:
            ``(1, H, W)`` float32, a MetaTensor unless MONAI's ``set_track_meta(False)`` is in force. Its affine is the
            spacing in mm, the identity when unknown; ``meta["radiograph"]`` is the header as one JSON string.

        Raises:
            RadiographError: when a rule refuses the file.
        """
        return MetaTensor.ensure_torch_and_prune_meta(*self.load(path, spacing))

    def load(
        self, path: str | os.PathLike[str], spacing: float | Sequence[float] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the ``(1, H, W)`` array and the meta dictionary of one film."""
        reader = RadiographReader(self.spacing if spacing is None else spacing)
        film = reader.read(path)
        values, meta = reader.get_data(film)
        meta["filename_or_obj"] = film.header.source
        return values, meta


class LoadRadiographd(MapTransform):
    """Dictionary form of `LoadRadiograph`; leaves the header's JSON under ``<key>_header`` too, since caches drop meta.

    Args:
        keys: keys of the paths, replaced by the films.
        spacing_key: key of the spacing in mm per pixel (a datalist's column), used where the file has none; None or
            NaN there means unknown.
        allow_missing_keys: leave out keys that are not there.

    Example:
        >>> from pydicom.data import get_testdata_file
        >>> row = {"image": get_testdata_file("RG1_UNCR.dcm"), "mm": 0.2}
        >>> LoadRadiographd(keys="image", spacing_key="mm")(row)["image"].pixdim
        tensor([0.2000, 0.2000], dtype=torch.float64)
    """

    backend = LoadRadiograph.backend

    def __init__(
        self, keys: KeysCollection, *, spacing_key: str | None = None, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.spacing_key = spacing_key
        self.loader = LoadRadiograph()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the dictionary with each path replaced by its film."""
        out = dict(data)
        for key in self.key_iterator(out):
            values, meta = self.loader.load(out[key], spacing=self._spacing(out))
            out[key] = MetaTensor.ensure_torch_and_prune_meta(values, meta)
            out[f"{key}{HEADER_POSTFIX}"] = meta[META_KEY]
        return out

    def _spacing(self, row: Mapping[Hashable, Any]) -> Any:
        spacing: Any = row.get(self.spacing_key) if self.spacing_key is not None else None
        spacing = spacing.tolist() if hasattr(spacing, "tolist") else spacing
        # A table's empty cell arrives as NaN.
        return None if isinstance(spacing, float) and math.isnan(spacing) else spacing


LoadRadiographD = LoadRadiographDict = LoadRadiographd
