"""What checks found on many films and in every attempt at each: what thresholds are calibrated on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from monai_cars.gates.contract import CheckResult, Context, Gate, Verdict


@dataclass(frozen=True)
class Trials:
    """What checks found on films of one kind: all attempts of a loop, or the one pair that there is.

    Args:
        names: (J,) of the checks.
        values: (n, A, J), NaN where a check or an attempt could not be made.
        patients: (n,) identifiers; films of one patient always fall into the same part.

    Raises:
        ValueError: shapes that do not fit together.

    Example:
        >>> Trials(("no_seam",), np.zeros((4, 1, 1)), np.array(["a", "b", "c", "d"])).of("no_seam").shape
        (4, 1, 1)
    """

    names: tuple[str, ...]
    values: np.ndarray
    patients: np.ndarray

    def __post_init__(self) -> None:
        films, checks = len(self.patients), len(self.names)
        if self.values.ndim != 3 or (self.values.shape[0], self.values.shape[2]) != (films, checks):
            raise ValueError(
                f"values of {checks} checks on {films} films must have shape ({films}, attempts, {checks}), got "
                f"{self.values.shape}"
            )

    def of(self, *names: str) -> np.ndarray:
        """(n, A, k) values of some checks."""
        return self.values[..., [self.names.index(name) for name in names]]


def trials(films: Sequence[Sequence[Iterable[CheckResult]]], patients: Sequence[str]) -> Trials:
    """Trials from the results of every attempt on every film.

    Args:
        films: film -> attempt -> results; films may have different numbers of attempts, and none.
        patients: of the films.

    Example:
        >>> from monai_cars.gates import judged
        >>> found = trials([[[judged("no_seam", 0.2, 1.0, at_most=True)]], []], ["a", "b"])
        >>> found.names, found.values[:, 0, 0].tolist()
        (('no_seam',), [0.2, nan])
    """
    tables = [[{result.name: result.value for result in attempt} for attempt in film] for film in films]
    names = tuple(dict.fromkeys(name for film in tables for attempt in film for name in attempt))
    values = np.full((len(films), max(map(len, tables), default=0), len(names)), np.nan)
    for row, film in enumerate(tables):
        for column, attempt in enumerate(film):
            known = {name: value for name, value in attempt.items() if value is not None}
            for name, value in known.items():
                values[row, column, names.index(name)] = value
    return Trials(names, values, np.array(patients, dtype=str))


@dataclass(frozen=True)
class Witness(Gate):
    """A gate that keeps what its checks found, and accepts nothing, so that a loop makes all its attempts.

    Args:
        checks: as of `monai_cars.gates.Gate`.
        advisory: as there.
        verdicts: one an attempt, as the gate itself would have decided.

    Example:
        >>> Witness([]).verdicts
        []
    """

    verdicts: list[Verdict] = field(default_factory=list, compare=False)

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> Verdict:
        """Judge an edit, keep the verdict, ask for another attempt."""
        verdict = super().__call__(before, after, context)
        self.verdicts.append(verdict)
        return replace(verdict, accepted=False)
