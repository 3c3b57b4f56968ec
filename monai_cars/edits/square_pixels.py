"""A film whose pixels are higher than wide, or wider than high, seen with square ones, and proposals brought back.

Editors, measurements and checks know one length of a millimetre. What they look at has square pixels, as long as the
film's shorter side of one; only the proposal's residual goes back to the film, and the compositor writes it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from monai_cars.edits.box import Box
from monai_cars.edits.edit import CannotEdit, Edit, Proposal
from monai_cars.edits.film import Film, Scale
from monai_cars.edits.region import Region

LEAST_ASPECT = 1.02  # longer over shorter side of a pixel from which a round lesion would be drawn visibly oval
MOST_ASPECT = 4.0  # beyond, the header is wrong rather than the film squashed
HALF = 0.5
NOTHING = 1e-4  # share of a pixel that a support may cover without it: rounding of the resampling


@dataclass(frozen=True)
class SquarePixels:
    """Two grids on one film: its own, and one with square pixels.

    Args:
        own: rows and columns of the film.
        square: rows and columns of the same film with square pixels.

    Example:
        >>> grid = SquarePixels.of((100, 100), Scale((1.2, 0.6)))
        >>> grid.square, grid.same, grid.image(torch.zeros(1, 100, 100)).shape
        ((200, 100), False, torch.Size([1, 200, 100]))
    """

    own: tuple[int, ...]
    square: tuple[int, ...]

    @classmethod
    def of(cls, shape: Sequence[int], scale: Scale) -> SquarePixels:
        """The grids of a film with these rows and columns; of a volume, or square pixels, one and the same."""
        own = tuple(shape)
        aspect = scale.aspect
        if len(own) != 2 or not LEAST_ASPECT < max(aspect, 1 / aspect) <= MOST_ASPECT:
            return cls(own, own)
        rows, columns = own
        return cls(own, (round(rows * max(aspect, 1.0)), round(columns * max(1 / aspect, 1.0))))

    @property
    def same(self) -> bool:
        """The film has square pixels already."""
        return self.own == self.square

    def image(self, image: torch.Tensor) -> torch.Tensor:
        """A film (1, H, W) with square pixels."""
        return image if self.same else _resized(image.float(), self.square)

    def mask(self, mask: torch.Tensor) -> torch.Tensor:
        """Masks (..., H, W) with square pixels, in their own type."""
        return mask if self.same else (_resized(mask.float(), self.square) >= HALF).to(mask.dtype)

    def touched(self, mask: torch.Tensor) -> torch.Tensor:
        """Square pixels whose value depends on one of a bool mask (H, W)."""
        return mask if self.same else _resized(mask.float(), self.square) > 0

    def scale(self, scale: Scale) -> Scale:
        """The scale of the film with square pixels."""
        if self.same:
            return scale
        finer = self.square[1] / self.own[1]
        spacing = None if scale.spacing is None else (min(scale.spacing),) * 2
        return Scale(spacing, scale.source, scale.usual * finer)

    def film(self, film: Film) -> Film:
        """The whole film with square pixels; its unit stays the one that was measured."""
        if self.same:
            return film
        earlier = tuple(replace(edit, lesion=self.mask(edit.lesion)) for edit in film.earlier)
        return replace(
            film,
            image=self.image(film.image),
            anatomy=self.mask(film.anatomy),
            scale=self.scale(film.scale),
            earlier=earlier,
            padded=None if film.padded is None else self.mask(film.padded),
        )

    def edit(self, edit: Edit) -> Edit:
        """The edit with its region told in square pixels."""
        if self.same or edit.region is None:
            return edit
        region, finer = edit.region, [new / old for new, old in zip(self.square, self.own, strict=True)]
        if region.mask is not None:
            return replace(edit, region=Region(mask=self.mask(region.mask.reshape(self.own))))
        if region.point is not None:
            return replace(edit, region=Region(point=tuple(a * f for a, f in zip(region.point, finer, strict=True))))
        edges = tuple(a * f for a, f in zip(region.box or (), finer * 2, strict=True))
        return replace(edit, region=Region(box=edges))

    def brought_back(self, proposal: Proposal) -> Proposal:
        """A proposal on square pixels as one on the film's own.

        Raises:
            CannotEdit: it is so thin that none of the film's pixels would change.
        """
        if self.same:
            return proposal
        full = [torch.zeros(self.square) for _ in range(3)]
        parts = (proposal.residual * proposal.support, proposal.support.float(), proposal.lesion.float())
        for plane, part in zip(full, parts, strict=True):
            plane[proposal.box.slices] = part.float().cpu()
        residual, covered, lesion = (_resized(plane, self.own) for plane in full)
        support = covered > NOTHING
        if not bool(support.any()):
            raise CannotEdit("nothing is left of the edit at the film's own size")
        box = Box.around(support)
        return replace(
            proposal,
            box=box,
            residual=(residual * support)[box.slices].contiguous(),
            support=support[box.slices].contiguous(),
            lesion=((lesion >= HALF) & support)[box.slices].contiguous(),
        )

    def seen(self, proposal: Proposal) -> Proposal:
        """A proposal on the film's own pixels as checks see it: the masks of what was really written."""
        if self.same:
            return proposal
        support, lesion = (torch.zeros(self.own, dtype=torch.bool) for _ in range(2))
        support[proposal.box.slices] = proposal.support.cpu()
        lesion[proposal.box.slices] = proposal.lesion.cpu()
        residual = torch.zeros(self.own)
        residual[proposal.box.slices] = proposal.residual.cpu()
        wide = self.touched(support)
        box = Box.around(wide)
        return replace(
            proposal,
            box=box,
            residual=_resized(residual, self.square)[box.slices],
            support=wide[box.slices],
            lesion=(self.mask(lesion) & wide)[box.slices],
        )


def _resized(array: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """Bilinear, area-true where it makes smaller; (..., H, W) float32."""
    planes = array.reshape(1, -1, *array.shape[-2:])
    smaller = any(new < old for new, old in zip(size, array.shape[-2:], strict=True))
    fine = functional.interpolate(planes, size=size, mode="bilinear", align_corners=False, antialias=smaller)
    return fine.reshape(*array.shape[:-2], *size)
