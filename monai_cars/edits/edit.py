"""What is asked of an editor and what it proposes: edits, the regions they name, and proposals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch

from monai_cars.echo import cut, echo
from monai_cars.edits.box import Box
from monai_cars.edits.region import Region
from monai_cars.findings.registry import ZONES_OF, finding_of
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
ZONES = tuple(dict.fromkeys(zone for zones in ZONES_OF.values() for zone in zones))
"""Zones of all organs; a finding takes those of its own."""


@dataclass(frozen=True)
class Edit:
    """One edit of one film.

    Args:
        operation: ``"insert"``, ``"delete"`` or ``"sham"``.
        finding: a key of :data:`SEVERITY`, or another usual name of one (``monai_cars.findings.severity.ALIASES``).
        side: the patient's side, or None for either.
        zone: one of :data:`ZONES`, or None for anywhere that the finding occurs.
        severity: normalised in [0, 1], or a :class:`Quantity` in the finding's unit; None is drawn from the seed
            (a deletion removes what is there).
        seed: decides every random draw of the edit.
        region: where the finding to delete lies; deletions only, and not needed where the anatomy itself
            shows it.

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
            _check_zone(self.finding, self.zone)
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
        """The asked severity as an amount, None where none was asked."""
        if self.severity is None:
            return None
        return self.severity if isinstance(self.severity, Quantity) else self.scale.amount(float(self.severity))

    @property
    def amount(self) -> Quantity:
        """The severity that an editor draws: the asked one.

        Raises:
            ValueError: none was asked, and none was drawn (`with_severity`).
        """
        if self.asked is None:
            raise ValueError(f"{self.operation} {self.finding}: its severity must be known, got None; draw one first")
        return self.asked

    def with_severity(self, generator: torch.Generator) -> Edit:
        """The edit with a severity: the asked one, else of an insertion one drawn evenly from the finding's scale.

        Example:
            >>> 8 <= Edit("insert", "nodule").with_severity(torch.Generator().manual_seed(0)).amount.value <= 30
            True
        """
        if self.severity is not None or self.operation != "insert":
            return self
        return replace(self, severity=float(torch.rand((), generator=generator)))


@dataclass(frozen=True)
class Proposal:
    """What an editor wants to change; it has changed nothing yet.

    Args:
        box: crop of the film that the arrays below cover, (h, w); of a volume (d, h, w).
        residual: float32, what to add, in contrast units of the film; zero outside the support.
        support: bool, where pixels may differ.
        lesion: bool, the finding itself, the ground truth for a segmenter.
        asked: the amount the editor aimed at, None where the operation has none.
        note: what a reader of the record should know.
        weights: names and hashes of the weights that were opened for it; None leaves it at all that the editor has.
    """

    box: Box
    residual: torch.Tensor
    support: torch.Tensor
    lesion: torch.Tensor
    asked: Quantity | None = None
    note: str = ""
    weights: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Earlier:
    """An accepted edit that a film already carries.

    Args:
        operation: what was done.
        finding: key of SEVERITY.
        lesion: (H, W) or (D, H, W) bool, native, in the axes of the film that the editor receives.
        record: its entry of the record.
    """

    operation: str
    finding: str
    lesion: torch.Tensor
    record: Mapping[str, object] = field(default_factory=dict, repr=False)


class CannotEdit(Exception):  # noqa: N818 - an outcome of a film, not a fault
    """The edit cannot be made on this film; the reason goes into the record and the film stays as it is."""


def severity_of(severity: Any) -> Any:
    """A severity with an amount written as a mapping made a Quantity; anything else as it is.

    Raises:
        ValueError: a mapping that does not hold exactly a number `value` and a `unit`.

    Example:
        >>> severity_of({"value": 18, "unit": "mm"})
        Quantity(value=18.0, unit='mm')
    """
    if not isinstance(severity, Mapping):
        return severity
    if set(severity) != {"value", "unit"} or not _is_number(severity["value"]):
        raise ValueError(
            f"an amount must hold a number and its unit, {{'value': 18, 'unit': 'mm'}}, got {echo(dict(severity))}"
        )
    return Quantity(float(severity["value"]), str(severity["unit"]))


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, str)


def _choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {echo(value)}")


def _check_zone(finding: str, zone: str) -> None:
    zones = ZONES_OF.get(finding_of(finding).organ, ())
    if not zones:
        raise ValueError(f"{finding}: its organ has no zones, got zone {echo(zone)}; leave it out")
    _choice("zone", zone, zones)


def _check_severity(finding: str, severity: float | Quantity | None) -> None:
    if severity is None:
        return
    scale = SEVERITY[finding]
    if isinstance(severity, Quantity):
        if severity.unit != scale.unit:
            raise ValueError(
                f"severity of {finding} is measured in {scale.unit}, got {severity.value:g} {cut(severity.unit)}"
            )
        if not scale.low <= severity.value <= scale.high:
            raise ValueError(
                f"severity of {finding} must lie in [{scale.low}, {scale.high}] {scale.unit}, got {severity.value}"
            )
    elif not _is_number(severity):
        raise ValueError(
            f"severity of {finding} must be a number in [0, 1], a Quantity or {{'value': ..., 'unit': "
            f"{echo(scale.unit)}}}, got {echo(severity)}"
        )
    elif not 0.0 <= float(severity) <= 1.0:
        raise ValueError(
            f"severity of {finding} must lie in [0, 1] or be a Quantity in {scale.unit}, got {float(severity)}"
        )
