"""The edited region must look like real regions do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch

from monai_cars.edits.edit import Box
from monai_cars.gates.contract import CheckResult, Context, judged, unavailable
from monai_cars.teachers import Embedder
from monai_cars.teachers.bank import Bank, BankError, embed_region
from monai_cars.teachers.contract import ScaledEmbedder

NORMAL = ""  # label of regions without a finding


@dataclass(frozen=True)
class Realistic:
    """Conformal p-value of the edited region among real regions of a bank.

    A region's score is the mean distance to its k nearest regions of other patients. The edited region joins the bank,
    every region is scored in it, and ::

        p = (1 + #{real regions with a score not below the edited one's}) / (N + 1)

    For a real region of a new patient, exchangeable with the bank's (one row a patient), p is uniform: a threshold of
    0.05 then rejects at most 5 % of real regions (full conformal prediction; Vovk et al. 2005). Regions of the film's
    own patient are left out when the context knows the film's SHA-256.

    Insertions are compared with regions of their finding, deletions and shams with those labelled "" (none); a bank
    without labels is taken whole.

    Args:
        embedder: describes regions; the one that made the bank.
        bank: of real regions.
        threshold: least p-value.
        neighbours: k.
        labels: finding -> its label in the bank, where they differ (such as {"consolidation": "opacities"}).

    Raises:
        BankError: the bank was made by another embedder, or holds films.

    Example:
        >>> from monai_cars.teachers.dual_encoder import CallableDualEncoder
        >>> encoder = CallableDualEncoder("mine", lambda film: film.mean().expand(4), lambda texts: torch.ones(1, 4))
        >>> bank = Bank("mine", torch.rand(40, 4), tuple(map(str, range(40))))
        >>> Realistic(encoder, bank).name
        'realistic'
    """

    embedder: Embedder
    bank: Bank
    threshold: float = 0.05
    neighbours: int = 5
    labels: Mapping[str, str] = field(default_factory=dict)
    name: str = "realistic"

    def __post_init__(self) -> None:
        require(self.bank, self.embedder, "region")

    def __call__(self, before: torch.Tensor, after: torch.Tensor, context: Context) -> CheckResult:
        """See :class:`monai_cars.gates.Check`."""
        box = edited_box(context)
        if box is None:
            return unavailable(self.name, "the edit has neither a lesion nor a support", self.threshold)
        kept = self._comparable(context)
        groups = len({group for group, keep in zip(self.bank.groups, kept.tolist(), strict=True) if keep})
        if groups <= self.neighbours or int(kept.sum()) + 1 <= 1 / self.threshold:
            reason = f"{int(kept.sum())} real regions of {groups} patients are too few to judge {context.edit.finding}"
            return replace(unavailable(self.name, reason, self.threshold), code="bank_too_small")
        bank = self.bank.rows(kept)
        vector = embed_edited(self.embedder, after, context, box)
        value, ratio = p_value(bank, vector, self.neighbours)
        reason = f"{ratio:.1f} times as far from real regions as they are from each other"
        return judged(self.name, value, self.threshold, at_most=False, reason=reason)

    def _comparable(self, context: Context) -> torch.Tensor:
        """(N,) bool rows that the edit is compared with."""
        kept = ~self.bank.of_source(context.source)
        if not any(self.bank.labels):
            return kept
        finding = context.edit.finding
        wanted = self.labels.get(finding, finding) if context.edit.operation == "insert" else NORMAL
        return kept & torch.tensor([label == wanted for label in self.bank.labels])


def p_value(bank: Bank, vector: torch.Tensor, neighbours: int) -> tuple[float, float]:
    """Conformal p-value of a vector (D,) in a bank, and its score over the median score of the rows.

    Example:
        >>> line = Bank("", torch.arange(9.0)[:, None], tuple("abcdefghi"))
        >>> p_value(line, torch.tensor([30.0]), 1)[0]
        0.1
    """
    to_rows = bank.distances(vector)
    near = bank.between.topk(neighbours, dim=1, largest=False).values
    # With the new vector among them, a row's farthest neighbour gives way where the vector is nearer.
    scores = (near.sum(1) - (near[:, -1] - to_rows).clamp_min(0)) / neighbours
    own = to_rows.topk(neighbours, largest=False).values.mean()
    at_least = int((scores >= own).sum())
    return (1 + at_least) / (len(bank) + 1), float(own / scores.median().clamp_min(1e-9))


def edited_box(context: Context) -> Box | None:
    """Bounding box of the lesion on the film, of the support where there is none; None without either."""
    for mask in (context.lesion, context.support):
        rows, columns = (torch.nonzero(mask.any(axis)).flatten().tolist() for axis in (1, 0))
        if rows:
            y, x = context.box.y0, context.box.x0
            return Box(y + rows[0], x + columns[0], y + rows[-1] + 1, x + columns[-1] + 1)
    return None


def embed_edited(embedder: Embedder, film: torch.Tensor, context: Context, box: Box) -> torch.Tensor:
    """(D,) of a box of the film with its margin, by the embedder's own scale, or by the film's where it has none."""
    scale = None if isinstance(embedder, ScaledEmbedder) else lambda anatomy: context.millimetre
    return embed_region(embedder, film, context.anatomy, box, scale=scale)


def require(bank: Bank, embedder: Embedder, *kinds: str) -> None:
    """Refuse a bank that an embedder did not make.

    Raises:
        BankError: another embedder's, or of another kind.
    """
    if bank.embedder != embedder.name:
        raise BankError(
            f"the bank was made by {bank.embedder!r}, the embedder is {embedder.name!r}; make a bank with this embedder"
        )
    if bank.kind not in kinds:
        raise BankError(f"the bank must hold {' or '.join(kinds)}s (got {bank.kind}s)")
