"""Take a diffuse opacity away: what exceeds the density that this patient's lung would have, and the veil over it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, smoothstep
from monai_cars.chest_xray.editors.canvas.extent import extent_of
from monai_cars.chest_xray.editors.canvas.smooth_proposal import smooth_proposal
from monai_cars.chest_xray.editors.lung.expected_lung import expected_lung
from monai_cars.chest_xray.editors.lung.lung_density import edge_keeping, lung_density, masked_blur
from monai_cars.chest_xray.editors.lung.texture_match import match_texture
from monai_cars.edits.edit import OPACIFIED, CannotEdit, Edit, Proposal, Quantity
from monai_cars.findings.registry import finding_of

LEAST_SEEN = 0.5  # share of the region that must be lung outside the heart
OUTER_MM, HEART_MM = 3.0, 6.0  # smoothing of the lung's outer border and of the heart's before an opacity ends there
TAPER_MM = 2.5  # width of that end, as sharp as a film shows a border
TONGUE_MM = 6.0  # half the width of the narrowest part of a lung that an opacity is taken from
MEDIAL_MM = 9.0  # beside the mediastinum, where vessels and fat blur it
LEAST = 0.10  # contrast units that the densest fifth of the region must exceed healthy lung by
VEIL = 0.06  # contrast units added from which the texture counts as veiled
FOUND = 0.08  # contrast units added from which a place counts as the opacity
DIP = 0.12  # contrast units by which lung between ribs lies below its own low-pass
ISLAND = 0.05  # share of the largest part below which another part of the support is one
BESIDE_MM, ALONG = 4.0, 0.02  # above the diaphragm, and contrast units taken away there that count as beside it
HIDES = 0.25  # contrast units over lung at which the diaphragm beneath an opacity has lost its edge
MOST_HIDDEN, SHORT_MM = 0.4, 10.0  # of the diaphragm beside the opacity; a shorter piece is not judged
QUIET = 0.08  # contrast units above expectation up to which lung counts as healthy


def remove_diffuse(canvas: Canvas, edit: Edit) -> Proposal:
    """Propose to remove the opacity in ``edit.region``.

    Added attenuation is what a low-pass of the lung, which keeps the opacity's borders, exceeds the expected healthy
    lung by, within the region and less and less beyond it. Ribs and vessels are in neither and stay.

    Raises:
        CannotEdit: too little of the region shows lung, or nothing there exceeds healthy lung.
    """
    assert edit.region is not None  # an Edit that deletes has one
    free = free_lung(canvas)
    region, extent = extent_of(canvas, edit.region, free)
    require_lung(canvas, region)
    lung, taper = lung_with_border(canvas)
    hidden = (extent > 0.02) & lung
    density = lung_density(canvas)
    expected = expected_lung(canvas, density, hidden)
    low = edge_keeping(canvas, density, hidden)
    added = canvas.blur(np.clip(low - expected, 0.0, None) * extent, 1.5) * taper
    _require_excess(added[region & free])
    _require_diaphragm(canvas, added, lung)
    quiet = density.trusted & ~hidden & (density.low - expected < QUIET)
    veil = extent * taper * smoothstep(added / VEIL)
    change, fine, finest = match_texture(canvas, density, low, lung, quiet, veil)
    residual = _no_hole(canvas, change * ~density.devices - added, expected, lung, veil)
    support = _large((extent * taper > 0.004) & (added > 0.002))
    lesion = (added > FOUND) & support
    amount = Quantity(_share(canvas, added, edit.finding), "fraction")
    return smooth_proposal(
        canvas, np.where(support, residual, 0.0), support, lesion, asked=amount, fine=fine * support, low=finest
    )


def _large(support: np.ndarray) -> np.ndarray:
    """Without the islands that a ragged border of the lung leaves."""
    labels, count = ndi.label(support)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    return (sizes >= ISLAND * sizes.max())[labels] & support


def free_lung(canvas: Canvas) -> np.ndarray:
    """(h, w) bool both lung fields outside the heart."""
    return np.asarray(canvas.anatomy[:2].any(0)) & ~canvas.heart


def require_lung(canvas: Canvas, region: np.ndarray) -> None:
    """Refuse a region of which too little shows lung."""
    lungs = canvas.anatomy[:2].any(0)
    share = float((region & lungs).sum() / max(region.sum(), 1))
    if share < LEAST_SEEN:
        raise CannotEdit(f"only {share:.0%} of the opacity lies over a lung field")
    share = float((region & lungs & ~canvas.heart).sum() / max(region.sum(), 1))
    if share < LEAST_SEEN:
        raise CannotEdit(f"only {share:.0%} of the opacity lies over lung that the heart does not hide")


def _require_excess(added: np.ndarray) -> None:
    strength = float(np.percentile(added, 80)) if added.size else 0.0
    if strength < LEAST:
        raise CannotEdit(f"the region exceeds healthy lung by {strength:.2f} contrast units, {LEAST} are needed")


def _require_diaphragm(canvas: Canvas, added: np.ndarray, lung: np.ndarray) -> None:
    """Refuse an opacity that hides the diaphragm: where it would be laid bare is only the segmenter's guess."""
    above = int(BESIDE_MM * canvas.feature)
    rows, columns = np.nonzero(lung[:-1] & ~lung[1:])
    rows, columns = rows[rows > above], columns[rows > above]
    taken = canvas.blur(added, 1.5)[rows - above, columns]
    taken = taken[taken > ALONG]
    hidden = float((taken > HIDES).mean()) if len(taken) > SHORT_MM * canvas.feature else 0.0
    if hidden > MOST_HIDDEN:
        raise CannotEdit(f"the opacity hides {hidden:.0%} of the diaphragm beneath it; nothing shows where that lies")


def lung_with_border(canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """Lung outside the heart with smooth borders, and a ramp from 0 on its border to 1 inside.

    An opacity that hid a border ends at the segmenter's; its bumps would become the heart's. Towards the mediastinum
    the ramp is wide: an edge between lung and hilum that nobody has looks cut out.
    """
    lungs = np.asarray(canvas.anatomy[:2].any(0))
    lung = (canvas.blur(lungs.astype(np.float32), OUTER_MM) > 0.5) & (
        canvas.blur(canvas.heart.astype(np.float32), HEART_MM) <= 0.5
    )
    # Tongues that a segmenter draws along a border it cannot see are no lung.
    core = _depth(lung) > TONGUE_MM * canvas.feature
    lung &= ndi.distance_transform_edt(~core) <= TONGUE_MM * canvas.feature if core.any() else lung
    depth = _depth(lung) / canvas.feature
    hull = np.maximum.accumulate(lungs, 1) & np.maximum.accumulate(lungs[:, ::-1], 1)[:, ::-1]
    middle = canvas.blur((hull & (canvas.heart | ~lungs)).astype(np.float32), HEART_MM) > 0.5
    medial = ndi.distance_transform_edt(~middle) / canvas.feature if middle.any() else np.full(depth.shape, np.inf)
    return lung, smoothstep(depth / TAPER_MM) * smoothstep(medial / MEDIAL_MM)


def _depth(mask: np.ndarray) -> np.ndarray:
    return ndi.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]


def _no_hole(
    canvas: Canvas, residual: np.ndarray, expected: np.ndarray, lung: np.ndarray, where: np.ndarray
) -> np.ndarray:
    """Give back what was taken from places that would become darker than lung is anywhere."""
    left = masked_blur(canvas, canvas.u + residual, lung, 3.0)[0]
    return residual + np.clip(expected - DIP - left, 0.0, None) * where


def _share(canvas: Canvas, added: np.ndarray, finding: str) -> float:
    """Opacified share of the larger side; of both fields for a finding that is measured over both."""
    fields = [canvas.lung(side) & ~canvas.heart for side in ("right", "left")]
    shares = [float((added > OPACIFIED)[field].mean()) if field.any() else 0.0 for field in fields]
    return sum(shares) / 2 if finding_of(finding).place.sides == "both" else max(shares)
