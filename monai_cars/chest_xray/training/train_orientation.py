"""Self-supervised training of the orientation network: every film is upright, so every turned copy is labelled."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from monai_cars.chest_xray.anatomy.network import normalise
from monai_cars.chest_xray.anatomy.orientation_network import INPUT_SIZE, NOT_FRONTAL
from monai_cars.chest_xray.training.anatomy_films import HANNOVER_FOLDER, LUNG_FOLDER, NIH_FOLDERS, patients, read_grey
from monai_cars.chest_xray.training.augmentation import augment
from monai_cars.chest_xray.training.negatives import limbs, real_negatives, shapes, zooms
from monai_cars.edits.axes import orient


def frontal_films(dataset_dir: str | Path) -> tuple[list[Path], list[str]]:
    """Every frontal film that weights may be trained on, and the patient of each."""
    who = patients(dataset_dir)
    files = [
        file
        for folder in (*NIH_FOLDERS, HANNOVER_FOLDER, LUNG_FOLDER)
        for file in sorted(Path(dataset_dir, folder, "images").iterdir())
    ]
    return files, [who[file.name] for file in files]


def load_small(files: Sequence[Path], size: int) -> torch.Tensor:
    """Films `(N, 1, size, size)` in [0, 1], stretched to a square."""
    small = [Image.fromarray(read_grey(file)).resize((size, size), Image.Resampling.BOX) for file in files]
    return torch.from_numpy(np.stack([np.array(image) for image in small]))[:, None].float() / 255


def negatives(pool: torch.Tensor, films: torch.Tensor, n: int, generator: torch.Generator) -> torch.Tensor:
    """`n` of each kind of picture that is no frontal chest film."""
    size = films.shape[-1]
    pick = torch.randint(len(pool), (n,), generator=generator)
    parts = torch.randint(len(films), (n,), generator=generator)
    kinds = [pool[pick], limbs(n, size, generator), shapes(n, size, generator), zooms(films[parts], generator)]
    more = torch.randint(len(pool), (n,), generator=generator)
    return torch.cat([*kinds, zooms(pool[more], generator, low=0.35, high=0.95)])


def coarse(image: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Now and then all pictures as if they had been taken with few pixels."""
    if torch.rand((), generator=generator) > 0.25:
        return image
    side = int(torch.randint(32, 80, (), generator=generator))
    small = functional.interpolate(image, size=(side, side), mode="bilinear", antialias=True)
    return functional.interpolate(small, size=image.shape[2:], mode="bilinear")


def train_orientation(
    network: nn.Module,
    films: torch.Tensor,
    pool: torch.Tensor,
    *,
    steps: int,
    batch: int = 32,
    learning_rate: float = 2e-3,
    seed: int = 0,
    log_every: int = 100,
) -> None:
    """Train in place.

    Args:
        network: gives `(N, 17)` logits for normalised `(N, 1, 96, 96)`.
        films: upright frontal films `(N, 1, S, S)` in [0, 1].
        pool: other pictures `(M, 1, S, S)` in [0, 1].
        steps: number of batches, each `batch` films and about a third as many of other pictures.
        batch: films a batch.
        learning_rate: peak of a one-cycle schedule.
        seed: of every draw.
        log_every: steps between progress lines; 0 for none.
    """
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=0.02)
    others, running = batch // 16, 0.0
    network.train()
    for step in range(steps):
        share = step / steps
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * min(step / (0.05 * steps) + 0.02, 0.5 * (1 + math.cos(math.pi * share)))
        pick = torch.randint(len(films), (batch,), generator=generator)
        image = coarse(torch.cat([films[pick], negatives(pool, films, others, generator)]), generator)
        empty = torch.zeros(len(image), 3, *image.shape[2:])
        image, _ = augment(image, empty, size=INPUT_SIZE, generator=generator, flip_prob=0.0, negative_prob=0.0)
        image = normalise(image)
        order = torch.randint(8, (len(image),), generator=generator)
        inverted = torch.randint(2, (len(image),), generator=generator)
        image = torch.stack([orient(x, int(k)) * (1 - 2 * i) for x, k, i in zip(image, order, inverted, strict=True)])
        target = 2 * order + inverted
        target[batch:] = NOT_FRONTAL
        loss = functional.cross_entropy(network(image), target, label_smoothing=0.02)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        running = loss.item() if step == 0 else 0.98 * running + 0.02 * loss.item()
        if log_every and step % log_every == 0:
            print(f"step {step}/{steps} loss {running:.4f}", flush=True)
    network.eval()


def train_from_folder(dataset_dir: str | Path, network: nn.Module, *, steps: int, seed: int = 0) -> None:
    """Train on every frontal film of the data folder."""
    files, _ = frontal_films(dataset_dir)
    size = INPUT_SIZE * 4 // 3
    train_orientation(network, load_small(files, size), real_negatives(dataset_dir, size), steps=steps, seed=seed)
