"""Training of the anatomy network: whole lung fields and cardiac silhouette from partly labelled films."""

import math
import time
from collections.abc import Sequence

import torch
from torch.nn import functional

from monai_cars.chest_xray.anatomy.network import normalise
from monai_cars.chest_xray.training.anatomy_films import LabelledFilm, load_films
from monai_cars.chest_xray.training.augmentation import augment


def masked_loss(logits: torch.Tensor, target: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Cross-entropy plus soft Dice loss over the structures that are labelled.

    Args:
        logits: `(N, S, H, W)`.
        target: `(N, S, H, W)` in [0, 1].
        known: `(N, S)`, 1 where the structure is labelled on that film.

    Returns:
        A scalar; zero when nothing is known.
    """
    known = known.float()
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none").mean((2, 3))
    prob = logits.sigmoid()
    overlap = 2 * (prob * target).sum((2, 3)) + 1
    dice = 1 - overlap / (prob.sum((2, 3)) + target.sum((2, 3)) + 1)
    return ((entropy + dice) * known).sum() / known.sum().clamp(min=1)


class WeightAverage:
    """Exponential moving average of a network's weights, warmed up so that the first steps are forgotten."""

    def __init__(self, network: torch.nn.Module, decay: float):
        self.decay, self.steps = decay, 0
        self.state = {key: value.detach().clone() for key, value in network.state_dict().items()}

    def update(self, network: torch.nn.Module) -> None:
        """Move the average towards the network's present weights."""
        self.steps += 1
        weight = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        for key, value in network.state_dict().items():
            self.state[key].lerp_(value.detach(), weight) if value.is_floating_point() else self.state[key].copy_(value)


def descend(network: torch.nn.Module, loss: torch.Tensor, optimiser: torch.optim.Optimizer) -> None:
    """One step of the optimiser; the gradients are clipped to norm 1."""
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()


def epochs(count: int, batch: int, generator: torch.Generator, weights: torch.Tensor) -> torch.Tensor:
    """Indices of one batch, drawn by weight so that rare labels are seen often enough."""
    return torch.multinomial(weights, min(batch, count), generator=generator)


def train(
    network: torch.nn.Module,
    films: Sequence[LabelledFilm],
    *,
    steps: int,
    batch: int = 8,
    learning_rate: float = 2e-3,
    weight_decay: float = 1e-2,
    sizes: Sequence[tuple[float, int]] = ((0.6, 128), (0.85, 192), (1.0, 256)),
    average: float = 0.99,
    flip_prob: float = 0.3,
    weights: Sequence[float] | None = None,
    seed: int = 0,
    deadline: float | None = None,
    log_every: int = 50,
) -> dict[str, torch.Tensor]:
    """Train in place and return the averaged weights.

    Args:
        network: gives logits `(N, 3, H, W)` for `(N, 1, H, W)`.
        films: what to learn from; structures a film does not know are left out of the loss.
        steps: number of batches.
        batch: films a batch.
        learning_rate: peak of a cosine schedule with 3 % warm-up.
        weight_decay: of AdamW.
        sizes: `(share of the steps, side in pixels)`: small films first, which costs a third of the time.
        average: decay of the moving average of the weights.
        flip_prob: probability of mirroring a film (lungs are named by their place in the image).
        weights: how often each film is drawn, relative to the others; equal by default.
        seed: of every draw.
        deadline: seconds after which the schedule is cut short by jumping to its last fifth; None trains all steps.
        log_every: steps between progress lines.

    Returns:
        The state dict of the averaged network.
    """
    generator = torch.Generator().manual_seed(seed)
    images, masks, known = load_films(films)
    drawn = torch.ones(len(films)) if weights is None else torch.tensor(list(weights), dtype=torch.float32)
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay)
    mean, start, running = WeightAverage(network, average), time.monotonic(), 0.0
    network.train()
    for step in range(steps):
        share = step / steps
        if deadline is not None:  # progress is the larger of steps and time, so that a busy machine still anneals
            share = max(share, min((time.monotonic() - start) / deadline, 1.0))
        rate = learning_rate * min(step / (0.03 * steps) + 0.02, 0.5 * (1 + math.cos(math.pi * share)) + 1e-3)
        for group in optimiser.param_groups:
            group["lr"] = rate
        pick = epochs(len(films), batch, generator, drawn)
        size = next(side for until, side in sizes if share <= until)
        image, mask = augment(
            images[pick].float() / 255, masks[pick].float() / 255, size=size, generator=generator, flip_prob=flip_prob
        )
        loss = masked_loss(network(normalise(image)), mask, known[pick])
        descend(network, loss, optimiser)
        mean.update(network)
        running = loss.item() if step == 0 else 0.98 * running + 0.02 * loss.item()
        if log_every and step % log_every == 0:
            print(
                f"step {step}/{steps} share {share:.2f} loss {running:.4f} {time.monotonic() - start:.0f} s", flush=True
            )
        if share >= 1:
            break
    return mean.state
