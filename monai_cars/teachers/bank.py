"""What an embedding says of real films or regions, kept for comparison: vectors with their patients, no images."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from monai_cars.edits.edit import Box
from monai_cars.teachers.contract import Embedder, ScaledEmbedder

KINDS = ("film", "region")
METRICS = ("standardised", "cosine")
MARGIN_MM = 10.0  # of what lies around a lesion; a seam or a pasted border lies there
FORMAT = "monai-cars bank 1"

Scale = Callable[[torch.Tensor], float]
"""Anatomy (S, H, W) -> pixels per millimetre of its film."""


class BankError(ValueError):
    """A bank that does not fit together, cannot be read, or does not suit a check."""


@dataclass(frozen=True, eq=False)
class Bank:
    """Vectors of real films or regions.

    Args:
        embedder: name of what made them.
        vectors: (N, D) float32.
        groups: the patient of each row; rows of one patient are never compared with each other.
        sources: SHA-256 of each row's film, empty where unknown.
        labels: what each row shows, a finding or ""; empty for all rows alike.
        kind: "film" or "region".
        metric: "standardised" (Euclidean, each dimension over its spread in the bank) or "cosine".
        data: what the films are, as "set" or "set:part".

    Raises:
        BankError: lengths that differ, vectors that are no finite (N, D), an unknown kind or metric.

    Example:
        >>> bank = Bank("mine", torch.tensor([[0.0, 2.0], [2.0, 0.0]]), ("a", "b"), metric="cosine")
        >>> bank.distances(torch.tensor([0.0, 5.0]))
        tensor([0., 1.])
    """

    embedder: str
    vectors: torch.Tensor
    groups: tuple[str, ...]
    sources: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    kind: str = "region"
    metric: str = "standardised"
    data: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        rows = len(self.vectors)
        if self.vectors.ndim != 2 or not rows or not bool(torch.isfinite(self.vectors).all()):
            raise BankError(f"vectors of a bank must be finite (N, D), N > 0 (got shape {tuple(self.vectors.shape)})")
        object.__setattr__(self, "data", frozenset(self.data))
        for name in ("groups", "sources", "labels"):
            values = tuple(str(value) for value in getattr(self, name)) or ("",) * rows
            object.__setattr__(self, name, values)
            if len(values) != rows or (name == "groups" and "" in values):
                raise BankError(f"{name} must name each of the bank's {rows} rows (got {len(getattr(self, name))})")
        for name, value, known in (("kind", self.kind, KINDS), ("metric", self.metric, METRICS)):
            if value not in known:
                raise BankError(f"{name} of a bank must be one of {', '.join(known)} (got {value!r})")

    def __len__(self) -> int:
        return len(self.vectors)

    def __getstate__(self) -> dict[str, Any]:
        """Without what is worked out from it, which workers work out again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def spread(self) -> torch.Tensor:
        """(D,) standard deviation of each dimension; 1 where it does not vary."""
        spread = self.vectors.std(0, correction=0)
        return torch.where(spread > 1e-6, spread, torch.ones_like(spread))

    def scaled(self, vectors: torch.Tensor) -> torch.Tensor:
        """Vectors (..., D) as they are compared."""
        if vectors.shape[-1] != self.vectors.shape[1]:
            raise BankError(
                f"a vector must have the bank's {self.vectors.shape[1]} numbers (got {vectors.shape[-1]}); "
                f"the bank holds {self.kind}s described by {self.embedder!r}"
            )
        if self.metric == "cosine":
            return torch.nn.functional.normalize(vectors.float(), dim=-1)
        return vectors.float() / self.spread

    def distances(self, vector: torch.Tensor) -> torch.Tensor:
        """(N,) from a vector (D,) to each row: Euclidean over spreads, or 1 - cosine."""
        return self._apart(self.scaled(vector)[None])[0]

    def _apart(self, scaled: torch.Tensor) -> torch.Tensor:
        rows = self.scaled(self.vectors)
        if self.metric == "cosine":
            return (1.0 - scaled @ rows.T).clamp_min(0.0)
        return torch.cdist(scaled, rows, compute_mode="donot_use_mm_for_euclid_dist")

    @cached_property
    def between(self) -> torch.Tensor:
        """(N, N) distances between rows; infinite between rows of one patient."""
        names = sorted(set(self.groups))
        group = torch.tensor([names.index(name) for name in self.groups])
        return self._apart(self.scaled(self.vectors)).masked_fill(group[:, None] == group[None], torch.inf)

    @cached_property
    def nearest(self) -> torch.Tensor:
        """(N,) distance of each row to the nearest row of another patient."""
        return self.between.amin(1)

    def rows(self, kept: torch.Tensor) -> Bank:
        """The bank of some rows, (N,) bool.

        Raises:
            BankError: none is kept.
        """
        where = torch.nonzero(kept).flatten().tolist()
        parts: dict[str, Any] = {
            name: tuple(getattr(self, name)[i] for i in where) for name in ("groups", "sources", "labels")
        }
        return replace(self, vectors=self.vectors[where], **parts)

    def of_groups(self, rows: torch.Tensor) -> torch.Tensor:
        """(N,) bool all rows of the patients of some rows, (N,) bool."""
        chosen = {self.groups[i] for i in torch.nonzero(rows).flatten().tolist()}
        return torch.tensor([group in chosen for group in self.groups])

    def of_source(self, source: str) -> torch.Tensor:
        """(N,) bool all rows of the patient whose film has this SHA-256; none for an empty one."""
        return self.of_groups(torch.tensor([bool(source) and source == own for own in self.sources]))

    def save(self, path: str | Path) -> None:
        """Write one safetensors file; names and labels are its metadata, nothing is pickled."""
        told = {name: list(getattr(self, name)) for name in ("groups", "sources", "labels")}
        told |= {name: getattr(self, name) for name in ("embedder", "kind", "metric")}
        told["data"] = sorted(self.data)
        save_file({"vectors": self.vectors.contiguous()}, str(path), metadata={"bank": json.dumps(told), "is": FORMAT})


def load_bank(path: str | Path) -> Bank:
    """Read what `Bank.save` wrote.

    Raises:
        BankError: the file is missing or is no bank.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            told = json.loads((file.metadata() or {})["bank"])
            return Bank(**{**told, "vectors": file.get_tensor("vectors")})
    except (OSError, SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise BankError(f"{path} must be a file that Bank.save wrote ({error!r})") from error


def embed_region(
    embedder: Embedder,
    film: torch.Tensor,
    anatomy: torch.Tensor,
    box: Box,
    *,
    margin_mm: float = MARGIN_MM,
    scale: Scale | None = None,
) -> torch.Tensor:
    """(D,) of a box with a margin around it; banks and checks describe regions by this one function.

    Args:
        embedder: describes the box.
        film: (1, H, W).
        anatomy: (S, H, W).
        box: within the film.
        margin_mm: around the box; cut at the film's border.
        scale: anatomy -> pixels per millimetre; None asks the embedder, which must have a method `pixels_per_mm`.

    Raises:
        BankError: neither `scale` nor the embedder says how large a millimetre is.

    Example:
        >>> from monai_cars.teachers.dual_encoder import CallableDualEncoder
        >>> size = CallableDualEncoder("size", lambda film: torch.tensor(film.shape), lambda texts: torch.ones(1, 3))
        >>> film, anatomy = torch.rand(1, 60, 60), torch.ones(3, 60, 60)
        >>> embed_region(size, film, anatomy, Box(20, 20, 40, 40), scale=lambda anatomy: 0.5)
        tensor([ 1., 30., 30.])
    """
    grown = round(margin_mm * _scale(embedder, scale)(anatomy))
    height, width = film.shape[-2:]
    y0, x0, y1, x1 = (round(edge) for edge in box)
    wide = Box(max(y0 - grown, 0), max(x0 - grown, 0), min(y1 + grown, height), min(x1 + grown, width))
    return embedder(film, anatomy, wide).detach().cpu().float()


def _scale(embedder: Embedder, scale: Scale | None) -> Scale:
    if scale is not None:
        return scale
    if isinstance(embedder, ScaledEmbedder):
        return embedder.pixels_per_mm
    raise BankError(
        f"a margin in millimetres needs a scale, and the embedder {embedder.name!r} has no method pixels_per_mm; "
        "give scale=, a function of the anatomy"
    )


def not_in_bank(bank: Bank, source: str, before: torch.Tensor, within: float) -> torch.Tensor:
    """(N,) bool rows of other patients than the film's own.

    Its own patient's are those of the film's SHA-256, and those of any row that the film *before* its edit already was
    as close to as `within`: the same film under another name, a copy, or one of another scale.

    Args:
        bank: of films or regions.
        source: SHA-256 of the film, empty when unknown.
        before: (D,) vector of the film, or of the same region of it, before the edit.
        within: distance.
    """
    return ~(bank.of_source(source) | bank.of_groups(bank.distances(before) <= within))
