"""Insert a nodule or a mass: what X-rays lose in a round, lobulated, spiculated or cavitated solid."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import Canvas, enlarge, smoothstep, uniform
from monai_cars.chest_xray.editors.canvas.site import allowed_sites
from monai_cars.chest_xray.editors.lung.ellipsoid import EXTENT, perturbed_chord
from monai_cars.chest_xray.editors.lung.lump import EDGE, lobulated, stranded
from monai_cars.edits.edit import Box, CannotEdit, Edit, Proposal, Quantity
from monai_cars.findings.registry import finding_of

__all__ = ["insert_nodule", "local_spread", "perturbed_chord"]

CHORD_OF_ONE_UNIT = 140.0  # mm of soft tissue in air-filled lung that add one contrast unit
FAINTEST = 0.15  # contrast units; less is not seen on any film
CONSPICUITY = 2.2  # amplitude over the spread of ribs and vessels around it; a label must not be set for less
LOUDEST = 2.0  # times its own density to which conspicuity may raise it: beyond, soft tissue would look calcified
DENSEST = 0.6  # contrast units that no finding exceeds but a calcified one
COARSEST_MM = 15.0  # structure coarser than half a mass hides nothing
PLACES = 8  # drawn, of which the quietest is taken
PLEURA_MM = 1.5  # softness of the pleura, beyond which a finding of the lung does not reach
WHITE, ROOM = 1.0, 0.45  # contrast units at which a film shows no more density, and below it all of it
FITS, NEAR = 5, 0.06  # tries to reach the asked diameter, and the share of it that may be missing
BLUR_MM = 0.6  # focal spot, motion and detector together
LEAST = 0.004  # share of the peak below which nothing is drawn: less than a grey level of an 8-bit film
CALCIFIED, CALCIFIED_DENSITY = 0.12, 3.0  # granulomas: about one small nodule in eight
GRANULOMA_MM = 30.0  # that a finding may measure at most; a calcified mass is none
SUBSOLID, SOFT = 0.75, 0.06  # of a solid nodule's density; blur of its edge over the profile's width
STRANDED_MM = 12.0  # a smaller nodule shows no spicules
CAVITY, AIR = (0.40, 0.58), 0.8  # radius of a cavity over the mass's, and share of its chord that is air


def insert_nodule(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose a nodule or mass whose amplitude follows from its size.

    The residual is ``chord(x, y) / 140 mm * U(0.7, 1.5)`` contrast units, more where ribs and vessels would hide it;
    they shine through because the attenuations add.

    Raises:
        CannotEdit: no scale, no room for the finding where it was asked for, or no place quiet enough to see it.
    """
    asked = edit.amount
    radius = canvas.millimetres(asked.value / 2)
    site, spread = quietest(canvas, allowed_sites(canvas, edit, generator, radius=radius, count=PLACES), radius)
    look = _look(edit.finding, asked.value, generator)
    profile = _profile(look, generator)
    small = edit.scale.high <= GRANULOMA_MM
    calcified = look == "round" and small and uniform(0.0, 1.0, generator) < CALCIFIED
    density = uniform(0.7, 1.5, generator) * (CALCIFIED_DENSITY if calcified else 1.0)
    own = max(asked.value / CHORD_OF_ONE_UNIT * density, FAINTEST) * (SUBSOLID if look == "subsolid" else 1.0)
    needed = CONSPICUITY * spread
    if needed > min(LOUDEST * own, DENSEST):
        one = finding_of(edit.finding).words.singular
        raise CannotEdit(f"{one} would not be seen between the ribs and vessels where it was to be put")
    return _on_film(canvas, max(own, needed) * profile, radius, site, asked)


def quietest(canvas: Canvas, sites: list[tuple[float, float]], radius: float) -> tuple[tuple[float, float], float]:
    """The site with the least structure around it, and its spread in contrast units."""
    spreads = [local_spread(canvas, site, radius) for site in sites]
    best = int(np.argmin(spreads))
    return sites[best], spreads[best]


def local_spread(canvas: Canvas, site: tuple[float, float], radius: float) -> float:
    """Standard deviation (contrast units) of the film around a site at the scale of the finding and finer."""
    reach, step = int(2 * radius) + 2, max(1, int(radius / 12))
    sigma = min(radius, COARSEST_MM * canvas.feature) / step
    y, x = (int(c) for c in site)
    tile = canvas.u[max(y - reach, 0) : y + reach : step, max(x - reach, 0) : x + reach : step]
    return float((tile - ndi.gaussian_filter(tile, sigma)).std())


def _look(finding: str, millimetres: float, generator: torch.Generator) -> str:
    draw = uniform(0.0, 1.0, generator)
    for look, share in finding_of(finding).looks:
        draw -= share
        if draw < 0:
            return "round" if look == "spiculated" and millimetres < STRANDED_MM else look
    return "round"


def _profile(look: str, generator: torch.Generator) -> np.ndarray:
    """(n, n) share of the peak density over a square about the finding; its scale is set afterwards."""
    if look == "lobulated":
        return lobulated(int(torch.randint(3, 6, (), generator=generator)), uniform(0.8, 1.25, generator), generator)
    if look == "spiculated":
        solid = lobulated(int(torch.randint(1, 4, (), generator=generator)), 1.0, generator)
        return stranded(solid, 0.0, generator, fan=np.pi, count=(14, 22))
    chord, _ = perturbed_chord(1.0, generator)
    if look == "subsolid":
        # Ground glass without a wall, around a small solid core.
        soft = ndi.gaussian_filter(chord / chord.max(), SOFT * len(chord))
        chord = soft / soft.max() + uniform(0.0, 0.3, generator) * (chord / chord.max()) ** 4
    elif look == "cavity":
        chord = _hollow(chord, generator)
    return chord / chord.max()


def _hollow(chord: np.ndarray, generator: torch.Generator) -> np.ndarray:
    """A mass with air in it: the chord through its wall, which is thick and uneven."""
    line = np.linspace(-1.0, 1.0, len(chord)) * EXTENT
    inner, extent = perturbed_chord(uniform(*CAVITY, generator), generator)
    turn, off = uniform(0.0, 2 * np.pi, generator), uniform(0.05, 0.18, generator)
    y, x = line[:, None] - off * np.sin(turn), line[None, :] - off * np.cos(turn)
    places = [(part + extent) * (len(inner) - 1) / (2 * extent) for part in np.broadcast_arrays(y, x)]
    air = ndi.map_coordinates(inner / inner.max(), np.stack(places), order=1)
    # The two chords in the same unit: a cavity of half the radius takes half of the thickest part.
    return np.clip(chord / chord.max() - AIR * extent / EXTENT * air, 0.0, None)


def _on_film(
    canvas: Canvas, profile: np.ndarray, radius: float, site: tuple[float, float], asked: Quantity
) -> Proposal:
    """Lay a profile so large that the disc with the area above EDGE of its peak has the asked radius."""
    share = _share_shown(canvas)
    half = radius * float(np.sqrt(np.pi / 4 / float((profile > EDGE * profile.max()).mean())))
    for _ in range(FITS):
        box, values = _laid(canvas, profile, half, site, share)
        found = float(np.sqrt((values > EDGE * values.max(initial=0.0)).sum() / np.pi)) / canvas.factor
        if abs(found - radius) < 0.01 * radius:
            break
        half *= float(np.clip(radius / max(found, 1e-6), 0.7, 1.4))
    if abs(found - radius) > NEAR * radius:
        raise CannotEdit(f"no room for a finding of {asked.value:.0f} mm between pleura and mediastinum")
    return _proposal(box, values, asked)


def _share_shown(canvas: Canvas) -> np.ndarray:
    """(h, w) share of its density that a finding adds: all over the lung, nothing beyond it, little where white."""
    inside = canvas.blur(np.asarray(canvas.anatomy[:2].any(0), np.float32), PLEURA_MM)
    return inside * smoothstep((WHITE - canvas.blur(canvas.u, 3.0)) / ROOM)


def _laid(
    canvas: Canvas, profile: np.ndarray, half: float, site: tuple[float, float], share: np.ndarray
) -> tuple[Box, np.ndarray]:
    """Native crop and contrast units of a profile that reaches ``half`` working pixels to every side."""
    half, (cy, cx) = half * canvas.factor, ((c + 0.5) * canvas.factor - 0.5 for c in site)
    shape = canvas.native.shape
    box = Box(
        max(int(cy - half), 0),
        max(int(cx - half), 0),
        min(int(cy + half) + 2, shape[0]),
        min(int(cx + half) + 2, shape[1]),
    )
    to_grid = (len(profile) - 1) / (2 * half)
    rows = (np.arange(box.y0, box.y1) - cy + half) * to_grid
    columns = (np.arange(box.x0, box.x1) - cx + half) * to_grid
    values = ndi.map_coordinates(profile, np.meshgrid(rows, columns, indexing="ij"), order=1, mode="constant")
    values = ndi.gaussian_filter(values, BLUR_MM * canvas.feature * canvas.factor)
    return box, values * enlarge(share, box, canvas.factor, torch.device("cpu")).numpy()


def _proposal(box: Box, values: np.ndarray, asked: Quantity) -> Proposal:
    lesion = values > 0.1 * values.max(initial=0.0)
    if not lesion.any():
        raise CannotEdit("the finding is smaller than a pixel of this film")
    # The profile ends without a step: what is below LEAST is taken off everywhere, not cut at the border.
    values = np.clip(values - LEAST * values.max(), 0.0, None)
    return Proposal(
        box,
        torch.from_numpy(values.astype(np.float32)),
        torch.from_numpy(values > 0),
        torch.from_numpy(lesion & (values > 0)),
        asked,
    )
