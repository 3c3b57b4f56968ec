"""Masks of an image however it lies in its array, by any segmenter, and who made them."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor

from monai_cars.edits.axes import Axes, from_standard, then, to_standard
from monai_cars.edits.claim import UNHEARD, Claim
from monai_cars.files.header import RadiographError
from monai_cars.files.padding import without_padding
from monai_cars.files.radiograph import META_KEY, Header, header_of
from monai_cars.loop.claim import claim_of, step_of
from monai_cars.loop.state import as_image, like, one_channel
from monai_cars.modality import Modality, Segmenter, modality_named
from monai_cars.networks.device import usable_device
from monai_cars.networks.precision import single_precision
from monai_cars.weights import WeightsRecord, record_of

MAKER_KEY = "segmenter"
"""Key of ``MetaTensor.meta`` of masks that says which segmenter made them."""
LATERALITY_KEY = "laterality"
"""Key of ``MetaTensor.meta`` of masks that says by whom their sides are known."""


@single_precision()
def segmented(
    image: torch.Tensor,
    segmenter: Segmenter,
    axes: str = "auto",
    *,
    modality: str | Modality,
    maker: str | None = None,
    header: str | None = None,
) -> tuple[torch.Tensor, Axes]:
    """Masks `(S, ...)` uint8 in the image's own axes with its affine and header, and how the image lies.

    Args:
        image: `(1, H, W)`, or `(3, H, W)` with equal channels; or a volume `(1, D, H, W)`.
        segmenter: from an upright image `(1, ...)`, bright = dense, to masks.
        axes: how it lies, or "auto".
        modality: the organ.
        maker: who the segmenter is, as `maker_of` tells; noted with the masks.
        header: what `<key>_header` says, for an image that a cache has stripped of its metadata.

    Raises:
        RadiographError: no image of this organ, or it is unsure how it lies, or it contradicts what is said of it (only
            with `axes="auto"`).
        ValueError: the segmenter returns something else than masks of the image's size.
    """
    organ = modality_named(modality) if isinstance(modality, str) else modality
    image = as_image(image)
    film = one_channel(image)
    plain = film.as_tensor() if isinstance(film, MetaTensor) else film
    if header is not None or (isinstance(film, MetaTensor) and META_KEY in film.meta):
        plain, _ = without_padding(plain, header_of(film, header))
    found = _axes(organ, film, plain, axes, header)
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
    masks = masks.as_tensor() if isinstance(masks, MetaTensor) else masks
    if axes == "auto":
        organ.screen_masks(masks, header_of(film).source)
    masks = from_standard(masks, found)
    carried = like((masks > 0).to(torch.uint8).contiguous(), image)
    if isinstance(carried, MetaTensor):
        carried.meta[LATERALITY_KEY] = found.laterality
        if maker:
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


def laterality_of(anatomy: Any, header: Header) -> str | None:
    """By whom a film's sides are known, by what rides with its masks or its header; None for masks of one's own."""
    stated = anatomy.meta.get(LATERALITY_KEY) if isinstance(anatomy, MetaTensor) else None
    return str(stated) if stated else (header.laterality if header.segmenter else None)


def named_by_masks(film: torch.Tensor, order: str, *, modality: Modality) -> str:
    """Whether masks that name the sides themselves, and from where they come nobody says, are borne out.

    Args:
        film: (1, H, W).
        order: how the film lies by its masks.
        modality: the organ.

    Returns:
        "given", or "doubtful" where the file says otherwise, or the film's heart.
    """
    known = axes_from_affine(film)
    if known is not None and known.laterality in ("stated", "recognised") and known.order != order:
        return "doubtful"
    plain = film.as_tensor() if isinstance(film, MetaTensor) else film
    try:
        found = modality.orient(plain, Claim((order,), "given"))
    except RadiographError:  # it shows too little: then the masks are believed
        return "given"
    return "doubtful" if found.laterality == "doubtful" or found.order != order else "given"


def lie_together(image: torch.Tensor, anatomy: Any) -> bool:
    """Whether masks of `segmented` went through the same spatial transforms as their image; True where nobody knows."""
    if not isinstance(image, MetaTensor) or not isinstance(anatomy, MetaTensor) or LATERALITY_KEY not in anatomy.meta:
        return True
    return np.allclose(np.asarray(image.affine), np.asarray(anatomy.affine), atol=1e-3)


def _axes(modality: Modality, film: torch.Tensor, plain: torch.Tensor, stated: str, text: str | None) -> Axes:
    if stated != "auto":
        return Axes.parse(stated)
    known = axes_from_affine(film)
    source = header_of(film).source if known is not None else "the image"
    if known is not None and (film.ndim > 3 or header_of(film).segmenter):
        modality.screen(plain, source)  # a volume lies as its reader says, a film as was found when it was segmented
        return known
    return modality.orient(plain, claim_of(film, text) if film.ndim == 3 else UNHEARD, source)


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
    loaded = replace(Axes.parse(header.axes), laterality=header.laterality)
    if image.ndim > 3:
        return loaded
    step = step_of(image)
    return None if step is None else replace(loaded, order=then(loaded.order, step))
