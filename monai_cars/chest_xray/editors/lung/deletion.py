"""Delete an opacity: estimate the attenuation that it added, take it away, restore the texture that it hid."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smoothstep
from monai_cars.chest_xray.editors.canvas.fill import harmonic_fill
from monai_cars.chest_xray.editors.canvas.outline import outline_of
from monai_cars.chest_xray.editors.canvas.smooth_proposal import smooth_proposal
from monai_cars.chest_xray.editors.lung.diffuse import remove_diffuse
from monai_cars.chest_xray.editors.lung.expected_lung import expected_lung
from monai_cars.chest_xray.editors.lung.lung_density import lung_density
from monai_cars.chest_xray.measurement.diameter import EDGE
from monai_cars.edits.edit import CannotEdit, Edit, Proposal, Quantity
from monai_cars.findings.registry import finding_of

COLLAR_MM = 5.0  # beyond the outline, where the opacity's blurred border still counts
SHELL_MM = 1.2  # thickness of the shells of equal depth
ALONG_MM = 14.0  # smoothing along a shell: longer than a rib is wide, so that ribs average out and stay on the film
RIM_MM = 1.0
LEAST_LUNG = 0.5  # share of the outline that must lie over a lung field
LEAST = 0.03  # contrast units; what adds less cannot be told from the ribs that cross normal lung


def delete_opacity(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose to remove the opacity in ``edit.region``: a round one by its outline, a diffuse one by its excess.

    Raises:
        CannotEdit: nothing there exceeds its surroundings, or it is not surrounded by enough lung to tell.
    """
    return remove_round(canvas, edit) if edit.scale.unit == "mm" else remove_diffuse(canvas, edit)


def remove_round(canvas: Canvas, edit: Edit) -> Proposal:
    """Propose to remove a round opacity.

    Added attenuation is what exceeds a harmonic fill from the surrounding lung. It is smoothed along shells of equal
    distance from the opacity's outline, not across them: the sharp border is removed with the opacity, while ribs and
    vessels, which cross the shells, average out of the estimate and stay on the film.

    Raises:
        CannotEdit: as :func:`delete_opacity`.
    """
    lungs = np.asarray(canvas.anatomy[:2].any(0))
    outline = _outline(canvas, edit, lungs)
    signed = ndi.distance_transform_edt(outline) - ndi.distance_transform_edt(~outline)
    collar = COLLAR_MM * canvas.feature
    # It may lie on the pleura, just beyond the field.
    hole = (signed > -collar) & ndi.binary_dilation(lungs, iterations=max(1, int(RIM_MM * canvas.feature)))
    background = _background(canvas, edit, hole, lungs & ~canvas.heart)
    added = shell_smooth(canvas.u - background, np.where(hole, signed, -np.inf), canvas.feature, collar)
    # The outline is drawn on pixels; half a pixel of blur takes its stairs out of the estimate.
    added = ndi.gaussian_filter(np.clip(added, 0.0, None), 0.8) * smoothstep((signed + collar) / collar)
    strength = float(added[outline].mean())
    if strength < LEAST:
        raise CannotEdit(f"the region exceeds its surroundings by {strength:.2f} contrast units, {LEAST} are needed")
    support = added > 0.004
    low = canvas.blur(canvas.u, 1.0)
    gain = _texture_gain(canvas, outline, signed) * smoothstep(signed / (2 * canvas.feature) + 0.5)
    asked = _diameter(canvas, added)
    return smooth_proposal(canvas, -added, support, outline & support, asked=asked, fine=gain, low=low)


def _outline(canvas: Canvas, edit: Edit, lungs: np.ndarray) -> np.ndarray:
    assert edit.region is not None  # an Edit that deletes has one
    outline = outline_of(canvas, edit.region)
    share = float((outline & lungs).sum() / max(outline.sum(), 1))
    if share < LEAST_LUNG:
        raise CannotEdit(f"only {share:.0%} of the opacity lies over a lung field")
    return outline


def _background(canvas: Canvas, edit: Edit, hole: np.ndarray, lung: np.ndarray) -> np.ndarray:
    """(h, w) what would lie there without the opacity; a hilum is denser than the lung around it in everybody."""
    filled = harmonic_fill(canvas.blur(canvas.u, 2.5), hole, lung)
    if finding_of(edit.finding).place.within != "hilum":
        return filled
    return np.maximum(filled, expected_lung(canvas, lung_density(canvas), hole))


def _diameter(canvas: Canvas, added: np.ndarray) -> Quantity | None:
    """Diameter (mm) of the disc as large as the largest part that adds a quarter of the peak; None without a scale."""
    if not canvas.spacing:
        return None
    labels, _ = ndi.label(added > EDGE * added.max())
    area = np.bincount(labels.ravel())[1:].max()
    return Quantity(float(2 * np.sqrt(area / np.pi)) * canvas.spacing, "mm")


def shell_smooth(excess: np.ndarray, signed: np.ndarray, mm: float, collar: float) -> np.ndarray:
    """Smooth an image along the level sets of a signed distance, hardly across them.

    Args:
        excess: (h, w) attenuation above the fill.
        signed: (h, w) distance from the outline in pixels, positive inside.
        mm: pixels per millimetre.
        collar: pixels outside the outline that count.

    Returns:
        (h, w) smoothed excess, zero farther out than ``collar``.
    """
    rows, columns = np.nonzero(signed > -collar)
    pad = int(3 * ALONG_MM * mm)
    window = (
        slice(max(rows.min() - pad, 0), rows.max() + pad + 1),
        slice(max(columns.min() - pad, 0), columns.max() + pad + 1),
    )
    depth, values = (signed[window] + collar) / (SHELL_MM * mm), excess[window]
    out, weight_sum = np.zeros_like(values), np.full_like(values, 1e-6)
    for shell in range(int(depth.max()) + 2):
        near = np.clip(1.0 - np.abs(depth - shell), 0.0, None) * (signed[window] > -collar)
        if not near.any():
            continue
        # Deep inside, shells are short: smoothing reaches no farther than the shell is long.
        sigma = ALONG_MM * mm
        weight = ndi.gaussian_filter(near, sigma, truncate=2.5)
        mean = ndi.gaussian_filter(near * values, sigma, truncate=2.5) / np.maximum(weight, 1e-9)
        out += near * mean
        weight_sum += near
    smoothed = np.zeros_like(excess)
    smoothed[window] = out / weight_sum
    return smoothed * (signed > -collar)


def _texture_gain(canvas: Canvas, outline: np.ndarray, signed: np.ndarray) -> np.ndarray:
    """(h, w) gain on the fine detail: dense tissue scatters more and shows less texture than the lung around it."""
    fine = canvas.u - canvas.blur(canvas.u, 1.0)
    ring = (signed < -COLLAR_MM * canvas.feature) & (signed > -25 * canvas.feature) & canvas.anatomy[:2].any(0)
    inside = ndi.binary_erosion(outline, iterations=max(1, int(2 * canvas.feature)))
    if ring.sum() < 50 or inside.sum() < 50:
        return np.zeros_like(fine)
    ratio = _spread(fine[ring]) / max(_spread(fine[inside]), 1e-6)
    return np.full_like(fine, np.clip(ratio, 1.0, 1.8) - 1.0)


def _spread(values: np.ndarray) -> float:
    return float(np.median(np.abs(values - np.median(values))))
