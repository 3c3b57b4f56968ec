"""The shape that a collapsed lobe has on a frontal film."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from monai_cars.chest_xray.editors.canvas.canvas import smooth_noise, smoothstep, uniform
from monai_cars.chest_xray.editors.lung.parenchyma import Lung
from monai_cars.edits.edit import CannotEdit

EDGE_MM = 3.0  # softness of a border on a fissure
SOFT_MM = 9.0  # softness of a border without one
RAISED = 0.55  # share of the field's height that a collapsed upper lobe's fissure can fall to


class Extent(NamedTuple):
    """Extent of a finding.

    Args:
        at: (h, w) in [0, 1] for a size; grows with the size.
        largest: the largest size that makes sense.
    """

    at: Callable[[float], np.ndarray]
    largest: float


def lobe_of(lung: Lung, zone: str | None, generator: torch.Generator) -> Extent:
    """A lobe that collapses into the asked zone: a lower lobe where none was asked for, in three of four.

    Raises:
        CannotEdit: no lobe collapses there.
    """
    upper = uniform(0, 1, generator) < 0.25
    if zone in ("upper", "apex") or (zone is None and upper):
        return _upper(lung, generator)
    if zone in (None, "lower", "costophrenic"):
        return _lower(lung, generator)
    if zone in ("middle", "hilar"):
        return _middle(lung, generator)
    raise CannotEdit(f"no lobe collapses into the {zone} zone")


def _lower(lung: Lung, generator: torch.Generator) -> Extent:
    """A sail from the hilum to the medial diaphragm: its free border runs straight from hilum to diaphragm."""
    dy, dx = lung.from_hilum
    bottom = _base(lung)
    fall = np.clip(dy / max(bottom - lung.hilum[0], 1), 0.0, 1.2)
    lateral = dx * lung.outward / lung.mm
    start = uniform(-16.0, -8.0, generator)  # mm medial of the hilum, behind the heart
    sag = uniform(-8.0, 4.0, generator)  # a fissure bulges or sinks a little
    wave = 1.5 * smooth_noise((lung.field.shape[0], 1), 18 * lung.mm, generator)

    def at(size: float) -> np.ndarray:
        border = start + fall * (size - start) + sag * 4 * fall * (1 - fall) + wave
        return smoothstep(0.5 + (border - lateral) / EDGE_MM) * smoothstep((fall - 0.02) / 0.25)

    return Extent(at, 160.0)


def _upper(lung: Lung, generator: torch.Generator) -> Extent:
    """A wedge at apex and mediastinum; on the right the raised minor fissure bounds it, sharp and concave below."""
    _, dx = lung.from_hilum
    top, bottom, first, last = lung.box
    across = np.clip(dx * lung.outward / max(0.8 * (last - first), 1), -0.3, 1.2)
    rise, sag = uniform(0.25, 0.55, generator), uniform(0.05, 0.16, generator)
    edge = EDGE_MM if lung.side == "right" else 6 * SOFT_MM
    wave = 1.0 * smooth_noise((1, lung.field.shape[1]), 18 * lung.mm, generator)

    def at(size: float) -> np.ndarray:
        height = bottom - top
        line = top + height * (size - rise * across - sag * 4 * across * (1 - across)) + wave * lung.mm
        rows = np.arange(lung.field.shape[0])[:, None]
        return smoothstep(0.5 + (line - rows) / (edge * lung.mm))

    return Extent(at, RAISED + 0.5)


def _middle(lung: Lung, generator: torch.Generator) -> Extent:
    """A wedge beside the heart with its base on the mediastinum and its tip lateral (right middle lobe, lingula)."""
    dy, dx = lung.from_hilum
    lateral = dx * lung.outward / lung.mm
    slope = uniform(0.10, 0.30, generator)
    centre = dy / lung.mm - uniform(8.0, 16.0, generator) - slope * lateral
    wave = 1.2 * smooth_noise((1, lung.field.shape[1]), 14 * lung.mm, generator)

    def at(size: float) -> np.ndarray:
        half = 0.32 * (size - lateral) + wave
        return smoothstep(0.5 + (half - np.abs(centre)) / (0.5 * SOFT_MM)) * smoothstep((size - lateral) / SOFT_MM)

    return Extent(at, 200.0)


def _base(lung: Lung) -> float:
    """Row of the diaphragm near the heart: the lowest row of the medial half of the field."""
    _, _, first, last = lung.box
    middle = (first + last) // 2
    medial = lung.field[:, middle:] if lung.outward < 0 else lung.field[:, :middle]
    rows = np.flatnonzero(medial.any(1))
    return float(rows[-1]) if len(rows) else float(lung.box[1])
