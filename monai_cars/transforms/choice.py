"""What a random edit may be, and the draws that decide it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np

from monai_cars.echo import echo
from monai_cars.edits.edit import OPERATIONS, SEVERITY, Operation
from monai_cars.findings.severity import canonical


class Draw(NamedTuple):
    """Everything random about one random edit: three numbers in [0, 1) and a seed."""

    operation: float
    finding: float
    severity: float
    seed: int


def draw(R: np.random.RandomState) -> Draw:
    """Draw from MONAI's `self.R`; always four draws, so that what one film allows moves no other film's draws."""
    return Draw(float(R.rand()), float(R.rand()), float(R.rand()), int(R.randint(2**31)))


class Choice(NamedTuple):
    """One edit, chosen: what, which finding, how severe (None for a deletion or a sham)."""

    operation: Operation
    finding: str
    severity: float | None
    seed: int


@dataclass(frozen=True)
class Choices:
    """Weights of findings and operations, and the range of severities.

    Args:
        findings: finding -> weight; a sequence weighs all alike.
        operations: operation -> weight.
        severity: lowest and highest, in [0, 1].

    Raises:
        ValueError: an unknown name, weights that are negative, not finite or all zero, or a range outside [0, 1].

    Example:
        >>> Choices({"nodule": 1}, {"insert": 1}, (0.2, 0.4)).choose(Draw(0.5, 0.5, 0.5, 7))
        Choice(operation='insert', finding='nodule', severity=0.30000000000000004, seed=7)
    """

    findings: Mapping[str, float]
    operations: Mapping[str, float]
    severity: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "findings", {canonical(name): weight for name, weight in self.findings.items()})
        _check_weights("findings", self.findings, tuple(SEVERITY))
        _check_weights("operations", self.operations, OPERATIONS)
        low, high = self.severity
        if not 0 <= low <= high <= 1:
            raise ValueError(f"severity must be (low, high) with 0 <= low <= high <= 1 (got {self.severity}).")

    def choose(self, drawn: Draw, *, deletable: Collection[str] = ()) -> Choice | None:
        """The edit that the draws stand for, among what this film allows; None when it allows nothing.

        Args:
            drawn: from `draw`.
            deletable: findings that can be deleted from this film, since their place is known.
        """
        removable = {name: weight for name, weight in self.findings.items() if name in deletable}
        possible = {
            name: weight for name, weight in self.operations.items() if name != "delete" or any(removable.values())
        }
        if not any(possible.values()):
            return None
        operation = cast(Operation, pick(possible, drawn.operation))
        finding = pick(removable if operation == "delete" else self.findings, drawn.finding)
        low, high = self.severity
        severity = low + drawn.severity * (high - low) if operation == "insert" else None
        return Choice(operation, finding, severity, drawn.seed)


def pick(weights: Mapping[str, float], position: float) -> str:
    """The name whose share of the total holds `position` in [0, 1); names in order, so that no hash decides.

    Example:
        >>> pick({"a": 1.0, "b": 3.0}, 0.3)
        'b'
    """
    names = sorted(name for name, weight in weights.items() if weight > 0)
    bounds = np.cumsum([weights[name] for name in names])
    return names[min(int(np.searchsorted(bounds, position * bounds[-1], side="right")), len(names) - 1)]


def _check_weights(argument: str, weights: Mapping[str, float], known: tuple[str, ...]) -> None:
    unknown = [name for name in weights if name not in known]
    if unknown:
        raise ValueError(f"{argument} names {echo(unknown[0])}; known are {', '.join(known)}.")
    if any(not math.isfinite(weight) or weight < 0 for weight in weights.values()) or not any(weights.values()):
        raise ValueError(f"{argument} must be weights >= 0, at least one of them > 0 (got {dict(weights)}).")
