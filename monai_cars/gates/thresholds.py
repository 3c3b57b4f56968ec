"""The thresholds that gates judge by: first settings in the checks themselves, calibrated ones in the bundle."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from monai_cars.gates.contract import FIRST_SETTINGS, Check
from monai_cars.weights.records import PLACES

GATE_FILE = Path("configs") / "gate.json"
VERSION = 1
Purpose = Literal["preservation", "change", "level"]


@dataclass(frozen=True)
class Bounded:
    """How a check's threshold is found.

    Args:
        purpose: ``"preservation"`` bounds false rejection on real pairs, ``"change"`` false acceptance on controls,
            ``"level"`` is a percentile of real positives.
        at_most: whether values must stay below the threshold, or above it.
        of_before: whether a level is of the film before the edit; a deletion is then to start from it, not to leave it.
    """

    purpose: Purpose
    at_most: bool
    of_before: bool = False

    def outward(self, operation: str = "insert") -> float:
        """Sign that turns a value so that larger is beyond: rejected by preservation, accepted by the other two.

        A level of the film after the edit is to be reached by an insertion and to be left by a deletion.

        Example:
            >>> Bounded("level", at_most=False).outward("insert"), Bounded("level", at_most=False).outward("delete")
            (1.0, -1.0)
        """
        sign = 1.0 if self.at_most == (self.purpose == "preservation") else -1.0
        left = self.purpose == "level" and operation == "delete" and not self.of_before
        return -sign if left else sign


# Checks that are not here have thresholds by definition (nothing may change outside the support; a finding lies in its
# lung; what was measured is what was asked within a tolerance; a conformal p-value) and are never calibrated.
BOUNDED: dict[str, Bounded] = {
    "no_seam": Bounded("preservation", at_most=True),
    "anatomy_preserved": Bounded("preservation", at_most=False),
    "off_target_stable": Bounded("preservation", at_most=True),
    "nothing_hallucinated": Bounded("preservation", at_most=True),
    "identity_stable": Bounded("preservation", at_most=True),
    "masks_kept": Bounded("preservation", at_most=False),
    "target_moved": Bounded("change", at_most=False),
    "condition_met": Bounded("change", at_most=False),
    "segmenter_agrees": Bounded("change", at_most=False),
    "target_level": Bounded("level", at_most=False),
    "level_inside": Bounded("level", at_most=False),
    "present_before": Bounded("level", at_most=False, of_before=True),
}


@dataclass(frozen=True)
class GateThresholds:
    """Thresholds of checks, and what they were calibrated on.

    Args:
        everywhere: check -> threshold, for every edit.
        by_edit: "insert nodule" -> check -> threshold, which goes before `everywhere`.
        alpha: bound of false rejection and of false acceptance; None when not calibrated.
        level: percentile of real positives, as a share, that level checks were set at.
        max_attempts: attempts over which false acceptance was bounded.
        data_sha256: of the values that it was calibrated on; empty when not calibrated.
        counts: set of films -> patients in it.
        tested: set of films -> [films that pass, films] among patients that the calibration never saw.
        version: of the file's form.

    Example:
        >>> found = GateThresholds({"no_seam": 1.2}, {"insert nodule": {"no_seam": 0.9}})
        >>> found.of("insert", "nodule"), found.of("insert", "mass")
        ({'no_seam': 0.9}, {'no_seam': 1.2})
    """

    everywhere: Mapping[str, float] = field(default_factory=dict)
    by_edit: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    alpha: float | None = None
    level: float | None = None
    max_attempts: int | None = None
    data_sha256: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    tested: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    version: int = VERSION

    @property
    def name(self) -> str:
        """For the record: whether the thresholds were calibrated, and on what.

        Example:
            >>> GateThresholds().name
            'first settings'
        """
        if not self.data_sha256:
            return FIRST_SETTINGS
        attempts = f" over {self.max_attempts} attempts" if self.max_attempts else ""
        return f"calibrated sha256:{self.data_sha256[:12]}, alpha {self.alpha:g}{attempts}"

    def of(self, operation: str, finding: str) -> dict[str, float]:
        """Check -> threshold of one kind of edit."""
        return {**self.everywhere, **self.by_edit.get(f"{operation} {finding}", {})}

    def applied(self, checks: Iterable[Check], operation: str, finding: str) -> list[Check]:
        """The checks with the thresholds that are known for them; the others as they are.

        Raises:
            ValueError: a threshold of a check that is not calibrated.
        """
        known = self.of(operation, finding)
        return [with_threshold(check, known[check.name]) if check.name in known else check for check in checks]

    def save(self, path: str | Path) -> None:
        """Write it as JSON, the same bytes for the same thresholds."""
        Path(path).write_text(json.dumps(asdict(self), indent=4, sort_keys=True, allow_nan=False) + "\n", "utf-8")

    @classmethod
    def load(cls, path: str | Path) -> GateThresholds:
        """Read what `save` wrote.

        Raises:
            ValueError: another version, or entries that are missing or unknown.
        """
        found = json.loads(Path(path).read_text("utf-8"))
        version = found.get("version") if isinstance(found, dict) else None
        if version != VERSION:
            raise ValueError(f"{path} must hold gate thresholds of version {VERSION}, got {version!r}; calibrate again")
        names = {entry.name for entry in fields(cls)}
        if set(found) != names:
            wrong = ", ".join(sorted(set(found) ^ names))
            raise ValueError(f"{path} must have the entries {', '.join(sorted(names))}; missing or unknown: {wrong}")
        return cls(**{**found, "tested": {kind: (int(k), int(n)) for kind, (k, n) in found["tested"].items()}})


def bounded(name: str) -> Bounded:
    """How the threshold of a check is found.

    Raises:
        ValueError: the check is not calibrated.

    Example:
        >>> bounded("anatomy_preserved").purpose
        'preservation'
    """
    if name not in BOUNDED:
        raise ValueError(f"thresholds are calibrated for {', '.join(sorted(BOUNDED))}, not for {name!r}; leave it out")
    return BOUNDED[name]


def with_threshold(check: Check, threshold: float) -> Check:
    """A copy of a check that judges by another threshold.

    Raises:
        ValueError: the check is not calibrated, or the threshold is no number.

    Example:
        >>> from monai_cars.gates.checks.no_seam import NoSeam
        >>> with_threshold(NoSeam(), 0.93).threshold
        0.93
    """
    bounded(check.name)
    if not math.isfinite(threshold):
        raise ValueError(f"the threshold of {check.name} must be a finite number, got {threshold}; calibrate again")
    return replace(check, threshold=float(threshold))  # type: ignore[type-var] # checks are dataclasses


@lru_cache(maxsize=8)
def shipped_thresholds(bundle: str) -> GateThresholds:
    """The thresholds of a bundle (`configs/gate.json`); first settings where it has none.

    Example:
        >>> shipped_thresholds("no_such_bundle").name
        'first settings'
    """
    files = (place / bundle / GATE_FILE for place in PLACES)
    found = next((file for file in files if file.is_file()), None)
    return GateThresholds() if found is None else GateThresholds.load(found)


def digest(parts: Mapping[str, Any]) -> str:
    """SHA-256 of named arrays: of their names, shapes and bytes, in the order of the names.

    Example:
        >>> import numpy as np
        >>> digest({"a": np.zeros(2)}) == digest({"a": np.zeros(2)}) != digest({"a": np.ones(2)})
        True
    """
    found = hashlib.sha256()
    for name in sorted(parts):
        found.update(f"{name}|{parts[name].dtype.str}|{parts[name].shape}|".encode() + parts[name].tobytes())
    return found.hexdigest()
