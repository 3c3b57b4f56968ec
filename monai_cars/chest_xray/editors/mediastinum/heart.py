"""Insert an enlarged heart: the cardiac border moves until the cardiothoracic ratio is the asked one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smoothstep, thin_and_dense, uniform
from monai_cars.chest_xray.editors.mediastinum.cardiac_border import (
    WALL_MM,
    CardiacBorder,
    cardiac_border,
    claim,
    ratio_of,
)
from monai_cars.chest_xray.editors.mediastinum.silhouette import Gain, displaced, gained, joined
from monai_cars.edits.edit import CannotEdit, Edit, Proposal

RIGHT_SHARE, BOTH_SHARE = (0.12, 0.28), 0.08  # of the growth: a little enlarged, more so in a very large heart
MORE_RIGHT = (0.36, 0.46)  # tried where the left chest wall is near
LARGEST_MM = 110.0  # growth of both borders together
TOLERANCE = 0.02  # of the ratio; what repeat films of one patient show


def insert_enlarged_heart(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose a heart whose width over the inner thoracic width is the asked ratio.

    The left border grows most, towards the apex, the right one less; great vessels, hila and diaphragm stay.

    Raises:
        CannotEdit: the heart is as large already, or would leave no lung at the chest wall.
    """
    asked = edit.amount
    was = ratio_of(canvas, canvas.heart)
    if not was < asked.value - TOLERANCE:
        raise CannotEdit(
            f"the heart is as large already: its cardiothoracic ratio is {was:.2f}, asked {asked.value:.2f}"
        )
    devices = thin_and_dense(canvas) > 0
    borders = [cardiac_border(canvas, name, devices, generator) for name in ("left", "right")]
    # The left ventricle enlarges first; a very large heart, or one without room on the left, has grown to both sides.
    right = uniform(*RIGHT_SHARE, generator) + BOTH_SHARE * float(smoothstep(np.array((asked.value - was) / 0.20)))
    growth = _Growth(canvas, borders, asked.value)
    share = next((s for s in (right, *MORE_RIGHT) if s >= right and growth.largest(s)[1] >= asked.value), None)
    if share is None:
        raise CannotEdit(
            f"a cardiothoracic ratio of {asked.value:.2f} leaves less than {WALL_MM:.0f} mm of lung at the chest wall; "
            f"the largest on this film is {max(growth.largest(s)[1] for s in (right, *MORE_RIGHT)):.2f}"
        )
    total, shares = growth.solved(share), (1.0 - share, share)
    gains = [_grown(border, share * total) for border, share in zip(borders, shares, strict=True)]
    return joined(canvas, gains, asked=asked, note=claim(canvas, was))


@dataclass(frozen=True)
class _Growth:
    """How far both borders move for a ratio of the widest silhouette to the widest thorax."""

    canvas: Canvas
    borders: list[CardiacBorder]
    ratio: float

    def _amounts(self, total: float, right: float) -> list[tuple[CardiacBorder, float]]:
        return list(zip(self.borders, ((1.0 - right) * total, right * total), strict=True))

    def reached(self, total: float, right: float) -> float:
        """Ratio after a growth of ``total`` columns."""
        grown = self.canvas.heart.copy()
        for border, amount in self._amounts(total, right):
            grown |= border.swept(amount)
        return ratio_of(self.canvas, grown)

    def largest(self, right: float) -> tuple[float, float]:
        """The largest growth (columns) that the chest wall leaves room for, and its ratio."""
        total = LARGEST_MM * self.canvas.feature
        while total > self.canvas.feature and not all(b.fits(amount) for b, amount in self._amounts(total, right)):
            total *= 0.93
        return total, self.reached(total, right)

    def solved(self, right: float) -> float:
        """Columns of growth that reach the ratio."""
        low, high = 0.0, self.largest(right)[0]
        for _ in range(9):
            middle = (low + high) / 2
            low, high = (low, middle) if self.reached(middle, right) >= self.ratio else (middle, high)
        return (low + high) / 2


def _grown(border: CardiacBorder, amount: float) -> Gain:
    shift = border.shift(amount)
    return gained(border.side, displaced(border.side, border.place, shift), shift)
