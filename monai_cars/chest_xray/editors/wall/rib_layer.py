"""A rib as a layer over the lung: lifted off the film, broken, and ready to be laid back."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import smoothstep
from monai_cars.chest_xray.editors.wall.ribs import FLANK_MM, straightened

STRAIGHT_MM = 8.0  # of the moved fragment that is displaced in full
HINGE_MM = 4.0  # over which it bends there
CROSSING_MM = 11.0  # of rib along which a median leaves out what crosses it: vessels, other ribs' edges
GRAIN_MM = 2.0
SEEN_MM, SLACK = 1.5, 0.25  # along the rib, and share of the rib's density by which less may be seen in one place
TAPER_MM = 2.0
BLUR_MM = 0.25


def rib_layer(film: np.ndarray, path: np.ndarray, across: np.ndarray, half: np.ndarray, mm: float) -> np.ndarray:
    """(n, m) contrast units of a rib alone, along its path and across it; zero beyond its flanks.

    The film is laid out so that both edges run straight, smoothed along the rib, freed of what lies behind, and laid
    back: a cortical line stays a line although the rib tapers.

    Args:
        film: (H, W) contrast units.
        path: (n, 2) axis in pixels, one apart.
        across: (m,) distances from the axis in pixels, evenly spaced, downwards.
        half: (n,) half the rib's height in pixels.
        mm: one millimetre in pixels.
    """
    usual = float(np.median(half))
    raw = straightened(film, path, _stretched(across[None], usual, half[:, None]))
    bands = ndi.median_filter(raw, (int(CROSSING_MM * mm) | 1, 1), mode="nearest")
    bands = ndi.gaussian_filter1d(bands, GRAIN_MM * mm, axis=0, mode="nearest")
    flank = usual + FLANK_MM * mm
    beside = [bands[:, np.abs(across - place) <= mm].mean(1, keepdims=True) for place in (-flank, flank)]
    share = np.clip((across + flank) / (2 * flank), 0.0, 1.0)
    behind = beside[0] * (1 - share) + beside[1] * share
    # No more is lifted off than is seen there: the lung behind would turn darker than the lung beside.
    slack = SLACK * float(np.median((bands - behind)[:, np.abs(across) < usual]))
    seen = np.clip(ndi.gaussian_filter(raw, (SEEN_MM * mm, 0.5)) - behind, 0.0, None) + max(slack, 0.0)
    layer = np.minimum(bands - behind, seen) * smoothstep((flank - np.abs(across)) / (TAPER_MM * mm))
    places = (_stretched(across[None], half[:, None], usual) - across[0]) / (across[1] - across[0])
    return ndi.map_coordinates(layer, np.stack(np.broadcast_arrays(np.arange(len(path))[:, None], places)), order=1)


def _stretched(across: np.ndarray, old, new) -> np.ndarray:
    """Distances from the axis when a rib's half height goes from ``old`` to ``new``; beyond the edges they shift."""
    beyond = np.abs(across) - old
    return np.where(beyond > 0, np.sign(across) * (new + beyond), across * new / old)


def broken(
    layer: np.ndarray,
    along: np.ndarray,
    across: np.ndarray,
    shift: float,
    line: np.ndarray,
    gap: float,
    mm: float,
    back: float,
) -> np.ndarray:
    """(n, m) the rib's layer with one fragment moved across the axis.

    Args:
        layer: (n, m) the whole rib.
        along: (n,) pixels from the cut, positive on the fragment that moves.
        across: (m,) pixels from the axis.
        shift: displacement in pixels, positive downwards.
        line: (m,) where the fracture line crosses, pixels along the rib.
        gap: width of the line in pixels.
        mm: one millimetre in pixels.
        back: mm from the cut at which the fragment is back in its place.
    """
    soft = max(BLUR_MM * mm, 0.35)
    moved = shift * _turn(along / mm, back)
    fixed = layer * _side(line[None] - gap / 2 - along[:, None], soft)
    where = np.stack(
        np.broadcast_arrays(
            np.arange(len(along))[:, None], (across[None] - moved[:, None] - across[0]) / (across[1] - across[0])
        )
    )
    loose = layer * _side(along[:, None] - line[None] - gap / 2, soft)
    # Where the fragment is back in its place it is the layer itself, to the bit.
    return np.where(moved[:, None] == 0.0, layer, fixed + ndi.map_coordinates(loose, where, order=1))


def _turn(along: np.ndarray, back: float) -> np.ndarray:
    """(n,) share of the displacement along a stiff fragment: 1 at the line, falling evenly to 0 at ``back`` mm."""
    share = np.clip((back - HINGE_MM - along) / (back - HINGE_MM - STRAIGHT_MM), 0.0, 1.0)
    bend = ndi.gaussian_filter1d(share, HINGE_MM / 3 / max(along[1] - along[0], 1e-6), mode="nearest", truncate=3.0)
    return np.where(along >= back, 0.0, bend)


def _side(distance: np.ndarray, soft: float) -> np.ndarray:
    return smoothstep(distance / (2 * soft) + 0.5)
