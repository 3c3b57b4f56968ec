"""The film after an edit must still be the same patient's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch.nn import functional

from monai_cars.gates.contract import CheckResult, Context, judged, unavailable
from monai_cars.teachers import Embedder

Describer = Callable[[torch.Tensor, torch.Tensor], Mapping[str, float]]
"""(film (1, H, W), anatomy (S, H, W)) -> numbers by name, such as {"age": 61.0, "sex": 0.93, "view": 0.88}."""

# First settings, not calibrated: five years are about what age models err by on adults' films; a probability that
# moves by a fifth has not changed sides unless it was undecided; a correlation of 0.9 is still the same chest.
LIMITS = {"age": 5.0, "sex": 0.20, "view": 0.20}
COSINE = 0.10
Where = Literal["film", "outside"]


@dataclass(frozen=True)
class IdentityStable:
    """Largest change of what a film says of its patient, each as a share of its limit.

    ``value = max(|described after - before| / limit, (1 - cosine(embedding after, before)) / cosine limit)``

    Where it is measured matters. The compositor copies every pixel outside the support, so nothing that is read there
    can change: ``where="outside"``, which puts the pixels of the film before back into the support, is zero by
    construction for such an edit. It is meant for films that something else rewrote whole (a generator of images, a
    chain of other transforms). ``where="film"`` shows the models the whole film; a large finding may then move them
    rightly (few ambulatory films have large effusions, so a view model leans on them): take limits from real edits.

    Args:
        embedder: describes the whole film; None leaves the embedding out.
        describers: models of age, sex, view; a classifier of :class:`monai_cars.teachers.Teacher` is one.
        limits: largest change by name; names that have none are not judged.
        cosine: largest cosine distance.
        where: "film" or "outside".
        threshold: largest share of a limit.

    Raises:
        ValueError: neither an embedder nor a describer, a limit that is not positive, or an unknown `where`.

    Example:
        >>> IdentityStable(describers=(lambda film, anatomy: {"age": 50.0},)).limits["age"]
        5.0
    """

    embedder: Embedder | None = None
    describers: tuple[Describer, ...] = ()
    limits: Mapping[str, float] = field(default_factory=lambda: dict(LIMITS))
    cosine: float = COSINE
    where: Where = "film"
    threshold: float = 1.0
    name: str = "identity_stable"

    def __post_init__(self) -> None:
        if self.embedder is None and not self.describers:
            raise ValueError("IdentityStable needs an embedder or describers, got neither; try FixedDescriptor()")
        if self.where not in ("film", "outside"):
            raise ValueError(f"where must be 'film' or 'outside' (got {self.where!r})")
        wrong = {name: limit for name, limit in {**self.limits, "cosine": self.cosine}.items() if not limit > 0}
        if wrong:
            raise ValueError(f"limits must be positive (got {wrong}); leave a name out that is not to be judged")

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        seen = after if self.where == "film" else outside_of(before, after, context)
        shares = self._described(before, seen, context)
        if self.embedder is not None:
            was, now = (self.embedder(film, context.anatomy).flatten().float() for film in (before, seen))
            shares["image"] = cosine_distance(was, now) / self.cosine
        if not shares:
            return unavailable(self.name, f"no model described {', '.join(self.limits)}", self.threshold)
        worst = max(shares, key=lambda name: _badness(shares[name]))
        reason = f"{worst} changed by {shares[worst]:.2f} of its limit"
        return judged(self.name, shares[worst], self.threshold, at_most=True, reason=reason)

    def _described(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> dict[str, float]:
        shares: dict[str, float] = {}
        for describe in self.describers:
            was, now = describe(before, context.anatomy), describe(after, context.anatomy)
            for name in (name for name in self.limits if name in was and name in now):
                share = abs(float(now[name]) - float(was[name])) / self.limits[name]
                shares[name] = max(shares.get(name, 0.0), share, key=_badness)
        return shares


def _badness(share: float) -> tuple[bool, float]:
    return math.isnan(share), share  # not-a-number is worst


def outside_of(before: torch.Tensor, after: torch.Tensor, context: Context) -> torch.Tensor:
    """(1, H, W) the film after an edit with the support as it was before."""
    kept = after.clone()
    rows, columns = context.box.slices
    inside = context.support.to(after.device)
    kept[0, rows, columns] = torch.where(inside, before[0, rows, columns], after[0, rows, columns])
    return kept


def cosine_distance(one: torch.Tensor, other: torch.Tensor) -> float:
    """1 - cosine of the angle between two vectors, in [0, 2].

    Example:
        >>> cosine_distance(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 3.0]))
        1.0
    """
    return float(1.0 - functional.cosine_similarity(one, other, dim=0).clamp(-1.0, 1.0))
