"""Controls that lie in the wrong place: a real opacity where it was not asked for, or where no lung is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy import STRUCTURES, lung, zones
from monai_cars.editors import Editor
from monai_cars.edits.edit import SIDES, Box, CannotEdit, Edit, Proposal
from monai_cars.edits.film import Film
from monai_cars.findings.severity import Quantity

THIRDS = ("upper", "middle", "lower")
MISPLACED_MOST = 0.5  # share of a finding in the asked zone from which on it is not misplaced
MARGIN_MM = 8.0  # between a misplaced edit's middle and the lung
SHOULDER = (-0.05, 0.20)  # rows, as shares of the lungs' height from their top
ABDOMEN = (0.70, 1.60)


@dataclass(frozen=True)
class Claim:
    """What a control is made from.

    Args:
        film: as an editor receives it.
        anatomy: (S, H, W) masks.
        edit: the finding that is claimed.
        generator: the only source of randomness.
        editor: makes the real proposals that controls are made of.
    """

    film: Film
    anatomy: torch.Tensor
    edit: Edit
    generator: torch.Generator
    editor: Editor

    def real(self, edit: Edit | None = None) -> Proposal:
        """A proposal of the editor itself, by default of the claimed edit."""
        return self.editor.propose(self.film, self.anatomy, edit or self.edit, self.generator)

    @property
    def units(self) -> torch.Tensor:
        """(H, W) the film in contrast units."""
        return ((self.film.image[0] - self.film.unit.zero) / self.film.unit.value).float()

    @property
    def millimetre(self) -> float:
        """Pixels per millimetre."""
        spacing = self.film.spacing
        if spacing is None:
            raise CannotEdit("a control needs the film's scale, and none could be estimated")
        return 2.0 / (spacing[0] + spacing[1])

    @property
    def asked(self) -> Quantity:
        """The amount that is claimed: the asked one, or the middle of the finding's range."""
        return self.edit.asked or self.edit.scale.amount(0.5)

    @property
    def lungs(self) -> torch.Tensor:
        """(H, W) bool both lung fields."""
        return lung(self.anatomy, "right") | lung(self.anatomy, "left")


def wrong_side(claim: Claim) -> Proposal:
    """The finding in the other lung than the asked one."""
    (other,) = (side for side in SIDES if side != claim.edit.side)
    return claim.real(replace(claim.edit, side=other))


def wrong_zone(claim: Claim) -> Proposal:
    """The finding in another third of the lung than the asked one.

    A large one may reach into the asked third; one that lies there for the most part is not misplaced, and is not
    offered.
    """
    others = [zone for zone in THIRDS if zone != claim.edit.zone]
    first = int(torch.randint(0, len(others), (), generator=claim.generator))
    for zone in (others[first], others[1 - first]):
        try:
            made = claim.real(replace(claim.edit, zone=zone))
        except CannotEdit as refusal:
            last = refusal
            continue
        if _share_in_asked_zone(claim, made) < MISPLACED_MOST:
            return made
        last = CannotEdit(f"the {claim.edit.finding} of the {zone} zone lies mostly in the {claim.edit.zone} zone")
    raise last


def _share_in_asked_zone(claim: Claim, made: Proposal) -> float:
    """Share of a proposal's attenuation that lies in the zone that was asked for."""
    fields = zones(claim.anatomy)
    asked = torch.stack([fields[side, str(claim.edit.zone)] for side in SIDES]).any(0)[made.box.slices]
    change = made.residual.abs()
    return float((change * asked.to(change.device)).sum() / change.sum().clamp_min(1e-9))


def shoulder(claim: Claim) -> Proposal:
    """The finding moved beside the tops of the lungs."""
    tops = zones(claim.anatomy)["right", "apex"] | zones(claim.anatomy)["left", "apex"]
    # Beside the tops, which are narrower than the bases; without lungs `_rows` refuses.
    rows, columns = _rows(claim, *SHOULDER), torch.nonzero(tops.any(0)).flatten()
    beside = torch.zeros_like(rows)
    beside[:, : int(columns.min()) + 1] = beside[:, int(columns.max()) :] = True
    return _moved(claim, rows & beside & _away(claim))


def heart(claim: Claim) -> Proposal:
    """The finding moved onto the heart, or the mediastinum beside the lung fields."""
    outline = claim.anatomy[STRUCTURES.index("heart")] > 0
    middle = outline & ~claim.lungs
    return _moved(claim, middle if bool(middle.any()) else outline)


def abdomen(claim: Claim) -> Proposal:
    """The finding moved below the lungs."""
    lungs = claim.lungs
    below = lungs.flip(0).int().cumsum(0).flip(0) == 0  # no lung in this row or further down in the column
    return _moved(claim, below & lungs.any(0) & _rows(claim, *ABDOMEN) & _away(claim))


def _rows(claim: Claim, top: float, bottom: float) -> torch.Tensor:
    """(H, W) bool rows between two shares of the lungs' height, counted from their top."""
    rows = torch.nonzero(claim.lungs.any(1)).flatten()
    if not len(rows):
        raise CannotEdit("no lung field was found on this film")
    height = int(rows[-1]) + 1 - int(rows[0])
    y = torch.arange(claim.anatomy.shape[1])[:, None].expand(claim.anatomy.shape[1:])
    return (y >= int(rows[0]) + top * height) & (y < int(rows[0]) + bottom * height)


def _away(claim: Claim) -> torch.Tensor:
    """(H, W) bool pixels at least MARGIN_MM from the lung fields."""
    distance = ndi.distance_transform_edt(~claim.lungs.cpu().numpy())
    return torch.from_numpy(distance > MARGIN_MM * claim.millimetre)


def _moved(claim: Claim, places: torch.Tensor) -> Proposal:
    """A real proposal with its middle drawn from some places; what would leave the film is cut off."""
    found = torch.nonzero(places)
    if not len(found):
        raise CannotEdit("the film shows no such place")
    real = claim.real()
    y, x = found[int(torch.randint(0, len(found), (), generator=claim.generator))].tolist()
    box = real.box
    dy, dx = y - (box.y0 + box.y1) // 2, x - (box.x0 + box.x1) // 2
    height, width = places.shape
    rows = slice(max(0, -box.y0 - dy), min(box.y1 - box.y0, height - box.y0 - dy))
    columns = slice(max(0, -box.x0 - dx), min(box.x1 - box.x0, width - box.x0 - dx))
    to = Box(box.y0 + dy + rows.start, box.x0 + dx + columns.start, box.y0 + dy + rows.stop, box.x0 + dx + columns.stop)
    residual, support, lesion = (part[rows, columns].clone() for part in (real.residual, real.support, real.lesion))
    return Proposal(to, residual, support, lesion)
