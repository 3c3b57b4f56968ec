"""The shipped segmenter: whole lung fields and cardiac silhouette of an upright film, at the film's own size."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from monai_cars.chest_xray.anatomy.network import anatomy_network, to_input
from monai_cars.networks.bilinear import positive
from monai_cars.networks.device import usable_device
from monai_cars.networks.precision import single_precision
from monai_cars.networks.threads import one_thread
from monai_cars.weights import WeightsError, WeightsRecord, load_state, record_of

Segmenter = Callable[[torch.Tensor], torch.Tensor]
"""Anything that turns an upright film `(1, H, W)`, bright = dense in any affine scale, into `(S, H, W)` uint8 masks."""

SEGMENTER_WEIGHTS = "cars_anatomy"
MARGIN = 0.12  # of the lungs' box, kept around it in the second look
OUTSIDE, INSIDE = -4.0, 1.0  # logits of removed islands and filled holes


class AnatomySegmenter:
    """Segments an upright film with a network.

    It looks twice: at the whole film, and closer at the box of the lungs found there, so that a small child or a film
    with wide borders gets as many pixels as an adult.

    Args:
        network: `(N, 1, S, S)` normalised films to `(N, 3, S, S)` logits, in evaluation mode.
        device: where it runs; None is the image's.
        mirror: average each look with its mirror image. Off: lung fields are not symmetric, the left one is drawn
            closer to the midline, and the mean loses that.
        second_look: look closer.

    Example:
        >>> from monai_cars.chest_xray.anatomy.network import anatomy_network
        >>> segment = AnatomySegmenter(anatomy_network((4, 8, 8, 8, 8, 8)).eval())
        >>> segment(torch.rand(1, 70, 60)).shape
        torch.Size([3, 70, 60])
    """

    def __init__(
        self,
        network: torch.nn.Module,
        *,
        device: torch.device | str | None = None,
        mirror: bool = False,
        second_look: bool = True,
    ):
        self.network, self.device, self.mirror, self.second_look = network, device, mirror, second_look

    @single_precision()
    @torch.inference_mode()
    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Masks `(3, H, W)` uint8 of an upright film `(1, H, W)`, ordered as `STRUCTURES`.

        Raises:
            ValueError: the image has another shape, or holds NaN or infinity.
        """
        plain = image.as_tensor() if hasattr(image, "as_tensor") else image
        if plain.ndim != 3 or plain.shape[0] != 1:
            raise ValueError(f"image must have shape (1, H, W) (got {tuple(plain.shape)}); take one channel of it")
        if not bool(torch.isfinite(plain.sum())):
            raise ValueError("image must be finite (got NaN or infinity); repair the film before segmenting it")
        film = plain.to(self.device or plain.device).float()
        with one_thread():
            masks = self._masks(film)
        return masks.to(plain.device)

    def _masks(self, film: torch.Tensor) -> torch.Tensor:
        height, width = film.shape[1:]
        logits = self._look(film)
        box = _box(logits, height, width) if self.second_look else None
        if box is not None:
            top, bottom, left, right = box
            close = self._look(film[:, top:bottom, left:right])
            logits = _merge(logits, close, box, (height, width))
        clean = np.stack([_one_piece(channel) for channel in logits[0].cpu().numpy()])
        return torch.from_numpy(positive(clean, (height, width)))

    def _look(self, film: torch.Tensor) -> torch.Tensor:
        small = to_input(film)
        views = torch.cat([small, small.flip(-1)]) if self.mirror else small
        logits = self.network(views.to(memory_format=torch.channels_last)).contiguous()
        if not self.mirror:
            return logits
        # Lungs are named by their place in the image, so the mirrored view has them in the other channel.
        return (logits[:1] + logits[1:].flip(-1)[:, [1, 0, 2]]) / 2


def _box(logits: torch.Tensor, height: int, width: int) -> tuple[int, int, int, int] | None:
    """Box (top, bottom, left, right) of both lungs with a margin, in film pixels; None where nothing is gained."""
    lungs = (logits[0, :2] > 0).cpu().numpy()
    parts = np.logical_or(*(_largest(part) for part in lungs))
    rows, columns = np.flatnonzero(parts.any(1)), np.flatnonzero(parts.any(0))
    if len(rows) < 8 or len(columns) < 8:
        return None
    size = parts.shape[0]
    pad_y, pad_x = MARGIN * (rows[-1] - rows[0]), MARGIN * (columns[-1] - columns[0])
    top, bottom = max(rows[0] - pad_y, 0) / size, min(rows[-1] + 1 + pad_y, size) / size
    left, right = max(columns[0] - pad_x, 0) / size, min(columns[-1] + 1 + pad_x, size) / size
    if (bottom - top) * (right - left) > 0.9:
        return None
    return round(top * height), round(bottom * height), round(left * width), round(right * width)


def _merge(
    whole: torch.Tensor, close: torch.Tensor, box: tuple[int, int, int, int], film: tuple[int, int]
) -> torch.Tensor:
    """Mean of both looks inside the box, the first look outside, on a grid twice as fine as the first."""
    side = 2 * whole.shape[-1]
    merged = functional.interpolate(whole, size=(side, side), mode="bilinear", align_corners=False)
    top, bottom = round(box[0] / film[0] * side), round(box[1] / film[0] * side)
    left, right = round(box[2] / film[1] * side), round(box[3] / film[1] * side)
    inside = functional.interpolate(close, size=(bottom - top, right - left), mode="bilinear", align_corners=False)
    merged[..., top:bottom, left:right] = (merged[..., top:bottom, left:right] + inside) / 2
    return merged


def _largest(mask: np.ndarray) -> np.ndarray:
    parts, count = ndimage.label(mask)
    return parts == 1 + np.bincount(parts.ravel())[1:].argmax() if count > 1 else mask


def _one_piece(logits: np.ndarray) -> np.ndarray:
    """Logits changed so that their positive part is its largest piece, without holes."""
    mask = logits > 0
    kept = _largest(mask)
    solid = _filled(kept)
    logits = np.where(mask & ~kept, OUTSIDE, logits)
    return np.where(solid & ~kept, INSIDE, logits).astype(np.float32)


def _filled(mask: np.ndarray) -> np.ndarray:
    """The mask with its holes, as `ndimage.binary_fill_holes`, which takes ten times as long."""
    parts, count = ndimage.label(~mask)
    outside = np.zeros(count + 1, bool)
    for border in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        outside[border] = True
    outside[0] = False
    return mask | ~outside[parts]


@lru_cache(maxsize=4)
@single_precision()
def _loaded(record: WeightsRecord, device: str) -> AnatomySegmenter:
    return _filled_with(anatomy_network(), record, device)


def _filled_with(network: torch.nn.Module, record: WeightsRecord, device: str) -> AnatomySegmenter:
    try:
        network.load_state_dict(load_state(record))
    except RuntimeError as error:
        reason = str(error).splitlines()[1:2] or [str(error)]
        raise WeightsError(
            f"{record.name!r} holds no weights of the anatomy network ({reason[0].strip()[:120]}); give the weights of "
            "monai_cars.chest_xray.anatomy.network.anatomy_network, or a segmenter of your own as a callable"
        ) from error
    where = None if device == "" else torch.device(device)
    network = network.eval().to(where or "cpu")
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # missing in torch's stubs
    return AnatomySegmenter(network, device=where)


def load_segmenter(
    weights: str | Path | WeightsRecord = SEGMENTER_WEIGHTS,
    device: torch.device | str | None = None,
    *,
    network: torch.nn.Module | None = None,
) -> AnatomySegmenter:
    """A segmenter by its weights, loaded once a process and device.

    Args:
        weights: the shipped name; "hub"; a WeightsRecord; "owner/repo/file.safetensors@commit"; or a path. See
            `monai_cars.weights.record_of`.
        device: where it runs; None is the CPU.
        network: what to load them into, such as a bundle's `network_def`; None is the shipped architecture.

    Raises:
        WeightsError: unknown, missing or altered weights, or weights of another network.
        ValueError: there is no such device here.
    """
    record, where = record_of(weights, default=SEGMENTER_WEIGHTS), str(usable_device(device or "cpu"))
    return _loaded(record, where) if network is None else _filled_with(network, record, where)
