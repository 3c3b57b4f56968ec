"""Checks, their verdicts, and the gate that joins them into one decision."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeVar

import torch

from monai_cars.edits.edit import Box, Edit, Quantity
from monai_cars.edits.film import Film, OfFilm
from monai_cars.edits.record import rounded

FIRST_SETTINGS = "first settings"  # thresholds that were set by hand, not calibrated
Outcome = Literal["pass", "fail", "unavailable"]
Made = TypeVar("Made")


@dataclass(frozen=True)
class Context(OfFilm):
    """What a check may look at besides the film before and after.

    Args:
        edit: what was asked for.
        film: before the edit, with its anatomy, unit and scale.
        box: crop that ``lesion`` and ``support`` cover.
        lesion: bool with the crop's shape.
        support: bool with the crop's shape.
        asked: amount aimed at, None where there is none.
        measured: amount found by ``measure``, None where it could not be.
        segmenter: measures the anatomy after the edit, None when there is none.
    """

    edit: Edit
    film: Film
    box: Box
    lesion: torch.Tensor
    support: torch.Tensor
    asked: Quantity | None
    measured: Quantity | None
    segmenter: Callable[[torch.Tensor], torch.Tensor] | None = None
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def millimetre(self) -> float:
        """Elements per millimetre; of a body of usual size where the film has no scale."""
        return self.film.millimetre

    @property
    def source(self) -> str:
        """SHA-256 of the film, empty when unknown; checks that compare with a bank leave the film's patient out."""
        return self.film.header.sha256

    def anatomy_after(self, after: torch.Tensor) -> torch.Tensor | None:
        """(S, ...) masks of the film after the edit, segmented once and only when a check asks.

        The segmenter gets a copy: one that normalises in place must not change what is judged and handed out.
        """
        segmenter = self.segmenter
        return None if segmenter is None else self.once("masks after", lambda: segmenter(after.clone()))

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` returns, made once for all checks of this edit: networks' answers are shared between them."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


@dataclass(frozen=True)
class CheckResult:
    """One check's value, the threshold that it was held against, and the verdict.

    Args:
        name: of the check.
        value: what was found; None when it could not be.
        threshold: the bound that it was held against.
        verdict: whether it holds, or "unavailable".
        reason: for people, empty when it passed.
        required: whether the decision hangs on it.
        code: for machines, the same for every film: the check's name with "_failed" or "_unavailable" behind it
            unless the check says something more exact; empty when it passed.
    """

    name: str
    value: float | None
    threshold: float | None
    verdict: Outcome
    reason: str = ""
    required: bool = True
    code: str = ""

    def __post_init__(self) -> None:
        if not self.code and self.verdict != "pass":
            ending = "failed" if self.verdict == "fail" else "unavailable"
            object.__setattr__(self, "code", f"{self.name}_{ending}")

    def entry(self) -> dict[str, Any]:
        """JSON form; ``passed`` is None when the check was unavailable."""
        return {
            "name": self.name,
            "value": rounded(self.value),
            "threshold": rounded(self.threshold),
            "verdict": self.verdict,
            "passed": None if self.verdict == "unavailable" else self.verdict == "pass",
            "reason": self.reason,
            "code": self.code,
            "required": self.required,
        }


class Check(Protocol):
    """Judges one property of an edit."""

    @property
    def name(self) -> str:
        """For the record."""
        ...

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """Judge ``after`` ((1, H, W)) against ``before``."""
        ...


def judged(name: str, value: float, threshold: float, *, at_most: bool, reason: str = "") -> CheckResult:
    """A result from a value and the bound it has to keep; not-a-number fails.

    Example:
        >>> judged("seam", 0.2, 0.5, at_most=True).verdict
        'pass'
    """
    passed = value <= threshold if at_most else value >= threshold
    return CheckResult(name, value, threshold, "pass" if passed else "fail", "" if passed else reason)


def unavailable(name: str, reason: str, threshold: float | None = None) -> CheckResult:
    """A result for a check that could not be made."""
    return CheckResult(name, None, threshold, "unavailable", reason)


@dataclass(frozen=True)
class Verdict:
    """The joint decision: accepted when every required check passed and no advisory one was decisive."""

    accepted: bool
    reason: str
    checks: tuple[CheckResult, ...]
    thresholds: str = FIRST_SETTINGS


@dataclass(frozen=True)
class Gate:
    """Joins checks: a required check must pass, an advisory one is recorded.

    Args:
        checks: run in order; all run, so that the record is complete.
        advisory: names of checks whose verdict is recorded only.
        thresholds: where the checks' thresholds come from, for the record.
        attempts: over which the thresholds bound what passes wrongly; None when they bound nothing.

    Raises:
        ValueError: ``advisory`` names no check, or two checks share a name.

    Example:
        >>> from monai_cars.gates import OutsideUnchanged
        >>> Gate([OutsideUnchanged()]).names
        ('outside_unchanged',)
    """

    checks: Sequence[Check]
    advisory: tuple[str, ...] = ()
    thresholds: str = FIRST_SETTINGS
    attempts: int | None = None

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"checks of a gate must have different names, got {', '.join(self.names)}")
        unknown = set(self.advisory) - set(self.names)
        if unknown:
            raise ValueError(f"advisory names {', '.join(sorted(unknown))}, the gate has {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the checks in their order."""
        return tuple(check.name for check in self.checks)

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> Verdict:
        """Judge an edit by every check."""
        results = []
        for check in self.checks:
            result = check(before, after, context)
            results.append(CheckResult(**{**result.__dict__, "required": check.name not in self.advisory}))
        return replace(joined(results), thresholds=self.thresholds)

    def warn_beyond(self, max_attempts: int) -> None:
        """Warn where a loop makes more attempts than the thresholds bound: each one more lets more through wrongly."""
        if self.attempts is not None and max_attempts > self.attempts:
            warnings.warn(
                f"max_attempts is {max_attempts}, but the thresholds of the gate ({self.thresholds}) bound what passes "
                f"wrongly over {self.attempts} attempts; ask for at most {self.attempts}, or calibrate the gate for "
                "more (calibrate_gate)",
                stacklevel=4,
            )

    def without(self, *names: str) -> Gate:
        """The gate without some of its checks, to see what the others contribute.

        Raises:
            ValueError: a name of no check.

        Example:
            >>> from monai_cars.gates import NoSeam, OutsideUnchanged
            >>> Gate([OutsideUnchanged(), NoSeam()]).without("no_seam").names
            ('outside_unchanged',)
        """
        unknown = set(names) - set(self.names)
        if unknown:
            raise ValueError(f"without names {', '.join(sorted(unknown))}, the gate has {', '.join(self.names)}")
        kept = [check for check in self.checks if check.name not in names]
        return replace(self, checks=kept, advisory=tuple(name for name in self.advisory if name not in names))

    def requiring(self, *names: str) -> Gate:
        """The gate with the decision hanging on checks that it only records.

        Raises:
            ValueError: a name of no check.

        Example:
            >>> from monai_cars.gates import NoSeam, OutsideUnchanged
            >>> Gate([OutsideUnchanged(), NoSeam()], advisory=("no_seam",)).requiring("no_seam").advisory
            ()
        """
        unknown = set(names) - set(self.names)
        if unknown:
            raise ValueError(f"requiring names {', '.join(sorted(unknown))}, the gate has {', '.join(self.names)}")
        return replace(self, advisory=tuple(name for name in self.advisory if name not in names))


def joined(results: Sequence[CheckResult]) -> Verdict:
    """The decision that follows from all results: every required check must have passed."""
    failed = [r for r in results if r.required and r.verdict != "pass"]
    reason = "; ".join(f"{r.name}: {r.reason or r.verdict}" for r in failed)
    return Verdict(not failed, reason, tuple(results))
