"""Training of the teacher: findings where they are known, and opacities where boxes show them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import torch
from torch.nn import functional

from monai_cars.chest_xray.teacher.preprocessing import INPUT_SIZE, stacked
from monai_cars.chest_xray.training.teacher_augmentation import random_views
from monai_cars.chest_xray.training.teacher_films import Crops
from monai_cars.chest_xray.training.train_anatomy import WeightAverage, descend
from monai_cars.features.losses import MaskedBCEWithLogitsLoss

OPACITY, OTHERS, MAP = 1.0, 0.4, 1.0  # weights in the loss: others help the encoder, and are judged by noisy labels


def map_loss(logits: torch.Tensor, boxes: torch.Tensor, mapped: torch.Tensor) -> torch.Tensor:
    """Cross-entropy plus soft Dice of opacity maps over the films whose opacities are boxed or absent.

    The Dice term counts boxed films alone: a clear film has no overlap to reach.

    Args:
        logits: (N, 1, h, w).
        boxes: (N, 1, h, w) in [0, 1].
        mapped: (N,) bool.
    """
    if not bool(mapped.any()):
        return logits.sum() * 0
    logits, boxes = logits[mapped], boxes[mapped]
    entropy = functional.binary_cross_entropy_with_logits(logits, boxes)
    boxed = boxes.amax((1, 2, 3)) > 0.5
    if not bool(boxed.any()):
        return entropy
    found, true = logits[boxed].sigmoid(), boxes[boxed]
    dice = 1 - (2 * (found * true).sum((1, 2, 3)) + 1) / (found.sum((1, 2, 3)) + true.sum((1, 2, 3)) + 1)
    return entropy + dice.mean() * boxed.float().mean()


def teacher_loss(
    findings: torch.Tensor, where: torch.Tensor, targets: torch.Tensor, boxes: torch.Tensor, mapped: torch.Tensor
) -> torch.Tensor:
    """Weighted sum of the opacity's, the other findings' and the map's loss; unknown targets count for nothing."""
    entropy = MaskedBCEWithLogitsLoss()
    first = entropy(findings[:, :1], targets[:, :1])
    others = entropy(findings[:, 1:], targets[:, 1:])
    return OPACITY * first + OTHERS * others + MAP * map_loss(where, boxes, mapped)


def views(crops: Crops, *, size: int, generator: torch.Generator, cells: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Network input (N, 4, size, size) of random views, and boxes within the lungs on the map's grid (cells, cells)."""
    image, mask, box = random_views(
        crops.images.float() / 255, crops.masks.float() / 255, crops.boxes.float() / 255, size=size, generator=generator
    )
    inside = box * mask[:, :2].amax(1, keepdim=True)  # a box's corners lie beside the lung
    return stacked(image, mask), functional.adaptive_avg_pool2d(inside, cells)


def train_teacher(
    network: torch.nn.Module,
    crops: Crops,
    *,
    steps: int,
    batch: int = 16,
    learning_rate: float = 2e-3,
    weight_decay: float = 5e-2,
    sizes: Sequence[tuple[float, int]] = ((0.6, 64), (1.0, INPUT_SIZE)),
    average: float = 0.99,
    seed: int = 0,
    deadline: float | None = None,
    log_every: int = 50,
) -> dict[str, torch.Tensor]:
    """Train in place and return the averaged weights.

    Args:
        network: a `TeacherNetwork`.
        crops: what to learn from.
        steps: number of batches.
        batch: crops a batch.
        learning_rate: peak of a cosine schedule with 5 % warm-up.
        weight_decay: of AdamW.
        sizes: `(share of the steps, side in pixels)`: small views first, they cost less.
        average: decay of the moving average of the weights.
        seed: of every draw.
        deadline: seconds in which the schedule ends even on a busy machine; None trains all steps.
        log_every: steps between progress lines; 0 prints none.

    Returns:
        The state dict of the averaged network.
    """
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay)
    mean, start, running = WeightAverage(network, average), time.monotonic(), 0.0
    order = torch.empty(0, dtype=torch.long)
    network.train()
    for step in range(steps):
        share = step / steps
        if deadline is not None:
            share = max(share, min((time.monotonic() - start) / deadline, 1.0))
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * min(step / (0.05 * steps) + 0.02, 0.5 * (1 + math.cos(math.pi * share)))
        if len(order) < batch:
            order = torch.cat([order, torch.randperm(len(crops.images), generator=generator)])
        pick, order = crops.of(order[:batch]), order[batch:]
        size = next(side for until, side in sizes if share <= until)
        seen, boxes = views(pick, size=size, generator=generator, cells=size // 4)
        findings, where = network(seen)
        loss = teacher_loss(findings, where, pick.targets, boxes, pick.mapped)
        descend(network, loss, optimiser)
        mean.update(network)
        running = loss.item() if step == 0 else 0.98 * running + 0.02 * loss.item()
        if log_every and step % log_every == 0:
            print(f"step {step}/{steps} loss {running:.4f} {time.monotonic() - start:.0f} s", flush=True)
        if share >= 1:
            break
    return mean.state
