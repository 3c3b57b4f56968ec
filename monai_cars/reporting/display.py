"""A film for the eye: window, crop, outlines and colours. For display only, nothing here is ever written to a film."""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image
from skimage.measure import approximate_polygon, find_contours

# Diverging and readable by the colour-blind: blue is less attenuation, white none, red more.
_LESS, _MORE = np.array([33, 102, 172]), np.array([178, 24, 43])
_PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True)
class Window:
    """The range of values shown from black to white.

    Args:
        low: value shown black.
        high: value shown white.

    Example:
        >>> Window(0.0, 10.0)(np.array([[-5.0, 5.0, 20.0]])).tolist()
        [[0, 128, 255]]
    """

    low: float
    high: float

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(H, W) uint8 picture of an (H, W) image."""
        share = (image.astype(np.float32) - self.low) / max(self.high - self.low, 1e-6)
        return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def window_of(image: np.ndarray, region: np.ndarray | None = None) -> Window:
    """Window from the 0.5th to the 99.5th percentile, of the values inside `region` where one is given.

    The organ decides the contrast, else collimated borders and burnt-in markers would.

    Args:
        image: (H, W), any affine scale.
        region: (H, W) bool, usually the union of the organ's structures; an empty one is ignored.

    Example:
        >>> window_of(np.linspace(0, 100, 101)[None])
        Window(low=0.5, high=99.5)
    """
    values = image[region] if region is not None and region.any() else image
    low, high = np.percentile(values, _PERCENTILES)
    return Window(float(low), float(high))


def bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Bounding box (y0, x0, y1, x1) of a mask in pixels, half open.

    Raises:
        ValueError: the mask is empty.

    Example:
        >>> bounds(np.pad(np.ones((2, 3), bool), 1))
        (1, 1, 3, 4)
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        raise ValueError("mask must hold at least one pixel to have bounds, got an empty one")
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def crop_around(mask: np.ndarray, *, margin: float = 0.35, least: float = 0.25) -> tuple[slice, slice]:
    """Slices of a square crop around a mask, clipped to the film; the whole film for an empty mask.

    Args:
        mask: (H, W).
        margin: space on each side, as a share of the mask's longer side.
        least: shortest allowed side, as a share of the film's shorter side: context is needed to judge an edit.

    Example:
        >>> mask = np.zeros((100, 100), bool)
        >>> mask[40:60, 40:60] = True
        >>> crop_around(mask)
        (slice(33, 67, None), slice(33, 67, None))
    """
    if not mask.any():
        return slice(0, mask.shape[0]), slice(0, mask.shape[1])
    y0, x0, y1, x1 = bounds(mask)
    side = round(max((1 + 2 * margin) * max(y1 - y0, x1 - x0), least * min(mask.shape)))
    return _span(y0, y1, side, mask.shape[0]), _span(x0, x1, side, mask.shape[1])


def _span(start: int, stop: int, side: int, size: int) -> slice:
    first = min(max((start + stop - side) // 2, 0), max(size - side, 0))
    return slice(first, min(first + side, size))


def outlines(mask: np.ndarray, *, tolerance: float = 0.7) -> list[np.ndarray]:
    """Closed outlines of a mask, each (N, 2) of (row, column) in pixels, thinned to `tolerance` pixels.

    Example:
        >>> [ring] = outlines(np.pad(np.ones((4, 4), bool), 2))
        >>> ring.min(0), ring.max(0)
        (array([1.5, 1.5]), array([5.5, 5.5]))
    """
    padded = np.pad(mask.astype(np.float32), 1)  # so that outlines at the film's border close
    return [approximate_polygon(ring - 1, tolerance) for ring in find_contours(padded, 0.5)]


def difference_colours(difference: np.ndarray, limit: float) -> np.ndarray:
    """(H, W, 3) uint8 colours of a signed difference: blue at -limit, white at 0, red at +limit.

    Args:
        difference: (H, W), after minus before, in contrast units.
        limit: > 0, the difference shown in full colour.

    Example:
        >>> difference_colours(np.array([[-1.0, 0.0, 1.0]]), 1.0).tolist()
        [[[33, 102, 172], [255, 255, 255], [178, 24, 43]]]
    """
    share = np.clip(difference / max(limit, 1e-6), -1, 1)[..., None]
    full = np.where(share < 0, _LESS, _MORE)
    return np.rint(255 + np.abs(share) * (full - 255)).astype(np.uint8)


def difference_limit(difference: np.ndarray) -> float:
    """Symmetric limit of the colour bar: the 99.9th percentile of the changed pixels' size, up to the next 0.05.

    Example:
        >>> difference_limit(np.array([[0.0, -0.11]]))
        0.15
    """
    changed = np.abs(difference[difference != 0])
    largest = float(np.percentile(changed, 99.9)) if changed.size else 0.0
    return round(0.05 * max(1, math.ceil(largest / 0.05)), 2)


def encode(picture: np.ndarray, *, quality: int | None = None) -> bytes:
    """Bytes of a uint8 picture, (H, W) or (H, W, 3): lossless PNG, or JPEG where a quality is given."""
    stream = BytesIO()
    if quality is None:
        Image.fromarray(picture).save(stream, "PNG", optimize=False, compress_level=6)
    else:
        Image.fromarray(picture).save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()
