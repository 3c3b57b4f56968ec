"""Padding: pixels that a file says show nothing. They are seen as black background and never written."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.files.header import Header

# How far a padding value lies beyond the film's own values, as a share of their range. A black border like any
# collimated film's is as well seen as it is, and a value that the film itself has is told from it by its place alone.
FAR_BELOW, FAR_ABOVE, FAR_ANYWHERE = 0.4, 0.05, 1.0
BLENDED = 0.01  # likewise, of a pixel that resampling has mixed of padding and film


def padded_pixels(image: torch.Tensor, padding: tuple[float, float] | None) -> torch.Tensor | None:
    """Which pixels of a film are padding.

    A value within the padding range counts where it lies far beyond the film's own values and the region reaches the
    film's border, or where it fills whole rows or columns there. The same value elsewhere is the patient's: a marker, a
    saturated pixel. A black border (little below the film's darkest value) stays what it is.

    Args:
        image: ``(1, H, W)`` values.
        padding: least and greatest value of padding, in the image's own values.

    Returns:
        ``(1, H, W)`` bool, or None where nothing is padding.

    Example:
        >>> film = torch.arange(36.0).reshape(1, 6, 6)
        >>> film[0, 0] = -2000
        >>> int(padded_pixels(film, (-2000, -2000)).sum()), padded_pixels(film, None)
        (6, None)
    """
    if padding is None or image.ndim != 3 or image.shape[0] != 1:
        return None
    values = image[0].detach().cpu().numpy()
    named = (values >= padding[0]) & (values <= padding[1])
    if not named.any() or named.all():
        return None
    # Where a chain has resampled the film, values between padding and film lie beside the padding.
    resampled = bool((values != np.round(values)).any())
    beside = ndi.binary_dilation(named, np.ones((3, 3)), 2) & ~named if resampled else np.zeros_like(named)
    own = values[~(named | beside)]
    if not own.size or not own.max() > own.min():
        return None
    low, high = float(own.min()), float(own.max())
    beyond = np.where(values < low, (low - values) / (high - low), (values - high) / (high - low))
    anywhere = named & (beyond > FAR_ANYWHERE)
    far = named & (beyond > np.where(values < low, FAR_BELOW, FAR_ABOVE))
    dark = values < low + FAR_BELOW * (high - low)
    found = anywhere | _reaching_border(far) | _frame(named & ~(dark & ~far))
    if found.any() and resampled:
        found |= beside & (beyond > BLENDED) & ndi.binary_dilation(found, np.ones((3, 3)), 2)
    return torch.from_numpy(found)[None].to(image.device) if found.any() else None


def _reaching_border(mask: np.ndarray) -> np.ndarray:
    """The parts of a mask (H, W) that reach the film's border."""
    if not mask.any():
        return mask
    parts, count = ndi.label(mask, np.ones((3, 3)))
    reach = np.zeros(count + 1, bool)
    for border in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        reach[border] = True
    reach[0] = False
    return np.asarray(reach[parts])


def _frame(mask: np.ndarray) -> np.ndarray:
    """Whole rows and columns of a mask (H, W) at the film's border, one behind the other."""
    frame = np.zeros(mask.shape, bool)
    for lines, view in ((mask, frame), (mask.T, frame.T)):
        whole = np.asarray(lines.all(1))
        view[: _leading(whole)] = True
        view[len(whole) - _leading(whole[::-1]) :] = True
    return frame


def _leading(whole: np.ndarray) -> int:
    return len(whole) if whole.all() else int((~whole).argmax())


def without_padding(
    image: torch.Tensor, header: Header, *, inverted: bool = False
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """A film as everything that looks at it sees it: padding becomes the film's own darkest value.

    Args:
        image: ``(1, H, W)`` plain tensor, values as the header counts them; of another shape it is returned as it is.
        header: says what padding is.
        inverted: dense tissue is dark in this image, so that its darkest value is its greatest.

    Returns:
        The film, the very tensor given where nothing is padding, and ``(1, H, W)`` bool where it is.
    """
    padded = padded_pixels(image, header.padding)
    if padded is None:
        return image, None
    own = image[~padded]
    return torch.where(padded, own.max() if inverted else own.min(), image), padded
