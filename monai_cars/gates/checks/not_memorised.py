"""An edit must not reproduce an image that a model was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from monai_cars.gates.checks.realistic import edited_box, embed_edited, require
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable
from monai_cars.teachers import Embedder
from monai_cars.teachers.bank import Bank, not_in_bank

CLOSEST = 0.01  # quantile of real-to-real nearest distances
FEWEST = 20  # rows; below it the lowest percentile is the least distance of a handful


@dataclass(frozen=True)
class NotMemorised:
    """Distance to the nearest training image of another patient, over what real images keep from each other.

    ``value = min distance(after, row) / q``, q the 1st percentile of each row's distance to the nearest row of another
    patient; below 1 the edit is closer to a training image than 99 % of real images are (memorisation: Carlini et al.,
    USENIX Security 2023). With a bank of regions the edited region is judged, with one of films the whole film: a
    composed film is its source outside the support, so regions say more of an inserted lesion.

    The film's own source is no memorisation. Left out are all rows of the patient whose film has the context's SHA-256,
    and of every patient with a row that the film *before* its edit was already within q of: the same film under another
    name, a copy, or a rescaled one. What was close before did not become so by the edit.

    Args:
        embedder: the one that made the bank.
        bank: of the training images, films or regions.
        threshold: least ratio.

    Raises:
        BankError: the bank was made by another embedder.

    Example:
        >>> from monai_cars.teachers.dual_encoder import CallableDualEncoder
        >>> encoder = CallableDualEncoder("mine", lambda film: film.mean().expand(4), lambda texts: torch.ones(1, 4))
        >>> bank = Bank("mine", torch.rand(40, 4), tuple(map(str, range(40))))
        >>> NotMemorised(encoder, bank).name
        'not_memorised'
    """

    embedder: Embedder
    bank: Bank
    threshold: float = 1.0
    name: str = "not_memorised"

    def __post_init__(self) -> None:
        require(self.bank, self.embedder, "film", "region")

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        was, now = (self._vector(film, context) for film in (before, after))
        if was is None or now is None:
            return unavailable(self.name, "the edit has neither a lesion nor a support", self.threshold)
        closest = usual_distance(self.bank)
        if not closest > 0:
            return unavailable(self.name, "the bank is too small, or holds copies as other patients", self.threshold)
        others = not_in_bank(self.bank, context.source, was, closest)
        if not bool(others.any()):
            return unavailable(self.name, "the bank holds no film of another patient", self.threshold)
        value = float(self.bank.distances(now)[others].min()) / closest
        return judged(self.name, value, self.threshold, at_most=False, reason="nearly a copy of a training image")

    def _vector(self, film: torch.Tensor, context: Context) -> torch.Tensor | None:
        if self.bank.kind == "film":
            return self.embedder(film, context.anatomy).detach().cpu().float()
        box = edited_box(context)
        return None if box is None else embed_edited(self.embedder, film, context, box)


def usual_distance(bank: Bank) -> float:
    """The 1st percentile of real-to-real nearest distances between patients; 0 for a bank too small to have one.

    Example:
        >>> usual_distance(Bank("", torch.arange(30.0)[:, None], tuple(map(str, range(30)))))  # over a spread of 8.66
        0.115...
    """
    nearest = bank.nearest
    finite = nearest[torch.isfinite(nearest)]
    return float(torch.quantile(finite, CLOSEST)) if len(finite) >= FEWEST else 0.0
