"""Losses that take what counterfactual labels are made of: unknown (NaN) and soft values."""

from __future__ import annotations

from typing import Literal

import torch
from torch.nn import functional

from monai_cars.echo import echo


class MaskedBCEWithLogitsLoss(torch.nn.Module):
    """Binary cross entropy of logits in which unknown (NaN) targets count for nothing.

    With the plain loss one NaN target makes the loss and every gradient NaN. Here the mean is over the known targets,
    and a batch without any gives 0 with zero gradients.

    Args:
        pos_weight: weight of the positive term, broadcastable to the logits, usually (V,).
        reduction: "mean" over the known targets, "sum" over them, or "none" (0 where unknown).

    Raises:
        ValueError: another reduction, or logits and targets of different shapes.

    Example:
        >>> loss = MaskedBCEWithLogitsLoss()
        >>> loss(torch.zeros(1, 3), torch.tensor([[1.0, 0.0, float("nan")]]))
        tensor(0.6931)
    """

    pos_weight: torch.Tensor | None

    def __init__(
        self, *, pos_weight: torch.Tensor | None = None, reduction: Literal["mean", "sum", "none"] = "mean"
    ) -> None:
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction must be mean, sum or none (got {echo(reduction)}).")
        self.reduction = reduction
        weight = None if pos_weight is None else torch.as_tensor(pos_weight, dtype=torch.float32)
        self.register_buffer("pos_weight", weight)

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Loss of logits against targets in [0, 1] or NaN, both (B, V); () or, unreduced, (B, V)."""
        if input.shape != target.shape:
            raise ValueError(
                f"logits and targets must have one shape (got {tuple(input.shape)} and {tuple(target.shape)})."
            )
        known = ~target.isnan()
        # Both sides are replaced where unknown: a zero gradient must not come from 0 x infinity.
        loss = functional.binary_cross_entropy_with_logits(
            torch.where(known, input, torch.zeros_like(input)),
            torch.where(known, target, torch.zeros_like(target)).to(input.dtype),
            pos_weight=self.pos_weight,
            reduction="none",
        )
        loss = torch.where(known, loss, torch.zeros_like(loss))
        if self.reduction == "none":
            return loss
        total = loss.sum()
        return total if self.reduction == "sum" else total / known.sum().clamp(min=1)


class MaskedMSELoss(torch.nn.Module):
    """Mean squared error in which unknown (NaN) targets count for nothing; a batch without any known one gives 0.

    Raises:
        ValueError: predictions and targets of different shapes.

    Example:
        >>> MaskedMSELoss()(torch.tensor([1.0, 5.0]), torch.tensor([0.0, float("nan")]))
        tensor(1.)
    """

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Loss of predictions against targets of one shape; ()."""
        if input.shape != target.shape:
            raise ValueError(
                f"predictions and targets must have one shape (got {tuple(input.shape)} and {tuple(target.shape)})."
            )
        known = ~target.isnan()
        zero = torch.zeros_like(input)
        error = torch.where(known, input, zero) - torch.where(known, target.to(input.dtype), zero)
        return error.square().sum() / known.sum().clamp(min=1)
