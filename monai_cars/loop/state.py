"""What is true of a film *now*: after the chain scaled, resized, flipped or transposed what was loaded."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor, get_track_meta
from monai.utils import convert_to_tensor

from monai_cars.edits.axes import Axes, to_standard
from monai_cars.files.padding import without_padding
from monai_cars.files.radiograph import META_KEY, Header, header_of
from monai_cars.modality import DEFAULT_ORGAN, Modality, modality_named

WIDER = {torch.uint16: torch.int32, torch.uint32: torch.int64}
SIGN_SIDE = 128  # pixels on the longer side, enough to tell dense from aerated


def current_header(
    image: torch.Tensor, anatomy: torch.Tensor, text: str | None = None, modality: str | Modality = DEFAULT_ORGAN
) -> Header:
    """The header of a film as it stands in the chain.

    The file's header says how the film was stored. Its range holds only while the values are the stored integers, its
    spacing only at its size, its axes only until someone flips it: values, affine and anatomy tell what holds now.

    Args:
        image: (1, H, W), a MetaTensor where anything is known of it.
        anatomy: (S, H, W) uint8 masks in the same axes.
        text: what `<key>_header` says, for an image that a cache has stripped of its metadata.
        modality: the organ, which knows where its structures lie.

    Returns:
        A header with `spacing` in the order of the array's axes.
    """
    header = header_of(image, text)
    organ = modality_named(modality) if isinstance(modality, str) else modality
    axes = _axes(organ, image, anatomy, Axes.parse(header.axes), header.source == "memory")
    if axes.mirrored:
        warnings.warn(
            f"The film is mirrored left to right (axes {str(axes)!r}), as RandFlipd leaves it: `side` follows the "
            "patient. Flip films only where organs on the wrong side are wanted.",
            stacklevel=2,
        )
    return replace(header, axes=str(axes), **_values(image, header), **_scale(image, header))


def _axes(modality: Modality, image: torch.Tensor, anatomy: torch.Tensor, stated: Axes, unheard_of: bool) -> Axes:
    axes = replace(stated, order=modality.lies(anatomy, stated.order))
    if stated.inverted or not unheard_of:
        return axes
    # Nobody has said that bright is dense: the anatomy tells, at a size that costs little.
    step = max(1, max(image.shape) // SIGN_SIDE)
    thin = (slice(None), *(slice(None, None, step) for _ in image.shape[1:]))
    film, masks = (to_standard(plain_tensor(part)[thin], axes) for part in (image, anatomy))
    film = film.float()  # numpy has no bfloat16
    return replace(axes, inverted=modality.unit(film, masks).value < 0)


def _values(image: torch.Tensor, header: Header) -> dict[str, Any]:
    plain = plain_tensor(image)
    if not plain.is_floating_point():
        return {"integer": True, "low": float(plain.min()), "high": float(plain.max())}
    seen = without_padding(plain, header)[0]  # which the header's range need not hold
    low, high = float(seen.min()), float(seen.max())
    if header.integer and header.low <= low and high <= header.high and bool((plain == plain.round()).all()):
        return {}
    return {"integer": False, "bits": 0, "low": low, "high": high}


def _scale(image: torch.Tensor, header: Header) -> dict[str, Any]:
    """Spacing at the present size: the affine has followed every resampling since the film was read."""
    if not isinstance(image, MetaTensor):
        return {}
    original = image.meta.get("original_affine")
    if original is None:
        return {}
    axes = image.ndim - 1
    was, now = _pixdim(original, axes), _pixdim(image.affine, axes)
    if META_KEY not in image.meta:
        # MONAI's readers give an identity where a file states no spacing.
        return _aspect(now) if np.allclose(was, 1.0) else {"spacing": now, "spacing_source": "affine"}
    if header.spacing is None:
        return _aspect(now)
    stated = np.allclose(was, header.spacing)  # else the affine counts pixels
    return {"spacing": now if stated else tuple(s * n / w for s, n, w in zip(header.spacing, now, was, strict=True))}


def _aspect(now: tuple[float, ...]) -> dict[str, Any]:
    """Height of a pixel over its width, of a film without spacing: its affine counts pixels of the film as read."""
    return {"aspect": now[0] / now[1]} if len(now) == 2 and min(now) > 0 else {}


def _pixdim(affine: Any, axes: int) -> tuple[float, ...]:
    columns = np.linalg.norm(np.asarray(affine, dtype=float)[:, :axes], axis=0)
    return tuple(float(column) for column in columns)


def plain_tensor(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor without MONAI's metadata, which costs time in every operation."""
    return tensor.as_tensor() if isinstance(tensor, MetaTensor) else tensor


def as_image(image: Any) -> torch.Tensor:
    """An array or tensor as MONAI's transforms hand it on, a MetaTensor where metadata are tracked.

    Unsigned integers of 16 bits and more become the next wider signed ones, as MONAI makes them of NumPy's: torch has
    no arithmetic for them. Bytes in another order than this machine's are put in order.

    Example:
        >>> as_image(np.zeros((1, 2, 2), ">u2")).dtype
        torch.int32
    """
    if isinstance(image, np.ndarray) and not image.dtype.isnative:
        image = image.astype(image.dtype.newbyteorder("="))
    if isinstance(image, torch.Tensor) and image.dtype in WIDER:
        image = image.to(WIDER[image.dtype])
    return convert_to_tensor(image, track_meta=get_track_meta())


def one_channel(image: torch.Tensor) -> torch.Tensor:
    """The film of an image of one or three equal channels, (1, H, W); a volume (1, D, H, W) is given back as it is.

    Raises:
        ValueError: another shape, or channels that differ.
    """
    if image.ndim == 4 and image.shape[0] == 1:
        return image
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError(
            f"image must have shape (1, H, W), or (3, H, W) with equal channels (got {tuple(image.shape)}); put "
            "EnsureChannelFirstd before the edit."
        )
    if image.shape[0] == 3 and not bool((image[1:] == image[:1]).all()):
        raise ValueError(
            "the three channels of image differ: it is no radiograph, or was normalised channel by channel; edit "
            "before such a normalisation."
        )
    return image[:1]


def like(tensor: torch.Tensor, image: torch.Tensor, *, history: bool = False) -> torch.Tensor:
    """`tensor` with the metadata of `image`; with `history`, its applied operations too, so that it can be inverted."""
    if not isinstance(image, MetaTensor):
        return tensor
    carried = MetaTensor(tensor).copy_meta_from(image)
    if not history:
        carried.applied_operations = []
    return carried
