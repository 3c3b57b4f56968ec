"""A film as its file stores it: the native values, the header, and what the writer keeps of the file."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_cars.files.header import Header, RadiographError

LEAST_SIDE = 128
"""Pixels; nothing smaller is a chest radiograph that anatomy can be found on."""
MOST_PIXELS = 100_000_000
"""Of a grey film; of a colour film a third, as each of its channels counts."""
MOST_BYTES = 1 << 28
"""Of a file, and of what it holds once inflated: more than MOST_PIXELS of 16 bits."""
MOST_BITS = 24
"""float32 holds integers exactly up to here."""
MOST_COLOURED = 0.01
"""Share of a film that coloured marks may take; a colour photograph has more."""
TINT = 6
"""Grey levels by which a lossy compression lets the channels of a grey film differ."""
LUMINANCE = np.array([299, 587, 114])
"""Red, green and blue, as JPEG weighs them."""


@dataclass(frozen=True)
class Native:
    """A film as stored.

    Args:
        stored: ``(H, W)``, rows first, or a volume ``(D, H, W)``, in the file's own type.
        header: everything else that transforms need.
        origin: what the writer keeps of the file: a pydicom Dataset without pixels, a nibabel header, or None.
    """

    stored: np.ndarray
    header: Header
    origin: Any = None


def image_of(native: Native) -> np.ndarray:
    """Return ``polarity * stored`` as float32."""
    image = native.stored.astype(np.float32)
    # Subtraction, not negation: it turns a stored 0 into 0 and not into -0, which has other bytes.
    return np.subtract(0, image, out=image) if native.header.polarity < 0 else image


def check_size(source: str, rows: int, columns: int, *, channels: int = 1) -> None:
    """Refuse sizes that no radiograph has, before anything of that size is allocated."""
    if min(rows, columns) < LEAST_SIDE:
        raise RadiographError(
            f"{source}: a radiograph must have at least {LEAST_SIDE} pixels a side (got {rows} x {columns}); "
            "give the film itself, not a thumbnail"
        )
    if rows * columns * channels > MOST_PIXELS:
        raise RadiographError(
            f"{source}: a radiograph must have at most {MOST_PIXELS // channels} pixels (got {rows} x {columns}); "
            "check that the file is a radiograph and not damaged"
        )


def check_voxels(source: str, shape: tuple[int, ...]) -> None:
    """Refuse volumes larger than any that fits in memory, before anything of that size is allocated."""
    if math.prod(shape) > MOST_PIXELS:
        raise RadiographError(
            f"{source}: a volume must have at most {MOST_PIXELS} voxels (got {' x '.join(map(str, shape))}); "
            "crop it to the organ"
        )


def check_values(source: str, stored: np.ndarray) -> None:
    """Refuse a blank film, NaN and infinity, and integers that float32 cannot hold."""
    low, high = stored.min(), stored.max()
    if not max(abs(float(low)), abs(float(high))) <= float(np.finfo(np.float32).max):  # NaN compares false
        raise RadiographError(
            f"{source}: every value must be finite in float32 (got {low} to {high}); replace these values or leave "
            "the file out"
        )
    if low == high:
        raise RadiographError(
            f"{source}: a radiograph must not be blank (got {low} in every pixel); leave the file out"
        )
    if stored.dtype.kind in "ui" and max(abs(int(low)), abs(int(high))) > 2**MOST_BITS:
        raise RadiographError(
            f"{source}: values must fit in {MOST_BITS} bits, which float32 holds exactly (got {low} to {high}); "
            "store the film in fewer bits"
        )


def integer_range(bits: int, signed: bool, polarity: int) -> tuple[float, float]:
    """Return the least and the greatest representable value after polarity."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return (float(low), float(high)) if polarity > 0 else (float(-high), float(-low))


def grey(source: str, values: np.ndarray, *, tint: int = 0) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return ``(H, W)`` of an ``(H, W, C)`` film whose 3 channels are equal, but for a few coloured marks.

    A coloured mark is read by its brightest channel: it stays a mark, which edits spare as they do a white one.

    Args:
        source: name of the file, for messages.
        values: ``(H, W)``, which is returned as it is, or ``(H, W, C)``.
        tint: difference of channels up to which a pixel is grey, its value that of the luminance: a JPEG's colour is
            rounded on its own.

    Returns:
        The film, and notes on what was left out.

    Raises:
        RadiographError: for a colour photograph and for pixels that are transparent.

    Example:
        >>> film = np.full((20, 20, 3), 7, np.uint8); film[0, 0] = (255, 0, 0)
        >>> grey("film.png", film)[0][0].tolist()[:2]
        [255, 7]
    """
    if values.ndim == 2:
        return values, ()
    if values.shape[2] in (2, 4):
        opaque = np.iinfo(values.dtype).max
        if (values[..., -1] != opaque).any():
            raise RadiographError(
                f"{source}: a radiograph must be opaque (got an alpha channel down to {values[..., -1].min()}); "
                "remove the alpha channel"
            )
        values = values[..., :-1]
    plane = values[..., 0]
    if values.shape[2] != 3 or (np.array_equal(plane, values[..., 1]) and np.array_equal(plane, values[..., 2])):
        return plane, ()
    gap = values.max(2).astype(np.int64) - values.min(2)
    coloured = gap > tint
    if coloured.mean() > MOST_COLOURED:
        raise RadiographError(
            f"{source}: a radiograph is grey, its channels must be equal (got 3 channels that differ by up to "
            f"{int(gap.max())}: a colour photograph?); give the original film or convert it to one channel"
        )
    luminance = (values.astype(np.int64) @ LUMINANCE + LUMINANCE.sum() // 2) // LUMINANCE.sum()
    plane = np.where(coloured, values.max(2), luminance).astype(values.dtype)
    marks = int(coloured.sum())
    return plane, ((f"{marks} coloured pixels are read by their brightest channel",) if marks else ())
