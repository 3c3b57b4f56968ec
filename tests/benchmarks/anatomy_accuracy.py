"""Measure the anatomy network and print a markdown table.

    python tests/benchmarks/anatomy_accuracy.py --data ../shared/data --train-folds   # hours: trains five networks
    python tests/benchmarks/anatomy_accuracy.py --data ../shared/data                 # with the folds already trained

Five folds are cut between patients over all films. A fold's network has seen neither a mask nor a contour of its test
patients; the shipped network (trained on all masks) is measured only on films it has never seen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from monai_cars.chest_xray.anatomy import AnatomySegmenter, cardiothoracic_ratio, load_segmenter
from monai_cars.chest_xray.anatomy.network import anatomy_network
from monai_cars.chest_xray.orientation import recognise_axes
from monai_cars.chest_xray.training.anatomy_films import (
    films_with_lungs,
    masks_of,
    patient_folds,
    read_grey,
    read_table,
)
from monai_cars.chest_xray.training.anatomy_recipe import train_stages
from monai_cars.chest_xray.training.train_orientation import frontal_films
from monai_cars.files.radiograph import RadiographError
from monai_cars.transforms import SegmentAnatomy

FOLDS = 5
CONTOURS = Path(__file__).resolve().parents[2] / "bundles/cars_chest_xray/configs/engineer_drawn_contours.json"


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Overlap of two masks, 1 when both are empty."""
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0


LONG = [  # as the shipped weights, with a shorter second stage
    {"steps": 1600, "flip_prob": 0.3, "drawn": ["heart"], "drawn_weight": 0.25},
    {"steps": 250, "learning_rate": 1e-3, "sizes": [(0.6, 192), (1.0, 256)], "flip_prob": 0.0, "drawn_weight": 0.5},
]
SHORT = [{"steps": 1200, "flip_prob": 0.0, "drawn_weight": 0.5}]
RECIPES = {0: LONG, 1: LONG, 2: LONG, 3: SHORT, 4: SHORT}  # what the figures in docs/ were measured with


def train_fold(data: Path, fold: int, folder: Path) -> None:
    """Train the network that has not seen one fold: masks and engineer-drawn contours of all other patients.

    The lungs of `engineer_checked_lungs.json` are left out: networks that had seen the test patients drew them.
    """
    torch.manual_seed(fold)
    stages = [{**stage, "leave_out": fold, "seed": fold + 200 * k} for k, stage in enumerate(RECIPES[fold])]
    state = train_stages(anatomy_network(), data, [CONTOURS], stages)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state, folder / f"fold{fold}.pt")


def load_fold(fold: int, folder: Path) -> AnatomySegmenter:
    """The segmenter of one fold."""
    network = anatomy_network()
    network.load_state_dict(torch.load(folder / f"fold{fold}.pt", weights_only=True))
    return AnatomySegmenter(network.eval())


def rotated(angle: float) -> Callable:
    """A change of film and mask: rotation by `angle` degrees."""
    return lambda film, mask: (
        ndimage.rotate(film, angle, order=1, reshape=False, mode="nearest"),
        ndimage.rotate(mask.astype(np.uint8), angle, order=0, reshape=False) > 0,
    )


def cropped(film: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lungs' box and 3 % around it: collimated to the lungs."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    pad = round(0.03 * max(film.shape))
    part = np.s_[max(rows[0] - pad, 0) : rows[-1] + pad, max(columns[0] - pad, 0) : columns[-1] + pad]
    return film[part], mask[part]


def shrunk(film: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The film at 0.7 of its size in a black frame of the old size, as a small child on a large plate."""
    small, small_mask = ndimage.zoom(film, 0.7, order=1), ndimage.zoom(mask.astype(np.uint8), 0.7, order=0) > 0
    pads = [((n - s) // 2, n - s - (n - s) // 2) for n, s in zip(film.shape, small.shape, strict=True)]
    return np.pad(small, pads), np.pad(small_mask, pads)


CHANGES: dict[str, Callable] = {
    "as it is": lambda film, mask: (film, mask),
    "rotated +15 degrees": rotated(15),
    "rotated -15 degrees": rotated(-15),
    "inverted": lambda film, mask: (255 - film, mask),
    "cropped to the lungs": cropped,
    "scale 0.7": shrunk,
}


def segment(segmenter: AnatomySegmenter, film: np.ndarray) -> np.ndarray:
    """Masks `(3, H, W)` bool at the film's own size."""
    return segmenter(torch.from_numpy(np.ascontiguousarray(film, dtype=np.float32))[None]).numpy() > 0


def inverted_too(segmenter: AnatomySegmenter, film: np.ndarray) -> np.ndarray:
    """Masks of a film whose polarity is to be recognised; none where it is refused."""
    try:
        masks = SegmentAnatomy(segmenter)(torch.from_numpy(np.ascontiguousarray(film, dtype=np.float32))[None])
    except RadiographError:
        return np.zeros((3, *film.shape), bool)
    return np.asarray(masks) > 0


def bootstrap(values: dict[str, list[float]], draws: int = 2000) -> tuple[float, float]:
    """95 % interval of the mean over films, patients drawn with replacement."""
    rng = np.random.default_rng(0)
    groups = list(values.values())
    means = [
        np.mean(np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])) for _ in range(draws)
    ]
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def five_folds(data: Path, folder: Path) -> Iterator[str]:
    """Rows of the table: lung Dice of each film by the network that has not seen its patient."""
    lungs = films_with_lungs(data)
    fold_of = patient_folds(lungs, FOLDS)
    segmenters = {fold: load_fold(fold, folder) for fold in range(FOLDS) if (folder / f"fold{fold}.pt").exists()}
    for name, change in CHANGES.items():
        scores: dict[str, list[float]] = {}
        worst = (2.0, "")
        for film in lungs:
            if fold_of[film.patient] not in segmenters:
                continue
            image, mask = change(read_grey(film.image), masks_of(film)[0][:2].any(0))
            segmenter = segmenters[fold_of[film.patient]]
            # An inverted film goes the way that a user's goes: SegmentAnatomy recognises it and turns it round first.
            found = inverted_too(segmenter, image) if name == "inverted" else segment(segmenter, image)
            score = dice(found[:2].any(0), mask)
            scores.setdefault(film.patient, []).append(score)
            worst = min(worst, (score, film.image.name))
        every = np.concatenate(list(scores.values()))
        low, high = bootstrap(scores)
        target = 0.96 if name == "as it is" else 0.94
        yield (
            f"| lung fields, 5-fold by patient, {len(every)} films, {name} | Dice mean {every.mean():.4f} "
            f"({low:.4f} to {high:.4f}), median {np.median(every):.4f}, worst {worst[0]:.3f} ({worst[1]}) "
            f"| mean >= {target} |"
        )


def other_convention(data: Path, segmenter: AnatomySegmenter) -> Iterator[str]:
    """Rows: lung minus heart, and the cardiothoracic ratio, against masks that leave heart and mediastinum out."""
    folder = data / "nlm_tb_masks"
    scores, differences = [], []
    for row in read_table(folder / "labels.csv"):
        film, truth = read_grey(folder / "images" / row["image"]), read_grey(folder / "masks_lungs" / row["mask"]) > 127
        masks = segment(segmenter, film)
        scores.append((dice(masks[:2].any(0) & ~masks[2], truth), row["image"]))
        ratio = ratio_from_gap(truth)
        differences.append(abs(cardiothoracic_ratio(torch.from_numpy(masks)) - ratio))
    values = np.array([score for score, _ in scores])
    yield (
        f"| lung minus heart against nlm_tb_masks, {len(values)} films never trained on | Dice mean "
        f"{values.mean():.4f}, median {np.median(values):.4f}, worst {min(scores)[0]:.3f} "
        f"({min(scores)[1]}) | >= 0.94 |"
    )
    yield (
        f"| CTR against the gap between those masks | median difference {np.median(differences):.4f}, mean "
        f"{np.mean(differences):.4f} | median <= 0.03 |"
    )


def ratio_from_gap(lungs: np.ndarray) -> float:
    """CTR read from lung masks that leave the heart out: widest gap to both sides of the midline, over the thorax.

    Each lung's medial border is followed from mid-height down to where it leaves the heart for the diaphragm: it runs
    sideways by more than two and a half columns a row, or by more than one after it had run straight down.
    """
    parts, count = ndimage.label(lungs)
    sizes = ndimage.sum(lungs, parts, range(1, count + 1))
    first, second = np.argsort(sizes)[-2:] + 1
    right, left = sorted((parts == first, parts == second), key=lambda part: ndimage.center_of_mass(part)[1])
    rows = np.flatnonzero(right.any(1) & left.any(1))
    width = max(np.flatnonzero(left[y])[-1] - np.flatnonzero(right[y])[0] + 1 for y in rows)
    inner_right = np.array([np.flatnonzero(right[y])[-1] for y in rows])
    inner_left = np.array([np.flatnonzero(left[y])[0] for y in rows])
    upper = slice(0, max(1, len(rows) // 4))
    midline = float(np.median((inner_right[upper] + inner_left[upper]) / 2))
    reach = [_reach(midline - inner_right, width), _reach(inner_left - midline, width)]
    return sum(reach) / width


def _reach(distance: np.ndarray, width: int) -> float:
    """Widest distance of a medial border from the midline, in its lower half and above the diaphragm."""
    start, step = len(distance) // 2, 6
    slope = (distance[step:] - distance[:-step])[start:] / (step * width / 400)  # columns a row
    settled = np.maximum.accumulate(slope < 0.4) if len(slope) else slope
    leaves = np.flatnonzero((slope > 2.5) | ((slope > 1.0) & settled))
    end = start + leaves[0] + 1 if len(leaves) else len(distance)
    return max(float(distance[start:end].max()), 0.0)


def screening(data: Path) -> Iterator[str]:
    """Row: real frontal films that the pixels refuse or that are read in a wrong orientation."""
    files, _ = frontal_films(data)
    refused, misread = [], []
    for file in files:
        try:
            axes = recognise_axes(torch.from_numpy(read_grey(file))[None].float())
        except RadiographError:
            refused.append(file.name)
            continue
        if str(axes) != "HW":
            misread.append(f"{file.name} {axes}")
    yield (
        f"| false refusals over {len(files)} real frontal films | {len(refused)} ({len(refused) / len(files):.2%}); "
        f"{len(misread)} read in another orientation {misread[:5]} | <= 1 % |"
    )


def timing(segmenter: AnatomySegmenter) -> Iterator[str]:
    """Row: seconds for the 1955 x 1841 film."""
    from pydicom.data import get_testdata_file

    from monai_cars.files.radiograph import read_radiograph

    image = read_radiograph(str(get_testdata_file("RG1_UNCR.dcm"))).image
    segmenter(image)
    seconds = []
    for _ in range(7):
        start = time.perf_counter()
        segmenter(image)
        seconds.append(time.perf_counter() - start)
    yield (
        f"| segmentation of a {image.shape[1]} x {image.shape[2]} film | median {np.median(seconds):.2f} s, least "
        f"{min(seconds):.2f} s | <= 0.3 s |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folds", type=Path, default=Path("runs/anatomy_folds"), help="of fold0.pt ... fold4.pt")
    parser.add_argument("--train-folds", action="store_true")
    parser.add_argument("--only", default="folds,convention,screening,timing")
    args = parser.parse_args()
    if args.train_folds:
        for fold in range(FOLDS):
            train_fold(args.data, fold, args.folds)
    only = args.only.split(",")
    print("| what | found | asked |\n|---|---|---|", flush=True)
    rows = {
        "timing": lambda: timing(load_segmenter()),
        "folds": lambda: five_folds(args.data, args.folds),
        "convention": lambda: other_convention(args.data, load_segmenter()),
        "screening": lambda: screening(args.data),
    }
    for name in only:
        for row in rows[name]():
            print(row, flush=True)


if __name__ == "__main__":
    main()
