"""Insert pleural air: a sharp visceral line, nothing but ribs beyond it, the lung within drawn together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import (
    Canvas,
    feather,
    smooth_noise,
    smoothstep,
    thin_and_dense,
    uniform,
)
from monai_cars.chest_xray.editors.canvas.smooth_proposal import smooth_proposal
from monai_cars.chest_xray.editors.lung.lung_markings import grain_like, lung_markings
from monai_cars.chest_xray.editors.pleura.collapsed_lung import CollapsedLung, collapse
from monai_cars.chest_xray.editors.pleura.hydropneumothorax import (
    APART_NOTE,
    LEVEL_NOTE,
    fluid_before,
    level_of,
    level_out,
)
from monai_cars.chest_xray.editors.pleura.supine_air import LEAST_LUCENT, basal_air, deep_sulcus
from monai_cars.edits.edit import CannotEdit, Edit, Proposal

LINE_MM = 0.5  # sigma; the visceral pleura with the air on both of its sides is about 1 mm wide
GAP_MM = 2.5  # nearer to the chest wall the visceral line cannot be told from it
RIM_MM, FADE_MM = 2.0, 4.0  # the edit reaches a little beyond the field's outline, and fades out over twice that
LUCENCY = (0.09, 0.14)  # contrast units by which air beyond the lung is darker than lung
LINE = (0.05, 0.10)  # contrast units of the line
GRAZED_DEGREES, GRAZED = (-80.0, -55.0, -30.0, -5.0), (0.15, 0.25, 0.7, 1.0)  # seen from the hilum, 0 is lateral
EDGE_AT = 0.36  # where on a soft step from lung to air a reader sees the air begin, at about a third of its lucency
SHARP_MM, SOFT_MM = 0.8, 7.0  # width of the step from lung to air where a line bounds it, and where none does
STUMP_LINE, STUMP_MM = 0.5, 1.6  # a dense lung shows its border by itself, and less sharply
DENSER, DENSER_POWER = 0.22, 1.3  # contrast units that a lung gains as it gives up its air, by the share it gave up
STUMP = (0.34, 0.82)  # contrast units of a lung that collapsed by 30 % and by 80 % of its field
SEEN_THROUGH = 0.4  # share of the markings that shows through air in front of the lung of a supine patient
SUPINE_NOTE = "anterior and basal air, deep sulcus, no line (supine film)"
NOTES = {"supine": SUPINE_NOTE, None: "air at the apex and the side; the film does not say erect or supine"}
STUMP_NOTE = "the mediastinum is not shifted"


@dataclass(frozen=True)
class _Look:
    """How a collection of air looks: contrast units, and the width in mm over which the lung gives way to it."""

    lucency: float
    line: float
    edge_mm: float
    stump: float = 0.0


def insert_pleural_air(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose pleural air over the asked share of a lung field.

    Raises:
        CannotEdit: the field has no room for it.
    """
    look = _Look(uniform(*LUCENCY, generator), uniform(*LINE, generator), SHARP_MM)
    draw = _anterior_air if canvas.position == "supine" else _air
    return draw(canvas, edit, look, generator)


def insert_absent_markings(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose a lucent place without vessels and without a visible line.

    Raises:
        CannotEdit: the field has no room for it.
    """
    look = _Look(uniform(*LUCENCY, generator), 0.0, SOFT_MM)
    draw = _anterior_air if canvas.position == "supine" else _air
    return draw(canvas, edit, look, generator)


def insert_collapse(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose a lung collapsed to a dense stump at its hilum, the rest of the field lucent and without vessels.

    Raises:
        CannotEdit: the field has no room for it.
    """
    stump = uniform(0.9, 1.1, generator)
    line = STUMP_LINE * uniform(*LINE, generator)
    return _air(canvas, edit, _Look(uniform(*LUCENCY, generator), line, STUMP_MM, stump), generator)


def delete_pleural_air(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Refuse to take pleural air away.

    The lung that it displaced lies on the film drawn together and denser; spreading it again invents every vessel
    beyond the line, and where the line crosses ribs nothing tells their edge from it.

    Raises:
        CannotEdit: always.
    """
    raise CannotEdit(
        f"{edit.finding} cannot be deleted: the film does not show the vessels of the lung that the air displaced; "
        "use an earlier or later film of the patient"
    )


def _air(canvas: Canvas, edit: Edit, look: _Look, generator: torch.Generator) -> Proposal:
    asked = edit.amount
    side = str(edit.side)
    fluid = fluid_before(canvas, side)
    notes = [NOTES[None]] if canvas.position is None else []
    notes += [STUMP_NOTE] if look.stump else []
    if fluid is None or canvas.position != "erect":
        notes += [APART_NOTE] if fluid is not None else []
        drawn = _drawn(canvas, side, asked.value, look, generator)
    else:
        notes += [LEVEL_NOTE]
        drawn = _over_fluid(canvas, side, asked.value, look, fluid, generator)
    return smooth_proposal(
        canvas,
        drawn.residual,
        drawn.support,
        drawn.lesion,
        asked=asked,
        note="; ".join(notes),
        fine=drawn.fine,
        low=canvas.u,
    )


class _Drawn(NamedTuple):
    residual: np.ndarray
    support: np.ndarray
    lesion: np.ndarray
    fine: np.ndarray


def _over_fluid(
    canvas: Canvas, side: str, share: float, look: _Look, fluid: np.ndarray, generator: torch.Generator
) -> _Drawn:
    """Air over fluid that is there already: the fluid's surface is levelled first, the air is drawn above it."""
    level = level_of(canvas, side, fluid)
    flat = level_out(canvas, side, fluid, level)
    dry = np.broadcast_to(np.arange(len(fluid))[:, None] < level, fluid.shape)
    part = replace(canvas, u=canvas.u + flat.residual)
    part.__dict__["feature"] = canvas.feature
    air = _drawn(part, side, share, look, generator, dry)
    above = 1.0 - smoothstep((np.arange(len(fluid))[:, None] - level) / (2.0 * LINE_MM * canvas.feature) + 0.5)
    # Under fluid neither the lung nor its line is seen.
    residual = flat.residual + above * air.residual
    return _Drawn(residual, flat.support | (air.support & (above > 0)), air.lesion & dry, air.fine * above)


def _drawn(
    canvas: Canvas, side: str, share: float, look: _Look, generator: torch.Generator, dry: np.ndarray | None = None
) -> _Drawn:
    field = canvas.lung(side)
    shape = collapse(canvas, side, share, generator, dry=dry)
    air = smoothstep(shape.beyond / (look.edge_mm * canvas.feature) + EDGE_AT)
    free = _freely(canvas, side)
    markings = lung_markings(canvas)
    within = _drawn_together(canvas, shape, markings)
    denser = _stump(canvas, shape, share, look.stump) if look.stump else _denser(canvas, share)
    beyond = grain_like(canvas, markings, field, generator) - markings - look.lucency
    line = look.line * _visceral_line(canvas, shape, generator) if look.line else 0.0
    # The lung lies against the heart: it grows dense up to it, and a stump hides its border.
    over = np.maximum(free, feather(field, FADE_MM * canvas.feature) if look.stump else 0.0)
    residual = free * (air * beyond + (1.0 - air) * within + line) + over * (1.0 - air) * denser
    return _Drawn(residual, over > 0.0, (shape.beyond > 0.0) & field & ~canvas.heart, -0.5 * air * free)


def _anterior_air(canvas: Canvas, edit: Edit, look: _Look, generator: torch.Generator) -> Proposal:
    asked = edit.amount
    side = str(edit.side)
    field = canvas.lung(side)
    lucency = 1.3 * look.lucency
    air = basal_air(canvas, side, asked.value, lucency, generator)
    free = _freely(canvas, side)
    markings = lung_markings(canvas)
    grain = grain_like(canvas, markings, field, generator)
    faded = (1.0 - SEEN_THROUGH) * (grain - markings)
    where, deeper = deep_sulcus(canvas, side, asked.value, generator)
    residual = free * air * (faded - lucency) + where * deeper
    support = (free > 0.0) & (air > 0.004) | (where > 0.01) & (deeper < -0.004)
    lesion = (lucency * air > LEAST_LUCENT) & field & ~canvas.heart
    note = SUPINE_NOTE if fluid_before(canvas, side) is None else f"{SUPINE_NOTE}; {APART_NOTE}"
    return smooth_proposal(canvas, residual, support, lesion, asked=asked, note=note)


def _freely(canvas: Canvas, side: str) -> np.ndarray:
    """(h, w) in [0, 1]: 1 in the free field, a half on its outline, 0 beyond its rim and in the heart."""
    field, others = canvas.lung(side), canvas.anatomy[:2].any(0) | canvas.heart
    reach = ndi.distance_transform_edt(~field) <= RIM_MM * canvas.feature
    return feather(reach & ~(others & ~field) & ~canvas.heart, FADE_MM * canvas.feature)


def _drawn_together(canvas: Canvas, shape: CollapsedLung, markings: np.ndarray) -> np.ndarray:
    """(h, w) contrast units that the markings of a smaller lung differ by: they lie closer together."""
    lung = np.clip(np.where(thin_and_dense(canvas) > 0, 0.0, markings), -0.2, 0.3)
    # Crowded vessels overlap: a lung that lost much of its size shows fewer of them one by one.
    return shape.moved(lung) * smoothstep(shape.scale / 0.8) - lung


def _denser(canvas: Canvas, share: float) -> np.ndarray:
    """(h, w) contrast units that a lung gains which gave up a share of its field."""
    return DENSER * share**DENSER_POWER * np.clip(1.0 - canvas.u, 0.0, 1.0)


def _stump(canvas: Canvas, shape: CollapsedLung, share: float, strength: float) -> np.ndarray:
    """(h, w) contrast units of a lung without air: as thick as an ellipsoid, never denser than soft tissue."""
    low, high = STUMP
    density = strength * (low + (high - low) * np.clip((share - 0.3) / 0.5, 0.0, 1.2))
    thick = np.sqrt(np.clip(1.0 - shape.outward**2, 0.0, 1.0))
    return density * (0.4 + 0.6 * thick) * np.clip((1.05 - canvas.blur(canvas.u, 1.5)) / 0.9, 0.0, 1.0)


def _visceral_line(canvas: Canvas, shape: CollapsedLung, generator: torch.Generator) -> np.ndarray:
    """(h, w) in [0, 1]: the pleura seen edge-on, lost where it lies against the chest wall."""
    width = max(LINE_MM * canvas.feature, 0.6)
    off = smoothstep((shape.gap / canvas.feature - GAP_MM) / GAP_MM)
    patchy = np.clip(0.75 + 0.35 * smooth_noise(shape.gap.shape, 14 * canvas.feature, generator), 0.2, 1.2)
    # Only where the ray grazes it does it stand out: along the chest wall, hardly over the diaphragm.
    grazed = np.interp(shape.elevation, GRAZED_DEGREES, GRAZED)
    return off * patchy * grazed * np.exp(-0.5 * ((shape.beyond + 0.5 * width) / width) ** 2)
