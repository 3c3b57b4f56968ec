"""Between a film and the square image that a model works on; the one place where sizes, channels and ranges change."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from monai_cars.edits.edit import Box

CONTEXT = 2.0  # side of the crop over the larger side of the support
LEAST_CONTEXT = 0.35  # and at least this share of the film's shorter side: a model must see where it is
RANGE = (0.005, 0.995)  # quantiles of the film that become 0 and 1


@dataclass(frozen=True)
class Window:
    """A square crop of a film, resized for a model.

    Args:
        box: the crop in native pixels, within the film.
        side: native pixels of the square, of which the film may lack some: they repeat its border.
        size: pixels of the model's image.
        low: contrast units that become 0.
        high: contrast units that become 1.
    """

    box: Box
    side: int
    size: int
    low: float
    high: float

    def image(self, film: torch.Tensor) -> torch.Tensor:
        """(1, 3, size, size) in [0, 1], three equal channels, of a film (H, W) in contrast units."""
        small = self._shrunk(film[self.box.slices])
        return ((small - self.low) / (self.high - self.low)).clamp(0, 1).expand(1, 3, -1, -1)

    def mask(self, mask: torch.Tensor) -> torch.Tensor:
        """(1, 1, size, size) in {0, 1}: every model pixel that a native mask (H, W) touches."""
        return (self._shrunk(mask[self.box.slices].float()) > 0).float()

    def residual(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        """Change between two model images (1, C, size, size) over ``box``, (h, w) in contrast units.

        Only the change is enlarged: what is finer than the model's pixels stays the film's own.
        """
        change = (after.float().mean(1, keepdim=True) - before.float().mean(1, keepdim=True)) * (self.high - self.low)
        large = functional.interpolate(change, size=(self.side, self.side), mode="bilinear", align_corners=False)
        return large[0, 0, : self.box.y1 - self.box.y0, : self.box.x1 - self.box.x0]

    def _shrunk(self, crop: torch.Tensor) -> torch.Tensor:
        pad = (0, self.side - crop.shape[1], 0, self.side - crop.shape[0])
        square = functional.pad(crop[None, None].float(), pad, mode="replicate")
        return functional.interpolate(
            square, size=(self.size, self.size), mode="bilinear", align_corners=False, antialias=True
        )


def window_around(film: torch.Tensor, support: Box, size: int, *, whole: bool = False) -> Window:
    """The window in which a support is repainted.

    Args:
        film: (H, W) in contrast units.
        support: box of what may change.
        size: pixels of the model's image.
        whole: show the model the whole film instead of a crop.

    Example:
        >>> window_around(torch.rand(400, 300), Box(100, 100, 200, 150), 64).box
        Box(y0=50, x0=25, y1=250, x1=225)
    """
    height, width = film.shape
    longest = max(support.y1 - support.y0, support.x1 - support.x0)
    side = max(height, width) if whole else int(max(CONTEXT * longest, LEAST_CONTEXT * min(height, width)))
    side = min(side, max(height, width))
    y0 = _start((support.y0 + support.y1) // 2, side, height)
    x0 = _start((support.x0 + support.x1) // 2, side, width)
    box = Box(y0, x0, min(y0 + side, height), min(x0 + side, width))
    values = film.flatten()[:: max(1, film.numel() // 200_000)].float()
    low, high = torch.quantile(values, torch.tensor(RANGE, device=values.device)).tolist()
    return Window(box, side, size, low, max(high, low + 1e-3))


def _start(centre: int, side: int, length: int) -> int:
    return max(0, min(centre - side // 2, length - side))
