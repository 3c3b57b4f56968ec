"""Insert an enlarged heart: the cardiac border moves until the cardiothoracic ratio is the asked one."""

from __future__ import annotations

import numpy as np
import torch

from monai_cars.edit import CannotEdit, Edit, Proposal
from monai_cars.editors.canvas import Canvas, smoothstep, thin_and_dense, uniform
from monai_cars.editors.cardiac_border import WALL_MM, CardiacBorder, cardiac_border, claim, ratio_of
from monai_cars.editors.silhouette import Gain, displaced, gained, joined

RIGHT_SHARE, BOTH_SHARE = (0.12, 0.28), 0.08  # of the growth: a little enlarged, more so in a very large heart
LARGEST_MM = 110.0  # growth of both borders together
TOLERANCE = 0.02  # of the ratio; what repeat films of one patient show


def insert_enlarged_heart(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose a heart whose width over the inner thoracic width is the asked ratio.

    The left border grows most, towards the apex, the right one less; great vessels, hila and diaphragm stay.

    Raises:
        CannotEdit: the heart is as large already, or would leave no lung at the chest wall.
    """
    asked = edit.asked or edit.scale.amount(uniform(0.0, 1.0, generator))
    was = ratio_of(canvas, canvas.heart)
    if not was < asked.value - TOLERANCE:
        raise CannotEdit(
            f"the heart is as large already: its cardiothoracic ratio is {was:.2f}, asked {asked.value:.2f}"
        )
    devices = thin_and_dense(canvas) > 0
    borders = [cardiac_border(canvas, name, devices, generator) for name in ("left", "right")]
    # The left ventricle enlarges first; a very large heart has grown to both sides.
    right = uniform(*RIGHT_SHARE, generator) + BOTH_SHARE * float(smoothstep(np.array((asked.value - was) / 0.20)))
    shares = (1.0 - right, right)
    total = _growth(canvas, borders, shares, asked.value)
    gains = [_grown(border, share * total) for border, share in zip(borders, shares, strict=True)]
    return joined(canvas, gains, asked=asked, note=claim(canvas, was))


def _growth(canvas: Canvas, borders: list[CardiacBorder], shares: tuple[float, float], ratio: float) -> float:
    """Columns of growth at which the widest silhouette over the widest thorax is ``ratio``."""

    def reached(total: float) -> float:
        grown = canvas.heart.copy()
        for border, share in zip(borders, shares, strict=True):
            grown |= border.swept(share * total)
        return ratio_of(canvas, grown)

    low, high = 0.0, LARGEST_MM * canvas.feature
    if reached(high) < ratio:
        raise CannotEdit(
            f"a cardiothoracic ratio of {ratio:.2f} leaves less than {WALL_MM:.0f} mm of lung at the chest wall; "
            f"the largest on this film is {reached(high):.2f}"
        )
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) >= ratio else (middle, high)
    return (low + high) / 2


def _grown(border: CardiacBorder, amount: float) -> Gain:
    shift = border.shift(amount)
    return gained(border.side, displaced(border.side, border.place, shift), shift)
