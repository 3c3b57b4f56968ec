"""Masks of an image however it lies in its array, by any segmenter."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from monai.data import MetaTensor, get_track_meta
from monai.utils import convert_to_tensor

from monai_cars.chest_xray.anatomy import STRUCTURES, Segmenter, load_segmenter
from monai_cars.chest_xray.orientation import recognise_axes
from monai_cars.chest_xray.screening import require_frontal
from monai_cars.edits.axes import ORDERS, Axes, from_standard, to_standard
from monai_cars.files.radiograph import META_KEY, header_of
from monai_cars.loop.state import like, one_channel
from monai_cars.weights import WeightsRecord


def segmented(image: torch.Tensor, segmenter: Segmenter, axes: str = "auto") -> tuple[torch.Tensor, Axes]:
    """Masks `(S, H, W)` uint8 in the image's own axes with its affine and header, and how the image lies.

    Args:
        image: `(1, H, W)`, or `(3, H, W)` with equal channels.
        segmenter: from an upright film `(1, H, W)`, bright = dense, to masks.
        axes: how it lies, or "auto".

    Raises:
        RadiographError: no frontal chest film, or it is unsure how it lies (only with `axes="auto"`).
        ValueError: the segmenter returns something else than masks of the film's size.
    """
    image = convert_to_tensor(image, track_meta=get_track_meta())
    film = one_channel(image)
    plain = film.as_tensor() if isinstance(film, MetaTensor) else film
    found = _axes(film, plain, axes)
    if found.mirrored:
        warnings.warn(
            f"The film is mirrored left to right (axes {str(found)!r}): right and left are named by the patient, so "
            "the right lung lies on the right of the image. Segment before random flips if that is not meant.",
            stacklevel=4,
        )
    upright = to_standard(plain.float(), found).contiguous()
    masks = segmenter(-upright if found.inverted else upright)
    masks = torch.as_tensor(np.asarray(masks) if not isinstance(masks, torch.Tensor) else masks)
    if masks.ndim != 3 or masks.shape[0] < len(STRUCTURES) or masks.shape[1:] != upright.shape[1:]:
        raise ValueError(
            f"the segmenter must return masks of shape {(len(STRUCTURES), *upright.shape[1:])} for "
            f"{', '.join(STRUCTURES)} (got {tuple(masks.shape)})"
        )
    masks = from_standard(masks.as_tensor() if isinstance(masks, MetaTensor) else masks, found)
    return like((masks > 0).to(torch.uint8).contiguous(), image), found


def _axes(film: torch.Tensor, plain: torch.Tensor, stated: str) -> Axes:
    if stated != "auto":
        return Axes.parse(stated)
    known = axes_from_affine(film)
    if known is None:
        return recognise_axes(plain)
    require_frontal(plain, source=header_of(film).source)
    return known


def segmenter_on(where: torch.device, weights: str | WeightsRecord) -> Segmenter:
    """The segmenter of some weights on a device.

    Raises:
        RuntimeError: it would start CUDA in a forked worker.
    """
    if where.type == "cuda" and torch.cuda._is_in_bad_fork():
        raise RuntimeError(
            f"A forked DataLoader worker cannot run a segmenter on {where}: use num_workers=0, "
            "monai.data.ThreadDataLoader, or device='cpu'."
        )
    return load_segmenter(weights, where)


def axes_from_affine(image: torch.Tensor) -> Axes | None:
    """How a film of our own reader lies now: its header's axes, and the flips and turns that its affine went through.

    Returns:
        None for films that another reader loaded, or without metadata.
    """
    if not isinstance(image, MetaTensor) or META_KEY not in image.meta or "original_affine" not in image.meta:
        return None
    header = header_of(image)
    if header.format == "tensor":
        return None
    first = np.asarray(image.meta["original_affine"], dtype=np.float64)[:2, :2]
    now = np.asarray(image.affine, dtype=np.float64)[:2, :2]
    step = np.linalg.solve(first, now)  # columns: the first and second axis of the array, in the loaded film's axes
    transposed = abs(step[0, 1]) + abs(step[1, 0]) > abs(step[0, 0]) + abs(step[1, 1])
    down, across = (step[0, 1], step[1, 0]) if transposed else (step[0, 0], step[1, 1])
    loaded = Axes.parse(header.axes)
    if loaded.order != "HW":
        return loaded if np.allclose(step, np.eye(2) * step[0, 0]) else None
    return Axes(ORDERS[int(across < 0) + 2 * int(down < 0) + 4 * int(transposed)], loaded.inverted)
