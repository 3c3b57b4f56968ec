"""Thresholds from data, for the whole decision: all checks together, over all attempts that a film is given."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from monai_cars.gates.conformal import Joint, beyond, conformal_bound, joint_bounds, worst_of_patients
from monai_cars.gates.thresholds import BOUNDED, GateThresholds, Purpose, bounded, digest
from monai_cars.gates.trials import Trials

ALPHA = 0.05
MADE = 0.5  # share of controls on which a check of a change has to have been made
LEVEL = 0.20  # share of real positives that a level check may miss
PARTS = ("reference", "bound", "test")  # patients scale the checks, set the bound, or test it


@dataclass(frozen=True)
class _Films:
    """One kind of films, and what their checks are judged for."""

    name: str
    found: Trials
    purpose: Purpose
    edit: str = ""

    def outward(self, names: Iterable[str]) -> np.ndarray:
        """(J,) sign of each check, see `monai_cars.gates.thresholds.Bounded`."""
        return outward(names, self.edit)


def calibrate_gate(
    pairs: Mapping[str, Trials],
    controls: Mapping[str, Mapping[str, Trials]] | None = None,
    positives: Mapping[str, Trials] | None = None,
    healthy: Mapping[str, Trials] | None = None,
    *,
    alpha: float = ALPHA,
    level: float = LEVEL,
    seed: int = 0,
) -> GateThresholds:
    """Thresholds that bound the errors of a gate's whole decision.

    Preservation checks: of each kind of real pairs at most alpha is rejected by any of them. Change checks: of each
    kind of controls at most alpha passes any of them in any of its attempts, so the loop lets no more through. Level
    checks: at most `level` of the real positives lies below. Where kinds disagree, preservation takes the loosest
    threshold and change the strictest. A third of the patients scales the checks, a third sets the bounds, and
    the last third is only counted, in `tested`. Checks with thresholds by definition are left alone.

    Args:
        pairs: kind of real pair (repeat films, light changes of acquisition) -> trials of one attempt.
        controls: "insert nodule" -> kind of control (sham, blur) -> trials of all attempts, of the checks that the
            finding's gate requires (the organ's `decides`): one that is only recorded holds nothing back.
        positives: "insert nodule" -> trials on real films with the finding, after-only.
        healthy: "insert nodule" -> the same on films without; they set nothing, `tested` says how many pass.
        alpha: largest rate of error, in (0, 1).
        level: in (0, 1).
        seed: of the split of patients.

    Returns:
        The thresholds, with the hash of all values and counts of patients.

    Raises:
        ValueError: too few patients for alpha, films on which no calibrated check was made, or one that was made on so
            few that nothing bounds it.

    Example:
        >>> draws = np.random.default_rng(0).uniform(0.9, 1.0, (300, 1, 1))
        >>> dice = Trials(("anatomy_preserved",), draws, np.arange(300).astype(str))
        >>> calibrate_gate({"repeat films": dice}).everywhere["anatomy_preserved"] < 0.91
        True
    """
    kinds = [_Films(f"pair: {kind}", found, "preservation") for kind, found in pairs.items()]
    for edit, of_edit in (controls or {}).items():
        kinds += [_Films(f"{edit}: {kind}", found, "change", edit) for kind, found in of_edit.items()]
    kinds += [_Films(f"{edit}: real positives", found, "level", edit) for edit, found in (positives or {}).items()]
    limits: dict[str, dict[str, float]] = {"": {}}
    for films in kinds:
        try:
            found = _levels(films, level, seed) if films.purpose == "level" else _bounds(films, alpha, seed)
        except ValueError as error:
            raise ValueError(f"calibrate_gate, {films.name}: {error}") from error
        limits[films.edit] = _outermost(limits.get(films.edit, {}), found, films.edit)
    everywhere = limits.pop("")
    kinds += [_Films(f"{edit}: healthy films", found, "level", edit) for edit, found in (healthy or {}).items()]
    return GateThresholds(
        everywhere,
        limits,
        alpha,
        level,
        max_attempts=max((films.found.values.shape[1] for films in kinds if films.purpose == "change"), default=None),
        data_sha256=digest(_arrays(kinds)),
        counts={films.name: len(set(films.found.patients.tolist())) for films in kinds},
        tested={films.name: _tested(films, {**everywhere, **limits.get(films.edit, {})}, seed) for films in kinds},
    )


def part_of(patient: str, seed: int) -> str:
    """The part that a patient falls into, the same in every set of films.

    Example:
        >>> part_of("17", 0) == part_of("17", 0) in PARTS
        True
    """
    found = hashlib.sha256(f"{seed}|{patient}".encode()).digest()
    return PARTS[int.from_bytes(found[:8], "big") % len(PARTS)]


def outward(names: Iterable[str], edit: str) -> np.ndarray:
    """(J,) sign of each check for an edit such as "delete nodule": larger is rejected, or accepted.

    Example:
        >>> outward(["anatomy_preserved", "target_moved"], "insert nodule").tolist()
        [-1.0, 1.0]
    """
    return np.array([bounded(name).outward(edit.split(" ")[0]) for name in names])


def passing(found: Trials, thresholds: Mapping[str, float], purpose: Purpose, edit: str = "") -> np.ndarray:
    """(n,) bool: films that a purpose's checks let through in at least one attempt of an edit ("insert nodule").

    Real pairs must be let through in every attempt that was made, and in one at least.

    Example:
        >>> film = Trials(("anatomy_preserved",), np.array([[[0.95]], [[0.5]]]), np.array(["a", "b"]))
        >>> passing(film, {"anatomy_preserved": 0.9}, "preservation").tolist()
        [True, False]
    """
    names = _of_purpose(found, purpose, thresholds)
    if not names:
        return np.ones(len(found.patients), bool)
    signs = outward(names, edit)
    limits = signs * np.array([thresholds[name] for name in names])
    values = signs * found.of(*names)
    if purpose == "preservation":  # a required check that could not be made rejects, as in a gate
        tried = ~np.isnan(values).all(-1)
        return np.asarray(((values <= limits).all(-1) | ~tried).all(-1) & tried.any(-1))
    joint: Joint = "any" if purpose == "change" else "all"
    return beyond(values, np.nextafter(limits, -np.inf), joint)  # a value at its threshold passes


def _of_purpose(found: Trials, purpose: Purpose, known: Iterable[str]) -> list[str]:
    names = [name for name in found.names if name in BOUNDED and name in set(known)]
    return [name for name in names if bounded(name).purpose == purpose]


def _required(films: _Films) -> list[str]:
    names = _of_purpose(films.found, films.purpose, BOUNDED)
    if not names:
        known = ", ".join(name for name in BOUNDED if bounded(name).purpose == films.purpose)
        raise ValueError(
            f"no {films.purpose} check was made on these films (made: {', '.join(films.found.names) or 'none'}; known: "
            f"{known}); leave the films out, or judge them by the full profile"
        )
    return names


def _rows(found: Trials, part: str, seed: int) -> np.ndarray:
    return np.array([part_of(patient, seed) == part for patient in found.patients], bool)


def _made(values: np.ndarray) -> np.ndarray:
    """(n,) bool: films with at least one value, of (n, A, J)."""
    return np.asarray(~np.isnan(values).all((1, 2)))


def _bounds(films: _Films, alpha: float, seed: int) -> dict[str, float]:
    """Check -> threshold of one kind of films, in the checks' own units."""
    found, names = films.found, _required(films)
    signs = films.outward(names)
    values = signs * found.of(*names)
    # A film on which nothing could be tried tells nothing of what would pass.
    made = _made(values)
    reference = values[made & _rows(found, "reference", seed)].reshape(-1, len(names))
    rows = made & _rows(found, "bound", seed)
    merged, _ = worst_of_patients(values[rows], found.patients[rows])
    limits = joint_bounds(merged, reference, alpha=alpha, joint="any")
    known = (~np.isnan(values[rows])).any(1).sum(0)
    # A check that was hardly ever made lets nothing through here, and whatever it meets where it is made.
    scarce = films.purpose == "change" and known.min() < MADE * rows.sum()
    if scarce or not np.isfinite(limits).all():
        found_on = ", ".join(f"{name} on {count}" for name, count in zip(names, known, strict=True))
        raise ValueError(
            f"no bound of {', '.join(names)}: of {rows.sum()} films there was a value of {found_on}, so that too few "
            "have all of them; leave out the check that is missing, or judge films on which it can be made"
        )
    if films.purpose == "change":
        limits = np.nextafter(limits, np.inf)  # a control at the bound must not pass
    return dict(zip(names, (signs * limits).tolist(), strict=True))


def _levels(films: _Films, share: float, seed: int) -> dict[str, float]:
    """Threshold of each level check that all but `share` of the real positives of patients not tested reach."""
    found, limits = films.found, {}
    rows = ~_rows(found, "test", seed)
    for name in _required(films):
        (sign,) = films.outward([name])
        lacking, _ = worst_of_patients(-sign * found.of(name)[rows], found.patients[rows])
        worst = np.nan_to_num(lacking, nan=-np.inf).max((1, 2))
        limits[name] = -sign * conformal_bound(worst[np.isfinite(worst)], share)
    return limits


def _outermost(one: Mapping[str, float], other: Mapping[str, float], edit: str) -> dict[str, float]:
    """Of two thresholds the loosest of a preservation check, the strictest of the others."""
    shared = [name for name in one if name in other]
    signs = outward(shared, edit)
    both = {
        name: float(sign * max(sign * one[name], sign * other[name])) for name, sign in zip(shared, signs, strict=True)
    }
    return {**one, **other, **both}


def _tested(films: _Films, thresholds: Mapping[str, float], seed: int) -> tuple[int, int]:
    """How many films of patients that were kept apart pass, of how many on which any of the checks was made."""
    names = _of_purpose(films.found, films.purpose, thresholds)
    rows = _rows(films.found, "test", seed) & _made(films.found.of(*names))
    part = Trials(films.found.names, films.found.values[rows], films.found.patients[rows])
    through = passing(part, thresholds, films.purpose, films.edit)
    return int(through.sum()), len(through)


def _arrays(kinds: Iterable[_Films]) -> dict[str, np.ndarray]:
    values = {f"{films.name}: {','.join(films.found.names)}": films.found.values for films in kinds}
    return values | {f"{films.name}: patients": films.found.patients for films in kinds}
