"""How each finding is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from monai_cars.chest_xray.measurement.cardiac import cardiothoracic, mediastinal_widening
from monai_cars.chest_xray.measurement.contour import contour_height
from monai_cars.chest_xray.measurement.diameter import diameter
from monai_cars.chest_xray.measurement.displacement import fracture_displacement
from monai_cars.chest_xray.measurement.opacified import opacified_share, opacified_share_of_both
from monai_cars.chest_xray.measurement.pleural import share_beyond_line, share_without_markings
from monai_cars.chest_xray.measurement.reticulation import reticulated_share
from monai_cars.chest_xray.measurement.tubes import device_length
from monai_cars.chest_xray.scale import usual_millimetre
from monai_cars.edits.change import Change
from monai_cars.edits.film import Film, Scale, Unit
from monai_cars.edits.square_pixels import SquarePixels
from monai_cars.files.header import Header
from monai_cars.findings.severity import Quantity

MEASURES: dict[str, Callable[[Change], Quantity | None]] = {
    "nodule": diameter,
    "mass": diameter,
    "irregular hilum": diameter,
    "adenopathy": diameter,
    "irregular parenchyma": reticulated_share,
    "pneumonitis": opacified_share,
    "consolidation": opacified_share,
    "infection": opacified_share,
    "opacities": opacified_share,
    "effusion": opacified_share,
    "fluid": opacified_share,
    "meniscus sign": opacified_share,
    "costophrenic blunting": opacified_share,
    "enlarged heart": cardiothoracic,
    "absent lung markings": share_without_markings,
    "pleural air": share_beyond_line,
    "irregular diaphragm": contour_height,
    "lung collapse": share_beyond_line,
    "edema": opacified_share_of_both,
    "atelectasis": opacified_share,
    "enlarged cardiomediastinum": mediastinal_widening,
    "fracture": fracture_displacement,
    "support devices": device_length,
}


def measure(
    finding: str,
    before: torch.Tensor,
    after: torch.Tensor,
    anatomy: torch.Tensor,
    *,
    unit: Unit,
    spacing: tuple[float, ...] | None,
    operation: str = "insert",
) -> Quantity | None:
    """Amount by which a finding was added (or, for a deletion, taken away), in the unit of its severity.

    Args:
        finding: key of SEVERITY.
        before: (1, H, W) film before the edit.
        after: (1, H, W) film after it.
        anatomy: (S, H, W) uint8 masks before the edit.
        unit: contrast unit of the film before the edit.
        spacing: mm per pixel, needed for millimetres.
        operation: ``"insert"`` or ``"delete"``.

    Returns:
        The amount in the finding's unit; None when it cannot be measured (no scale).

    Example:
        >>> from monai_cars.chest_xray.anatomy import ContrastUnit
        >>> before = torch.zeros(1, 128, 128); after = before.clone(); after[0, 40:60, 40:60] = 1.0
        >>> unit = ContrastUnit(value=1.0, mediastinum=1.0, aerated=0.0, share=0.5)
        >>> lungs = torch.ones(3, 128, 128, dtype=torch.uint8)
        >>> round(measure("nodule", before, after, lungs, unit=unit, spacing=(1.0, 1.0)).value, 1)
        22.6
    """
    usual = usual_millimetre(anatomy[:2].cpu().numpy() > 0) if spacing is None else 1.0
    film = Film(before, anatomy, Header("memory", "", "tensor"), unit, Scale(spacing, usual=usual))
    return measure_change(Change(film, after, operation, finding))


def measure_change(change: Change) -> Quantity | None:
    """The same of a film that has a home already."""
    grid = SquarePixels.of(change.film.image.shape[1:], change.film.scale)
    squared = change if grid.same else replace(change, film=grid.film(change.film), image=grid.image(change.image))
    return MEASURES[change.finding](squared)
