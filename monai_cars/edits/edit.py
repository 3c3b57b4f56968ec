"""What is asked of an editor and what it proposes: edits, the regions they name, and proposals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch

from monai_cars.findings.registry import FINDINGS, finding_of
from monai_cars.findings.severity import OPACIFIED, SEVERITY, Quantity, Severity, canonical

__all__ = [
    "OPACIFIED",
    "OPERATIONS",
    "SEVERITY",
    "SIDES",
    "ZONES",
    "Box",
    "CannotEdit",
    "Earlier",
    "Edit",
    "Operation",
    "Proposal",
    "Quantity",
    "Region",
    "Severity",
]

Operation = Literal["insert", "delete", "sham"]
OPERATIONS: tuple[Operation, ...] = ("insert", "delete", "sham")
SIDES = ("left", "right")
# Findings whose place the anatomy itself shows, so that a deletion needs no region.
LOCATED_BY_ANATOMY = tuple(name for name, finding in FINDINGS.items() if finding.place.shown_by_anatomy)
ZONES = ("upper", "middle", "lower", "apex", "costophrenic", "hilar")


@dataclass(frozen=True)
class Region:
    """Where a finding that is to be deleted lies, in native pixels of the array as the editor receives it.

    Exactly one of ``mask`` ((H, W) bool), ``box`` (y0, x0, y1, x1; half open) or ``point`` (y, x) is set.
    """

    mask: torch.Tensor | None = None
    box: tuple[float, float, float, float] | None = None
    point: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("mask", "box", "point") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"region: exactly one of mask, box, point must be given, got {given or 'none of them'}")
        if self.box is not None and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise ValueError(f"region: a box (y0, x0, y1, x1) needs y0 < y1 and x0 < x1, got {tuple(self.box)}")


@dataclass(frozen=True)
class Edit:
    """One edit of one film.

    Args:
        operation: ``"insert"``, ``"delete"`` or ``"sham"``.
        finding: a key of :data:`SEVERITY`, or another usual name of one (``monai_cars.findings.severity.ALIASES``).
        side: the patient's side, or None for either.
        zone: one of :data:`ZONES`, or None for anywhere that the finding occurs.
        severity: normalised in [0, 1], or a :class:`Quantity` in the finding's unit; None lets the editor decide
            (a deletion removes what is there).
        seed: decides every random draw of the edit.
        region: where the finding to delete lies; deletions only, and not needed where the anatomy itself
            shows it (LOCATED_BY_ANATOMY).

    Raises:
        ValueError: an unknown operation, finding, side or zone, a severity out of range, or a wrong region.

    Example:
        >>> Edit("insert", "effusion", side="left", severity=0.3).asked.unit
        'fraction'
    """

    operation: Operation
    finding: str
    side: str | None = None
    zone: str | None = None
    severity: float | Quantity | None = None
    seed: int = 0
    region: Region | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        _choice("operation", self.operation, OPERATIONS)
        object.__setattr__(self, "finding", canonical(self.finding))
        _choice("finding", self.finding, tuple(SEVERITY))
        if self.side is not None:
            _choice("side", self.side, SIDES)
        if self.zone is not None:
            _choice("zone", self.zone, ZONES)
        if self.operation == "delete" and self.region is None and not finding_of(self.finding).place.shown_by_anatomy:
            raise ValueError(
                f"delete {self.finding}: a region must say where the finding lies, got none; "
                "give a mask, a box or a point (no localiser ships yet)"
            )
        if self.operation != "delete" and self.region is not None:
            raise ValueError(f"{self.operation} {self.finding}: a region is for deletions only; remove it")
        _check_severity(self.finding, self.severity)

    @property
    def scale(self) -> Severity:
        """The severity scale of this edit's finding."""
        return SEVERITY[self.finding]

    @property
    def asked(self) -> Quantity | None:
        """The asked severity as an amount, None when the editor decides."""
        if self.severity is None:
            return None
        return self.severity if isinstance(self.severity, Quantity) else self.scale.amount(float(self.severity))


class Box(NamedTuple):
    """A crop of an image in pixels, half open."""

    y0: int
    x0: int
    y1: int
    x1: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices of the crop."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)


@dataclass(frozen=True)
class Proposal:
    """What an editor wants to change; it has changed nothing yet.

    Args:
        box: crop of the film that the arrays below cover, (h, w).
        residual: (h, w) float32, what to add, in contrast units of the film; zero outside the support.
        support: (h, w) bool, where pixels may differ.
        lesion: (h, w) bool, the finding itself, the ground truth for a segmenter.
        asked: the amount the editor aimed at, None where the operation has none.
        note: what a reader of the record should know.
    """

    box: Box
    residual: torch.Tensor
    support: torch.Tensor
    lesion: torch.Tensor
    asked: Quantity | None = None
    note: str = ""


@dataclass(frozen=True)
class Earlier:
    """An accepted edit that a film already carries.

    Args:
        operation: what was done.
        finding: key of SEVERITY.
        lesion: (H, W) bool, native, in the axes of the film that the editor receives.
        record: its entry of the record.
    """

    operation: str
    finding: str
    lesion: torch.Tensor
    record: Mapping[str, object] = field(default_factory=dict, repr=False)


class CannotEdit(Exception):  # noqa: N818 - an outcome of a film, not a fault
    """The edit cannot be made on this film; the reason goes into the record and the film stays as it is."""


def _choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")


def _check_severity(finding: str, severity: float | Quantity | None) -> None:
    if severity is None:
        return
    scale = SEVERITY[finding]
    if isinstance(severity, Quantity):
        if severity.unit != scale.unit:
            raise ValueError(f"severity of {finding} is measured in {scale.unit}, got {severity.value} {severity.unit}")
        if not scale.low <= severity.value <= scale.high:
            raise ValueError(
                f"severity of {finding} must lie in [{scale.low}, {scale.high}] {scale.unit}, got {severity.value}"
            )
    elif not 0.0 <= float(severity) <= 1.0:
        raise ValueError(
            f"severity of {finding} must lie in [0, 1] or be a Quantity in {scale.unit}, got {float(severity)}"
        )
