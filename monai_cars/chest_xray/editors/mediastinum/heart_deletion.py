"""Delete an enlarged heart: its borders move inward until the cardiothoracic ratio is a normal one."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smoothstep, thin_and_dense, uniform
from monai_cars.chest_xray.editors.canvas.warp import Pushed, along_rows
from monai_cars.chest_xray.editors.mediastinum.cardiac_border import CardiacBorder, cardiac_border, claim, ratio_of
from monai_cars.chest_xray.editors.mediastinum.silhouette import Gain, Side, displaced, joined, shown_share
from monai_cars.edits.edit import CannotEdit, Edit, Proposal, Quantity

NORMAL = (0.45, 0.48)  # ratios aimed at
ENLARGED = 0.50  # Danzer, Am J Med Sci 1919
LEFT_SHARE = 0.80
LARGEST_MM = 45.0  # farther than this nothing says what the lung behind the heart looks like
WALL_MM = 6.0  # of lung that must be seen lateral of the heart
LEAST = 0.15  # contrast units between heart and lung at which its border is seen
UNSEEN = 0.06  # share of the border that may be unseen
FLOOR_MM = 9.0  # over which the lung ends at the diaphragm: how sharply it does so behind the heart nobody sees
VESSELS_MM = 3.0  # sigma: finer detail is vessels, which the uncovered lung borrows from the lung beside it


def delete_enlarged_heart(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose a heart of normal width.

    The lung that appears continues the density and the vessels of the lung beside it.

    Raises:
        CannotEdit: the heart is not enlarged, its border is not seen against aerated lung, or too much would appear.
    """
    was = ratio_of(canvas, canvas.heart)
    if not was >= ENLARGED:
        raise CannotEdit(f"the heart is not enlarged: its cardiothoracic ratio is {was:.2f}, {ENLARGED:.2f} is needed")
    aim = uniform(*NORMAL, generator)
    devices = thin_and_dense(canvas) > 0
    borders = [cardiac_border(canvas, name, devices, generator) for name in ("left", "right")]
    left, right = (_hidden_lung(border) for border in borders)
    if left:
        raise CannotEdit(left)
    # The left border makes most of an enlarged heart: where the right one cannot be followed it stays.
    shares = (1.0, 0.0) if right else (LEFT_SHARE, 1.0 - LEFT_SHARE)
    total, ratio = _loss(canvas, borders, shares, aim)
    asked = Quantity(ratio, "ratio")
    gains = [_uncovered(border, share * total) for border, share in zip(borders, shares, strict=True)]
    return joined(canvas, gains, asked=asked, note=claim(canvas, was))


def _hidden_lung(border: CardiacBorder) -> str:
    """Why the lung beside a border says nothing about the lung behind the heart; empty when it does."""
    side, mm = border.side, border.side.canvas.feature
    height = along_rows(side.depth, border.place[:, None] + 3.0 * mm)[:, 0]
    rows = np.flatnonzero((border.rise > 0.3) & (height > 6.0 * mm))
    if not len(rows) or np.percentile((side.wall - border.place)[rows], 10) < WALL_MM * mm:
        return f"the heart reaches the {side.name} chest wall: no lung beside it could be continued"
    smooth, away = ndi.gaussian_filter(side.u, 2.0 * mm)[rows], np.arange(int(3 * mm), int(12 * mm))[None]
    inside, outside = (
        np.median(along_rows(smooth, border.place[rows, None] + sign * away), axis=1) for sign in (-1, 1)
    )
    unseen = float(np.mean(inside - outside < LEAST))
    if unseen > UNSEEN:
        return (
            f"{unseen:.0%} of the {side.name} cardiac border is not seen against aerated lung: "
            "nothing shows what the heart hides"
        )
    return ""


def _loss(canvas: Canvas, borders: list[CardiacBorder], shares: tuple[float, float], aim: float) -> tuple[float, float]:
    """Columns by which both borders together move inward, and the ratio that this leaves."""

    def reached(total: float) -> float:
        heart = canvas.heart.copy()
        for border, share in zip(borders, shares, strict=True):
            heart &= ~border.uncovered(share * total)
        return ratio_of(canvas, heart)

    low, high = 0.0, LARGEST_MM * canvas.feature
    smallest = reached(high)
    if not smallest <= NORMAL[1]:
        raise CannotEdit(
            f"the heart is too large to be shown with a normal width: {LARGEST_MM:.0f} mm less leave a cardiothoracic "
            f"ratio of {smallest:.2f}"
        )
    aim = max(aim, smallest)
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) <= aim else (middle, high)
    return high, aim


def _uncovered(border: CardiacBorder, amount: float) -> Gain:
    side, shift = border.side, border.shrunk(amount)
    pushed = displaced(side, border.place, shift)
    above = smoothstep(side.depth / (FLOOR_MM * side.canvas.feature))
    # Beside the diaphragm the film's detail is the diaphragm's own border.
    band = pushed.cover * side.field * smoothstep(side.depth / (5.0 * side.canvas.feature) - 1.0)
    share = shown_share(side, pushed)
    residual = above * side.field * (pushed.after - pushed.before) + band * _texture(side, pushed, border.place, share)
    fine = (1.0 / share - 1.0) * band * ~side.turn(side.devices)
    return Gain(*(side.back(a) for a in (residual, fine, (pushed.cover * above > 0.5) & (residual < -0.05))))


def _texture(side: Side, pushed: Pushed, place: np.ndarray, share: float) -> np.ndarray:
    """(h, w) vessels of the lung beside the border, mirrored at it, and the ribs' fuller contrast in front of lung."""
    detail = side.u - pushed.before
    broad = ndi.gaussian_filter(detail, VESSELS_MM * side.canvas.feature)
    mirrored = along_rows(detail - broad, place[:, None] - pushed.distance)
    return np.where(pushed.distance < 0, mirrored, 0.0) + (1.0 / share - 1.0) * broad
