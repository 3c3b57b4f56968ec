"""Masks of an image however it lies in its array, by any segmenter, and who made them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor

from monai_cars.edits.axes import ORDERS, Axes, from_standard, to_standard
from monai_cars.files.radiograph import META_KEY, header_of
from monai_cars.loop.state import as_image, like, one_channel
from monai_cars.modality import Modality, Segmenter, modality_named
from monai_cars.networks.device import usable_device
from monai_cars.networks.precision import single_precision
from monai_cars.weights import WeightsRecord, record_of

MAKER_KEY = "segmenter"
"""Key of ``MetaTensor.meta`` of masks that says which segmenter made them."""


@single_precision()
def segmented(
    image: torch.Tensor, segmenter: Segmenter, axes: str = "auto", *, modality: str | Modality, maker: str | None = None
) -> tuple[torch.Tensor, Axes]:
    """Masks `(S, ...)` uint8 in the image's own axes with its affine and header, and how the image lies.

    Args:
        image: `(1, H, W)`, or `(3, H, W)` with equal channels; or a volume `(1, D, H, W)`.
        segmenter: from an upright image `(1, ...)`, bright = dense, to masks.
        axes: how it lies, or "auto".
        modality: the organ.
        maker: who the segmenter is, as `maker_of` tells; noted with the masks.

    Raises:
        RadiographError: no image of this organ, or it is unsure how it lies (only with `axes="auto"`).
        ValueError: the segmenter returns something else than masks of the image's size.
    """
    organ = modality_named(modality) if isinstance(modality, str) else modality
    image = as_image(image)
    film = one_channel(image)
    plain = film.as_tensor() if isinstance(film, MetaTensor) else film
    found = _axes(organ, film, plain, axes)
    if found.mirrored:
        warnings.warn(
            f"The film is mirrored left to right (axes {str(found)!r}): right and left are named by the patient, so "
            "the patient's right lies on the right of the image. Segment before random flips if that is not meant.",
            stacklevel=5,
        )
    upright = to_standard(plain.float(), found).contiguous()
    # A copy, whichever way: a segmenter that normalises in place must not change the chain's image.
    masks = segmenter(-upright if found.inverted else upright.clone())
    masks = torch.as_tensor(np.asarray(masks) if not isinstance(masks, torch.Tensor) else masks)
    expected = (len(organ.structures), *upright.shape[1:])
    if masks.ndim != upright.ndim or masks.shape[0] < expected[0] or masks.shape[1:] != upright.shape[1:]:
        raise ValueError(
            f"the segmenter must return masks of shape {expected} for {', '.join(organ.structures)} "
            f"(got {tuple(masks.shape)})"
        )
    masks = from_standard(masks.as_tensor() if isinstance(masks, MetaTensor) else masks, found)
    carried = like((masks > 0).to(torch.uint8).contiguous(), image)
    if isinstance(carried, MetaTensor) and maker:
        carried.meta[MAKER_KEY] = maker
    return carried, found


def maker_of(segmenter: WeightsRecord | Segmenter | str | Path | None) -> str:
    """Who a segmenter is: the name and hash of its weights, or the name of a callable of the user's own.

    Example:
        >>> maker_of("cars_anatomy")[:19], maker_of(len)
        ('cars_anatomy sha256', 'builtins.len')
    """
    record = record_of(segmenter) if isinstance(segmenter, str | Path) else segmenter
    if isinstance(record, WeightsRecord):
        return f"{record.name} sha256:{record.sha256}"
    kind: Any = segmenter if hasattr(segmenter, "__qualname__") else type(segmenter)
    # A worker that was spawned knows the user's script by another name, and must tell the same maker.
    module = "__main__" if kind.__module__ == "__mp_main__" else kind.__module__
    name = getattr(segmenter, "name", None) or f"{module}.{kind.__qualname__}"
    sha256 = getattr(segmenter, "sha256", "")
    return f"{name} sha256:{sha256}" if sha256 else str(name)


def made_by(anatomy: Any, header_maker: str = "") -> str | None:
    """Who made masks, by what rides with them or with the film's header; None when nobody says."""
    stated = anatomy.meta.get(MAKER_KEY) if isinstance(anatomy, MetaTensor) else None
    return str(stated) if stated else header_maker or None


def _axes(modality: Modality, film: torch.Tensor, plain: torch.Tensor, stated: str) -> Axes:
    if stated != "auto":
        return Axes.parse(stated)
    known = axes_from_affine(film)
    if known is None:
        return modality.orient(plain)
    modality.screen(plain, header_of(film).source)
    return known


def segmenter_on(where: torch.device | str, weights: str | WeightsRecord, modality: str | Modality) -> Segmenter:
    """The segmenter of some weights on a device.

    Raises:
        RuntimeError: it would start CUDA in a forked worker.
        ValueError: there is no such device here.
    """
    if str(where).startswith("cuda") and torch.cuda._is_in_bad_fork():
        raise RuntimeError(
            f"A forked DataLoader worker cannot run a segmenter on {where}: use num_workers=0, "
            "monai.data.ThreadDataLoader, or device='cpu'."
        )
    organ = modality_named(modality) if isinstance(modality, str) else modality
    return organ.segmenter(weights, usable_device(where))


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
    if image.ndim > 3:
        return Axes.parse(header.axes)  # volumes are handed over as their reader says
    first = np.asarray(image.meta["original_affine"], dtype=np.float64)[:2, :2]
    now = np.asarray(image.affine, dtype=np.float64)[:2, :2]
    step = np.linalg.solve(first, now)  # columns: the first and second axis of the array, in the loaded film's axes
    transposed = abs(step[0, 1]) + abs(step[1, 0]) > abs(step[0, 0]) + abs(step[1, 1])
    down, across = (step[0, 1], step[1, 0]) if transposed else (step[0, 0], step[1, 1])
    loaded = Axes.parse(header.axes)
    if loaded.order != "HW":
        return loaded if np.allclose(step, np.eye(2) * step[0, 0]) else None
    return Axes(ORDERS[int(across < 0) + 2 * int(down < 0) + 4 * int(transposed)], loaded.inverted)
