"""What a random edit may be, and the draws that decide it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np

from monai_cars.echo import echo
from monai_cars.edits.edit import OPERATIONS, SEVERITY, Operation
from monai_cars.findings.severity import canonical

Weighed = Mapping[str, float] | Sequence[str]
"""Names with weights, or names that weigh alike."""


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
        findings: finding -> weight.
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
        names = [canonical(name) for name in self.findings]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            said = [name for name in self.findings if canonical(name) == twice]
            raise ValueError(f"findings names {twice!r} twice, as {' and '.join(map(repr, said))}; name it once.")
        object.__setattr__(self, "findings", dict(zip(names, self.findings.values(), strict=True)))
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


def weights_of(argument: str, given: Weighed) -> dict[str, float]:
    """Name -> weight, as a mapping says, or alike for all names of a list.

    Raises:
        ValueError: one name alone, a list with something else than names in it, or one that names something twice.

    Example:
        >>> weights_of("findings", ["nodule", "mass"])
        {'nodule': 1.0, 'mass': 1.0}
    """
    if isinstance(given, Mapping):
        return dict(given)
    names = [] if isinstance(given, str) else list(given)
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError(
            f"{argument} must be a list of different names, which weighs them alike, or a mapping of names to weights, "
            f"such as {{'nodule': 2, 'mass': 1}} (got {given!r})."
        )
    return dict.fromkeys(names, 1.0)


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
    if any(isinstance(weight, str) or not hasattr(weight, "__float__") for weight in weights.values()):
        raise ValueError(f"{argument} must map each name to a number, its weight (got {echo(dict(weights))}).")
    if any(not math.isfinite(weight) or weight < 0 for weight in weights.values()) or not any(weights.values()):
        raise ValueError(f"{argument} must be weights >= 0, at least one of them > 0 (got {dict(weights)}).")
