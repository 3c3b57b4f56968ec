"""Self-supervised training of the orientation network: every film is upright, so every turned copy is labelled.

Of a film that is tilted, cut, shuffled, blurred or doubled the network learns to say that it is none, see
`monai_cars.chest_xray.training.spoilt`; where a lung lies in a view is told by the shipped segmenter's masks.
"""

import hashlib
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
from monai_cars.chest_xray.anatomy.segmenter import load_segmenter
from monai_cars.chest_xray.training.anatomy_films import (
    HANNOVER_FOLDER,
    LUNG_FOLDER,
    NIH_FOLDERS,
    patients,
    read_grey,
    shrink,
)
from monai_cars.chest_xray.training.augmentation import clutter, opacify, tone
from monai_cars.chest_xray.training.negatives import limbs, real_negatives, shapes, zooms
from monai_cars.chest_xray.training.spoilt import blurred, doubled, shuffled, view
from monai_cars.edits.axes import orient

FOLDS = 5


def frontal_films(dataset_dir: str | Path) -> tuple[list[Path], list[str]]:
    """Every frontal film that weights may be trained on, and the patient of each."""
    who = patients(dataset_dir)
    files = [
        file
        for folder in (*NIH_FOLDERS, HANNOVER_FOLDER, LUNG_FOLDER)
        for file in sorted(Path(dataset_dir, folder, "images").iterdir())
    ]
    return files, [who[file.name] for file in files]


def fold_of(patient: str) -> int:
    """The fold that leaves a patient out: NIH's by a hash of the name, all other hospitals together in fold 0.

    A Hannover patient has another name in each of two collections, so that they cannot be told apart by name.

    Example:
        >>> fold_of("hannover-1"), sorted({fold_of(f"nih-{k}") for k in range(50)})
        (0, [1, 2, 3, 4])
    """
    if not patient.startswith("nih-"):
        return 0
    return 1 + int(hashlib.sha256(patient.encode()).hexdigest(), 16) % (FOLDS - 1)


def load_small(files: Sequence[Path], size: int) -> torch.Tensor:
    """Films `(N, 1, size, size)` in [0, 1], stretched to a square."""
    small = [Image.fromarray(read_grey(file)).resize((size, size), Image.Resampling.BOX) for file in files]
    return torch.from_numpy(np.stack([np.array(image) for image in small]))[:, None].float() / 255


def load_masks(files: Sequence[Path], size: int) -> torch.Tensor:
    """The shipped segmenter's masks `(N, 3, size, size)` in [0, 1], stretched to a square."""
    segment, found = load_segmenter(), []
    for file in files:
        masks = segment(torch.from_numpy(read_grey(file))[None].float()).numpy()
        found.append(torch.from_numpy(np.stack([shrink(mask, size) for mask in masks])))
    return torch.stack(found).float() / 255


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
    if torch.rand((), generator=generator, device=generator.device) > 0.25:
        return image
    side = int(torch.randint(44, 80, (), generator=generator, device=generator.device))
    small = functional.interpolate(image, size=(side, side), mode="bilinear", antialias=True)
    return functional.interpolate(small, size=image.shape[2:], mode="bilinear")


def spoil(images: torch.Tensor, usable: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The first three eighths of a batch shuffled, blurred and doubled; `usable` is 0 there afterwards."""
    k = len(images) // 8
    shuffle, blur, double, rest = images[:k], images[k : 2 * k], images[2 * k : 3 * k], images[3 * k :]
    usable[: 3 * k] = 0
    return torch.cat(
        [shuffled(shuffle, generator), blurred(blur, generator), doubled(double, rest[:k], generator), rest]
    )


def laid_down(images: torch.Tensor, order: torch.Tensor, inverted: torch.Tensor) -> torch.Tensor:
    """Each picture of `(N, 1, S, S)` in its own of the eight orders, and dark where dense if `inverted`."""
    out = torch.empty_like(images)
    for k in range(8):
        out[order == k] = orient(images[order == k], k)
    return out * (1 - 2 * inverted)[:, None, None, None]


def loss_of(logits: torch.Tensor, order: torch.Tensor, usable: torch.Tensor) -> torch.Tensor:
    """Cross-entropy; a picture of which nobody can say whether it is usable teaches only how it lies.

    Args:
        logits: `(N, 17)`.
        order: `(N,)`, twice the order plus the polarity.
        usable: `(N,)`: 1, 0 or -1 as `monai_cars.chest_xray.training.spoilt.view` tells.
    """
    target = torch.where(usable == 0, torch.full_like(order, NOT_FRONTAL), order)
    whole = functional.cross_entropy(logits, target, label_smoothing=0.02, reduction="none")
    among = functional.cross_entropy(logits[:, :NOT_FRONTAL], order, label_smoothing=0.02, reduction="none")
    return torch.where(usable < 0, among, whole).mean()


def train_orientation(
    network: nn.Module,
    films: torch.Tensor,
    masks: torch.Tensor,
    pool: torch.Tensor,
    *,
    steps: int,
    batch: int = 64,
    learning_rate: float = 2e-3,
    seed: int = 0,
    device: torch.device | str = "cpu",
    log_every: int = 100,
) -> None:
    """Train in place.

    Args:
        network: gives `(N, 17)` logits for normalised `(N, 1, 96, 96)`.
        films: upright frontal films `(N, 1, S, S)` in [0, 1].
        masks: of their anatomy, `(N, 3, S, S)` in [0, 1].
        pool: other pictures `(M, 1, S, S)` in [0, 1].
        steps: number of batches, each `batch` films and a sixth as many of other pictures.
        batch: films a batch.
        learning_rate: peak of a one-cycle schedule.
        seed: of every draw.
        device: where it is trained; the draws, and so the weights, differ between kinds of devices.
        log_every: steps between progress lines; 0 for none.
    """
    generator = torch.Generator(device).manual_seed(seed)
    drawer = torch.Generator().manual_seed(seed)  # limbs and shapes are drawn one by one, on the processor
    network.to(device).train()
    on_device, with_masks = films.to(device), masks.to(device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=0.02)
    running = 0.0
    for step in range(steps):
        share = step / steps
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * min(step / (0.05 * steps) + 0.02, 0.5 * (1 + math.cos(math.pi * share)))
        pick = torch.randint(len(films), (batch,), generator=generator, device=device)
        image, mask, usable = view(on_device[pick], with_masks[pick], size=INPUT_SIZE, generator=generator)
        image = clutter(opacify(spoil(image, usable, generator), mask, generator), generator)
        others = negatives(pool, films, max(batch // 32, 1), drawer).to(device)
        others = functional.interpolate(others, size=(INPUT_SIZE, INPUT_SIZE), mode="bilinear", antialias=True)
        usable = torch.cat([usable, torch.zeros(len(others), dtype=usable.dtype, device=device)])
        image = tone(coarse(torch.cat([image, others]), generator), generator, negative_prob=0.0)
        order = torch.randint(8, (len(image),), generator=generator, device=device)
        inverted = torch.randint(2, (len(image),), generator=generator, device=device)
        logits = network(laid_down(normalise(image), order, inverted))
        loss = loss_of(logits, 2 * order + inverted, usable)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if log_every and step % log_every == 0:
            running = loss.item() if step == 0 else 0.5 * running + 0.5 * loss.item()
            print(f"step {step}/{steps} loss {running:.4f}", flush=True)
    network.eval().cpu()


def train_from_folder(
    dataset_dir: str | Path,
    network: nn.Module,
    *,
    steps: int,
    batch: int = 64,
    seed: int = 0,
    device: torch.device | str = "cpu",
    leave_out: int | None = None,
) -> None:
    """Train on every frontal film of the data folder, without the patients of one fold if `leave_out` names it."""
    files, who = frontal_films(dataset_dir)
    files = [file for file, patient in zip(files, who, strict=True) if fold_of(patient) != leave_out]
    size = INPUT_SIZE * 4 // 3
    films, masks, pool = load_small(files, size), load_masks(files, size), real_negatives(dataset_dir, size)
    train_orientation(network, films, masks, pool, steps=steps, batch=batch, seed=seed, device=device)
