"""How dense each finding may be: bounds that follow from its law, on a film whose lung is empty and flat.

Every number here is told by a law (a docstring of the drawing, docs/results.md), not read off a run. The law's numbers
are repeated, not imported: a constant that changes must be changed here too, on purpose.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from phantom import ABDOMEN, AIR, LUNG, MEDIASTINUM, RIB, VESSEL, Phantom
from phantom_film import phantom, propose
from scipy import ndimage as ndi

from monai_cars.edits.edit import CannotEdit, Edit, Proposal, Quantity
from monai_cars.findings.severity import SEVERITY

FILM = phantom(size=(384, 400))
DRAWS = range(3)
RIBBED = MEDIASTINUM + RIB  # the densest that a heart or mediastinum is on the phantom: ribs cross them
TISSUE = 0.95  # contrast units of soft tissue beside a lung, at the most
FLUID = 1.10  # of the abdomen, to which fluid tends, at the most


def emptied(film):
    """The film without ribs, vessels and texture in its lungs: nothing hides a finding, nothing adds to it."""
    free = (film.anatomy[:2].amax(0) > 0) & (film.anatomy[2] == 0)
    inner = torch.from_numpy(ndi.binary_erosion(free.numpy(), iterations=2))
    level = round(float((LUNG - AIR) * film.contrast_unit))
    return replace(film, image=torch.where(inner, torch.tensor(float(level)), film.image[0])[None])


EMPTY = emptied(FILM)


def mottled(amount: float, spread: float) -> float:
    """The most that a texture of mean 1 makes of an amount: its logarithm ends at 2.2 standard deviations."""
    return amount * math.exp(2.2 * spread - spread**2 / 2)


def peak(proposal):
    """Largest density that is added."""
    return float(proposal.residual.max())


def swing(proposal):
    """Largest density that is added or taken away."""
    return float(proposal.residual.abs().max())


def lucency(proposal):
    """Density that is taken away over half of the finding."""
    return -float(proposal.residual[proposal.lesion].median())


def material(proposal):
    """The most that what was drawn attenuates: a tube's wall and stripe; a cable and the electrode that it ends in."""
    return 0.40 + 0.77 if "cable" in proposal.note else 0.20 + 0.30


@dataclass(frozen=True)
class Law:
    """Between what a finding's density lies.

    Args:
        least: contrast units.
        most: contrast units, or a function of what was drawn.
        severity: at which; a density that follows from a size is bounded at one size.
        value: what of the proposal is bounded.
        side: that is asked for.
        film: that it is drawn on.
    """

    least: float
    most: float | Callable[[Proposal], float]
    severity: float = 0.5
    value: Callable[[Proposal], float] = peak
    side: str | None = "right"
    film: Phantom = EMPTY

    def bound(self, proposal):
        """The most for one proposal."""
        return self.most(proposal) if callable(self.most) else self.most


# 19 mm and 50 mm of soft tissue; 140 mm are one unit, U(0.7, 1.5) of it; less than 0.15 is drawn as 0.15.
NODULE, MASS = 19.0 / 140.0, 50.0 / 140.0
LAWS = {
    # A subsolid nodule has three quarters; a calcified one three times as much (tested below).
    "nodule": Law(0.95 * 0.75 * 0.15, 1.5 * NODULE),
    "mass": Law(0.95 * 0.7 * MASS, 1.5 * MASS, 0.4),
    # Depth over 115 mm, and enough to be seen among the vessels, between 0.24 and 0.54.
    "irregular hilum": Law(0.95 * 0.24, 0.54),
    # Nodes that bulge from the mediastinum reach 0.85 of what is beside them.
    "adenopathy": Law(0.24, 0.85 * RIBBED, 0.3),
    # Lines of 0.08 on a film without texture: tanh below 1, nodules 0.6, coarse factor 1.6, a quarter as haze.
    "irregular parenchyma": Law(0.08, 0.08 * (1.6 * 1.6 + 0.25), 0.4),
    "pneumonitis": Law(0.22, mottled(0.34, 0.20) + 0.07, 0.4),  # ground glass and thick bronchial walls
    "opacities": Law(0.24, mottled(0.46, 0.24)),
    # Shares of soft tissue: U(0.70, 1.0) of a consolidation, up to 0.9 of an infection.
    "consolidation": Law(0.8 * 0.7 * 0.55, TISSUE),
    "infection": Law(0.8 * 0.4 * 0.55, 0.9 * TISSUE, 0.4),
    # Haze of U(0.36, 0.52), cuffs of 0.05, upper vessels of 0.04.
    "edema": Law(0.36, mottled(0.52, 0.22) + 0.09, side=None),
    "atelectasis": Law(0.26, 1.2 * mottled(0.42, 0.18), 0.1),  # plates, uneven up to 1.2
    "effusion": Law(0.7, FLUID),
    "fluid": Law(0.7, FLUID),
    "meniscus sign": Law(0.7, FLUID),
    "costophrenic blunting": Law(0.7, FLUID),
    # A border moves: nothing becomes denser than what moves.
    "enlarged heart": Law(0.9, RIBBED, side=None),
    "enlarged cardiomediastinum": Law(0.9, RIBBED, side=None),
    "irregular diaphragm": Law(0.9, ABDOMEN + RIB),
    # Air is U(0.09, 0.14) darker than lung.
    "pleural air": Law(0.08, 0.14, value=lucency),
    "absent lung markings": Law(0.06, 0.14, value=lucency),
    # A stump of 0.34 to 0.82 by how far it collapsed, U(0.9, 1.1) of it, and half a pleural line of 0.10.
    "lung collapse": Law(0.9 * 0.34, 1.1 * 0.82 + 0.05),
    # A rib is laid beside itself: as dense as a rib of the film and the vessel beneath it.
    "fracture": Law(0.5 * RIB, RIB + VESSEL, value=swing, film=FILM),
    "support devices": Law(0.14, material, 0.0),
}


def drawn(law, finding, draws=DRAWS):
    """Proposals of some draws; those that this lung has no room for are left out."""
    edit = Edit("insert", finding, side=law.side, severity=law.severity)
    found = []
    for draw in draws:
        try:
            found.append(propose(law.film, edit, draw=draw))
        except CannotEdit:
            continue
    return found


def test_every_finding_has_a_law():
    assert set(LAWS) == set(SEVERITY)


@pytest.mark.parametrize("finding", sorted(LAWS))
def test_a_finding_is_as_dense_as_its_law_says(finding):
    law = LAWS[finding]
    proposals = drawn(law, finding)
    assert len(proposals) >= 2
    for proposal in proposals:
        value, most = law.value(proposal), law.bound(proposal)
        assert law.least <= value <= most
        assert 3 * value > most  # the bound has teeth: three times as dense is beyond it


def test_a_calcified_nodule_is_three_times_as_dense_and_rare():
    law = LAWS["nodule"]
    peaks = np.array([peak(proposal) for proposal in drawn(law, "nodule", range(40))])
    calcified = peaks[peaks > law.most]
    # 0.12 of the round ones, which are 0.60 and the spiculated ones below 12 mm: of 40 nodules three, and rarely eight.
    assert 1 <= len(calcified) <= 8
    assert calcified.min() >= 0.95 * 3 * 0.7 * NODULE
    assert calcified.max() <= 3 * 1.5 * NODULE


@pytest.mark.parametrize("millimetres", [8.0, 19.0, 30.0])
def test_on_a_busy_film_a_nodule_is_raised_to_be_seen_and_no_further(millimetres):
    """At most to twice its own density, and never above 0.6: beyond, soft tissue would look calcified."""
    own = max(1.5 * millimetres / 140.0, 0.15)
    edit = Edit("insert", "nodule", side="right", severity=Quantity(millimetres, "mm"))
    peaks = [peak(propose(FILM, edit, draw=draw)) for draw in DRAWS]
    assert max(peaks) <= min(2.0 * own, 0.6)
