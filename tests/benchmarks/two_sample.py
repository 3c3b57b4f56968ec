"""Can a network tell edited lung from untouched lung, and inserted opacities from real ones?

    python tests/benchmarks/two_sample.py --make runs/two_sample [--limit 150] [--data ../shared/data]
    python tests/benchmarks/two_sample.py --train runs/two_sample [--device cuda] [--folds 5] [--width full]
    python tests/benchmarks/two_sample.py --train runs/two_sample --detector forensic

`--make` writes crops of 256 pixels (PNG) and `crops.csv`; `--train` needs only those, torch and monai. Both classes of
an arm pass the same decoding, resampling (`--shorter`; the films have 512 pixels, and at 512 nothing is resampled: what
is then told apart is partly the second rounding of films that a JPEG had rounded once), requantisation to 8 bit
and choice of crop.
Reported: out-of-fold AUROC of a DenseNet121, or of trees and a linear model on what detectors of altered images look at
(two_sample_features.py; minutes without a GPU), over folds that share no patient, with a 95 % interval by resampling
patients. 0.5 is indistinguishable; `floor` is what chance gives, the `control` arms must be told.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from PIL import Image

SEED = 20261122
ARMS = ("sham", "deletion", "inserted", "floor", "control blur", "control paste")
BOOTSTRAPS = 1000
WIDTHS = {
    "full": {"init_features": 64, "growth_rate": 32, "block_config": (6, 12, 24, 16)},
    "small": {"init_features": 16, "growth_rate": 8, "block_config": (2, 4, 4)},
    "tiny": {"init_features": 8, "growth_rate": 4, "block_config": (1, 1)},
}


def train(folder: Path, options: argparse.Namespace) -> None:
    """Print the table of AUROCs."""
    with (folder / "crops.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    print("| arm | crops | patients | AUROC | 95 % interval |\n|---|---|---|---|---|")
    for arm in options.arms:
        part = [row for row in rows if row["arm"] == arm]
        if len({row["label"] for row in part}) < 2:
            print(f"| {arm} | {len(part)} | - | - | too few |")
            continue
        labels = np.array([int(row["label"]) for row in part])
        patients = np.array([row["patient"] for row in part])
        images = torch.stack([_tensor(folder / row["file"]) for row in part])
        if options.detector == "forensic":
            from two_sample_features import features_of

            images = torch.from_numpy(np.stack([features_of(image[0].numpy()) for image in images]))
        scores = out_of_fold(images, labels, patients, options)
        low, high = interval(scores, labels, patients)
        found = auroc(scores, labels)
        print(f"| {arm} | {len(part)} | {len(set(patients))} | {found:.3f} | {low:.3f} to {high:.3f} |", flush=True)


def _tensor(path: Path) -> torch.Tensor:
    return torch.from_numpy(np.array(Image.open(path)))[None]


def out_of_fold(images: torch.Tensor, labels: np.ndarray, patients: np.ndarray, options) -> np.ndarray:
    """A score for every crop from networks that saw none of its patient."""
    order = np.random.default_rng(SEED).permutation(np.unique(patients))
    fold = {patient: number % options.folds for number, patient in enumerate(order)}
    folds, scores = np.array([fold[patient] for patient in patients]), np.zeros(len(labels))
    for number in range(options.folds):
        seen, held = folds != number, folds == number
        if held.any() and options.detector == "forensic":
            from two_sample_features import fitted  # needs scikit-learn

            scores[held] = fitted(images[seen].numpy(), labels[seen], images[held].numpy(), SEED + number)
        elif held.any():
            scores[held] = _fitted(images[seen], labels[seen], images[held], options, SEED + number)
    return scores


def _fitted(images, labels, held, options, seed: int) -> np.ndarray:
    from monai.networks.nets import DenseNet

    torch.manual_seed(seed)
    network = DenseNet(spatial_dims=2, in_channels=1, out_channels=1, **WIDTHS[options.width]).to(options.device)
    steps = options.epochs * -(-len(images) // options.batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1e-3, total_steps=max(steps, 2))
    targets = torch.from_numpy(labels).float()
    generator = torch.Generator().manual_seed(seed)
    for _ in range(options.epochs):
        order = torch.randperm(len(images), generator=generator)
        for part in order.split(options.batch):
            if len(part) < 2:  # batch normalisation needs two
                continue
            batch = _varied(images[part], generator).to(options.device)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                network(batch)[:, 0], targets[part].to(options.device)
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval()
    with torch.no_grad():
        parts = [network(_scaled(part).to(options.device))[:, 0].cpu() for part in held.split(options.batch)]
    return torch.cat(parts).numpy()


def _varied(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Flips and small shifts; no resampling, which would blur away what an edit leaves."""
    if torch.rand((), generator=generator) < 0.5:
        batch = batch.flip(-1)
    shift = torch.randint(-12, 13, (2,), generator=generator).tolist()
    return _scaled(batch.roll(shift, (-2, -1)))


def _scaled(batch: torch.Tensor) -> torch.Tensor:
    return batch.float() / 127.5 - 1.0


def auroc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Share of pairs of one crop of each class that the score orders right; ties count half.

    Example:
        >>> auroc(np.array([0.1, 0.9, 0.5]), np.array([0, 1, 0]))
        1.0
    """
    ill, well = scores[labels == 1], scores[labels == 0]
    if not len(ill) or not len(well):
        return float("nan")
    difference = ill[:, None] - well[None]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def interval(scores: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> tuple[float, float]:
    """2.5th and 97.5th percentile of the AUROC over resampled patients."""
    rng = np.random.default_rng(SEED)
    members = [np.flatnonzero(patients == patient) for patient in np.unique(patients)]
    values = []
    for _ in range(BOOTSTRAPS):
        drawn = np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))])
        values.append(auroc(scores[drawn], labels[drawn]))
    return float(np.nanpercentile(values, 2.5)), float(np.nanpercentile(values, 97.5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--make", type=Path)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--limit", type=int, default=1000, help="films of each kind")
    parser.add_argument("--shorter", type=int, default=512, help="pixels of the films' shorter side")
    parser.add_argument("--arms", type=lambda text: tuple(text.split(",")), default=ARMS)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--detector", choices=("network", "forensic"), default="network")
    parser.add_argument("--width", choices=sorted(WIDTHS), default="full")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    unknown = set(options.arms) - set(ARMS)
    if unknown or not (options.make or options.train):
        parser.error(f"arms are {', '.join(ARMS)}" if unknown else "give --make FOLDER, --train FOLDER or both")
    if options.make:
        from two_sample_crops import make  # needs monai_cars, which training does not

        make(options.make, options.data, options.limit, options.arms, options.shorter)
    if options.train:
        train(options.train, options)


if __name__ == "__main__":
    main()
