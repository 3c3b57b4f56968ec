"""A second organ in closed form: a block of tissue in air, a disc in a square and a ball in a cube.

It has nothing of a chest, and images of two and of three axes: what loop, compositor, gate, record and files do with it
they do for any organ.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from monai_cars.edits.axes import Axes
from monai_cars.edits.box import Box
from monai_cars.edits.change import Change
from monai_cars.edits.claim import UNHEARD, Claim
from monai_cars.edits.edit import CannotEdit, Edit, Proposal, Quantity
from monai_cars.edits.film import Film, Scale
from monai_cars.files.header import Header, RadiographError
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.registry import registered
from monai_cars.findings.scale import Severity
from monai_cars.gates import Gate, NoSeam, OutsideUnchanged, SeverityAgrees, Visible
from monai_cars.modality import Protection, Segmenter, added, unprotected

TISSUE, AIR, GRAIN = 1000.0, 200.0, 8.0
AMPLITUDE = 0.5  # contrast units of a ball within its rim
RIM = 2.0  # elements over which it fades, inside
MARGIN = 4  # elements of air around the tissue
BALL = Finding(
    "ball",
    organ="phantom",
    severity=Severity("diameter", "mm", 8.0, 24.0, "closed form"),
    aliases=("disc",),
    words=Words(term="ball", singular="a ball", plural="balls", own_word=True),
    place=Place(within="tissue", sides="none", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.10,
        least_inside=1.0,
        by_contrast=True,
        by_geometry=True,
        by_localiser="no",
        keeps_devices=True,
        measured_as=None,
    ),
    concepts=Concepts(asked_as=("ball",), synonyms=(), moved_by=()),
    changes=(),
)


@dataclass(frozen=True)
class Contrast:
    """Tissue minus air."""

    value: float
    zero: float
    share: float


def image_of(shape: tuple[int, ...], *, seed: int = 0) -> torch.Tensor:
    """(1, ...) a block of tissue in air, with grain: integers."""
    grain = GRAIN * np.random.default_rng(seed).standard_normal(shape)
    return torch.from_numpy(np.rint(np.where(tissue(shape), TISSUE, AIR) + grain)).float()[None]


def tissue(shape: tuple[int, ...]) -> np.ndarray:
    """Bool block."""
    inside = np.zeros(shape, bool)
    inside[tuple(slice(MARGIN, size - MARGIN) for size in shape)] = True
    return inside


def masks_of(shape: tuple[int, ...]) -> torch.Tensor:
    """(1, ...) uint8."""
    return torch.from_numpy(tissue(shape).astype(np.uint8))[None]


def header_of(image: torch.Tensor, *, millimetre: float | None = 1.0, **changes: Any) -> Header:
    """Of an image whose elements are so many millimetres long along every axis."""
    spacing = None if millimetre is None else (millimetre,) * (image.ndim - 1)
    low, high = 0.0, 4095.0
    stated = {"integer": True, "low": low, "high": high, "spacing": spacing, "spacing_source": "pixdim", **changes}
    return Header("memory", "b" * 64, "tensor", **stated)


@dataclass(frozen=True)
class BallEditor:
    """Draws a disc or ball of the asked diameter where the generator says; deletes the ball in a box."""

    name: str = "balls"
    weights: str | None = None

    def propose(self, film: Film, anatomy: torch.Tensor, edit: Edit, generator: torch.Generator) -> Proposal:
        if edit.operation == "delete":
            return self._deleted(film, edit)
        if film.spacing is None:
            raise CannotEdit("the image has no scale")
        amount = edit.scale.amount(0.0) if edit.operation == "sham" else edit.amount
        radius = amount.value / 2.0 * film.millimetre
        inside = Box.around(anatomy[0] > 0)
        if min(inside.shape) < 2 * radius + 2:
            raise CannotEdit("no room for the ball in the tissue")
        centre = [
            start + radius + float(torch.rand((), generator=generator)) * (size - 2 * radius - 1)
            for start, size in zip(inside.start, inside.shape, strict=True)
        ]
        away = distance(tuple(film.image.shape[1:]), centre)
        box = Box.around(away < radius)
        depth = (radius - away[box.slices]).clamp_min(0.0)
        residual = AMPLITUDE * (depth / RIM).clamp_max(1.0)
        if edit.operation == "sham":  # the grain is drawn anew
            grain = GRAIN * torch.randn(depth.shape, generator=generator) + TISSUE
            residual = (grain - film.image[0][box.slices]) / film.unit.value
        support = depth > 0
        return Proposal(box, residual.float(), support, support.clone(), None if edit.operation == "sham" else amount)

    def _deleted(self, film: Film, edit: Edit) -> Proposal:
        if edit.region is None:
            raise CannotEdit("a ball is deleted where a region shows it")
        if edit.region.box is not None:
            box = Box(*(int(edge) for edge in edit.region.box))
        else:
            box = Box.around(edit.region.mask > 0)
        crop = (film.image[0][box.slices] - film.unit.zero) / film.unit.value
        excess = (crop - 1.0) * (crop > 1.0 + AMPLITUDE / 4)
        if not bool((excess > 0).any()):
            raise CannotEdit("nothing there exceeds the tissue")
        support = excess > 0
        return Proposal(box, -excess.float(), support, support.clone())


def distance(shape: tuple[int, ...], centre: list[float]) -> torch.Tensor:
    """Distance of every element from a place, in elements."""
    axes = [torch.arange(size, dtype=torch.float64) - place for size, place in zip(shape, centre, strict=True)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).square().sum(0).sqrt()


@dataclass(frozen=True)
class Phantom:
    """See `monai_cars.modality.Modality`."""

    name: str = "phantom"
    structures: tuple[str, ...] = ("tissue",)
    colours: Mapping[str, tuple[int, int, int]] = field(default_factory=lambda: {"tissue": (90, 180, 90)}, hash=False)
    unit_means: str = "tissue minus air"
    dimensions: tuple[int, ...] = (2, 3)
    least_contrast: float = 0.3
    weights: str | None = None

    def unit(self, image: torch.Tensor, anatomy: torch.Tensor) -> Contrast:
        inside = anatomy[0] > 0
        dense, thin = float(image[0][inside].median()), float(image[0][~inside].median())
        spread = float(image.max() - image.min())
        return Contrast(dense - thin, thin, abs(dense - thin) / spread if spread else 0.0)

    def scale(self, header: Header, anatomy: torch.Tensor) -> Scale:
        return Scale(header.spacing, header.spacing_source if header.spacing else "unknown")

    def lies(self, anatomy: torch.Tensor, otherwise: str) -> str:
        return otherwise

    def orient(self, image: torch.Tensor, claim: Claim = UNHEARD, source: str = "the image") -> Axes:
        self.screen(image, source)
        return Axes(*claim.orders[:1], laterality=claim.laterality)

    def screen(self, image: torch.Tensor, source: str) -> None:
        if float(image.max()) < TISSUE / 2:
            raise RadiographError(f"{source}: it shows no tissue; give a phantom")

    def screen_masks(self, anatomy: torch.Tensor, source: str) -> None:
        if not bool(anatomy.any()):
            raise RadiographError(f"{source}: nothing of the organ is seen; give a phantom")

    def segmenter(self, weights: Any, device: torch.device) -> Segmenter:
        return segment

    def editor(self, name: str | None = None, weights: Any = None) -> BallEditor:
        if name not in (None, "balls"):
            raise ValueError(f"editor must be balls (got {name!r})")
        return BallEditor()

    def protect(self, film: Film, edit: Edit) -> Protection:
        return unprotected(film, edit)

    def measure(self, change: Change) -> Quantity | None:
        """Diameter (mm) of the disc or ball with as much change, each element counted by its share of the amplitude."""
        if change.spacing is None:
            return None
        # The rim fades over RIM elements inside the ball: half of it counts as half.
        count = float((change.gain > AMPLITUDE / 4).sum()) * float(np.prod(change.spacing))
        axes = change.gain.ndim
        radius = (count / np.pi) ** 0.5 if axes == 2 else (3.0 * count / (4.0 * np.pi)) ** (1.0 / 3.0)
        return Quantity(2.0 * float(radius) + RIM / 2 / film_millimetre(change), "mm")

    def gate(self, operation: str, finding: str, profile: str) -> Gate:
        return Gate([OutsideUnchanged(), NoSeam(threshold=40.0), SeverityAgrees(tolerance=0.10), Visible()])


def film_millimetre(change: Change) -> float:
    """Elements per millimetre."""
    return change.film.millimetre


def segment(image: torch.Tensor) -> torch.Tensor:
    """Tissue by its value."""
    return (image > (AIR + TISSUE) / 2).to(torch.uint8)


@contextmanager
def phantom_organ():
    """The phantom as an organ, and its finding, for a while."""
    with added(Phantom()) as organ, registered(BALL):
        yield organ
