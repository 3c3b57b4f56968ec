"""MONAI's own NIfTI writer for images of two axes, which MONAI 1.6.1 cannot write.

Its `SaveImaged` takes an image (1, H, W) for one of a single axis and then compares a size that is None with a number.
Metadata that deny a channel would mend that, but make `EnsureChannelFirstd` add a second one. MONAI asks a table which
writer a suffix has, and this module puts one there that hands the size over; volumes go to MONAI's writer as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from monai.data import NibabelWriter, register_writer, resolve_writer
from monai.data.image_writer import SUPPORTED_WRITERS
from monai.data.utils import compute_shape_offset, to_affine_nd
from monai.utils import GridSampleMode, GridSamplePadMode

SUFFIXES = ("nii.gz", "nii")


class FlatNibabelWriter(NibabelWriter):
    """MONAI's NibabelWriter that writes images of two axes under every version of MONAI.

    Example:
        >>> resolve_writer("nii.gz")[0].__name__
        'FlatNibabelWriter'
    """

    @classmethod
    def resample_if_needed(
        cls,
        data_array: Any,
        affine: Any = None,
        target_affine: Any = None,
        output_spatial_shape: Any = None,
        mode: Any = GridSampleMode.BILINEAR,
        padding_mode: Any = GridSamplePadMode.BORDER,
        align_corners: bool = False,
        dtype: Any = np.float64,
    ) -> Any:
        """As MONAI's, the size of an image (H, W) said where MONAI would have to tell it from its rank."""
        if data_array.ndim == 2 and output_spatial_shape is None:
            output_spatial_shape = data_array.shape
            if target_affine is not None and affine is not None:
                now, then = (to_affine_nd(2, np.asarray(one, dtype=float)) for one in (affine, target_affine))
                output_spatial_shape = compute_shape_offset(data_array.shape, now, then)[0]
        return super().resample_if_needed(
            data_array, affine, target_affine, output_spatial_shape, mode, padding_mode, align_corners, dtype
        )


def install() -> None:
    """Put the writer first for NIfTI, once."""
    # Asking fills MONAI's table, which stays empty where something is registered before it was asked. To ask for NIfTI
    # would try every writer of it, and import ITK.
    resolve_writer("png")
    for suffix in SUFFIXES:
        if FlatNibabelWriter not in SUPPORTED_WRITERS.get(suffix, ()):
            register_writer(suffix, FlatNibabelWriter)


install()
