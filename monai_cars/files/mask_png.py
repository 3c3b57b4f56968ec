"""Masks as pictures: 0 and 255, one channel or red, green and blue, whatever the number of structures."""

import io

import numpy as np
import torch
from PIL import Image

from monai_cars.files.header import RadiographError


def mask_png(mask: torch.Tensor | np.ndarray) -> bytes:
    """Return masks as an 8-bit PNG, 0 and 255: grey for one, red, green and blue for two or three that may overlap.

    Args:
        mask: ``(C, H, W)`` or ``(H, W)``, C from 1 to 3 or more; with more, channels are stacked downwards in one
            grey image of height ``C * H``.

    Raises:
        RadiographError: when the shape is not one of these.

    Example:
        >>> mask_png(np.eye(3))[1:4]
        b'PNG'
    """
    values = torch.as_tensor(mask).detach().cpu().numpy() != 0
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3:
        raise RadiographError(f"a mask must be (C, H, W) or (H, W) (got shape {values.shape}); save before batching")
    planes = values.astype(np.uint8) * 255
    if len(planes) in (2, 3):
        empty = np.zeros_like(planes[0])
        pixels = np.stack([*planes, empty][:3], axis=-1)
    else:
        pixels = planes.reshape(-1, planes.shape[-1])
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
