"""Measure the teacher on patients that the network has not seen, and print markdown tables.

    python tests/benchmarks/teacher_accuracy.py --data ../shared/data --train-folds    # trains five networks first
    python tests/benchmarks/teacher_accuracy.py --data ../shared/data                  # with the folds already trained
    python tests/benchmarks/teacher_accuracy.py --data ../shared/data --write          # and keeps what gates read

Five folds are cut between the patients of the teacher part. Intervals are 95 %, patients drawn with replacement.
Calibration errors after the temperature are of films that the temperature was not fitted on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from scipy.special import expit
from scipy.stats import rankdata
from teacher_folds import CONFIGS, FOLDS, Answers, read_answers, train_fold

from monai_cars.chest_xray.teacher.network import FINDINGS
from monai_cars.chest_xray.training.export import write_stated
from monai_cars.chest_xray.training.temperature import expected_calibration_error, fit_temperature

DRAWS = 1000


def auroc(scores: np.ndarray, targets: np.ndarray) -> float:
    """Area under the ROC curve by ranks (ties count half), not-a-number where a class is missing."""
    positive = targets == 1
    count = int(positive.sum())
    if count in (0, len(targets)):
        return float("nan")
    area = rankdata(scores)[positive].sum() - count * (count + 1) / 2
    return float(area / (count * (len(targets) - count)))


def sensitivity(scores: np.ndarray, targets: np.ndarray, false_positives: float = 0.05) -> float:
    """Share of positives above the score that a share of the negatives exceed."""
    if len(np.unique(targets)) < 2:
        return float("nan")
    return float((scores[targets == 1] > np.quantile(scores[targets == 0], 1 - false_positives)).mean())


def interval(figure: Callable[[np.ndarray], float], patients: np.ndarray) -> tuple[float, float]:
    """95 % interval of a figure of film indices, patients drawn with replacement."""
    rng, groups = np.random.default_rng(0), [np.flatnonzero(patients == patient) for patient in np.unique(patients)]
    draws = [
        figure(np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])) for _ in range(DRAWS)
    ]
    return float(np.nanpercentile(draws, 2.5)), float(np.nanpercentile(draws, 97.5))


def text(figure: float, bounds: tuple[float, float]) -> str:
    """A figure as "0.812 (0.760 to 0.861)"."""
    return f"{figure:.3f} ({bounds[0]:.3f} to {bounds[1]:.3f})"


def scored(
    figure: Callable[[np.ndarray, np.ndarray], float], scores: np.ndarray, targets: np.ndarray, patients: np.ndarray
) -> str:
    """A figure of scores against targets, with its interval."""
    return text(figure(scores, targets), interval(lambda k: figure(scores[k], targets[k]), patients))


def temperatures(answers: Answers, column: int, folds: np.ndarray) -> float:
    """The temperature of a finding, fitted on the films of some folds."""
    used = np.isin(answers.folds, folds)
    return fit_temperature(
        torch.from_numpy(answers.logits[used, column]), torch.from_numpy(answers.targets[used, column])
    )


def calibration(answers: Answers, column: int, known: np.ndarray) -> tuple[float, float]:
    """ECE before and after the temperature that was fitted on the other folds."""
    logits, targets = answers.logits[:, column], answers.targets[known, column]
    every = np.unique(answers.folds)
    by_fold = {fold: temperatures(answers, column, every[every != fold]) for fold in every} if len(every) > 1 else {}
    scaled = logits / np.array([by_fold.get(fold, 1.0) for fold in answers.folds])
    return (
        expected_calibration_error(expit(logits[known]), targets),
        expected_calibration_error(expit(scaled[known]), targets),
    )


def finding_rows(answers: Answers) -> Iterator[str]:
    """One row a finding, and of the opacity one a view."""
    for column, name in enumerate(FINDINGS):
        scores, targets = answers.logits[:, column], answers.targets[:, column]
        for view in ("", "PA", "AP") if column == 0 else ("",):
            known = np.flatnonzero(~np.isnan(targets) & (np.isin(answers.views, [view]) if view else True))
            before, after = calibration(answers, column, known)
            told = scores[known], targets[known], answers.patients[known]
            area, seen = scored(auroc, *told), scored(sensitivity, *told)
            positive = int(targets[known].sum())
            title = f"{name}, {view} films" if view else name
            yield f"| {title} | {positive} / {len(known) - positive} | {area} | {seen} | {before:.3f} | {after:.3f} |"


def shares(answers: Answers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each boxed film: share of the map's mass inside its boxes, peak inside, share of the lungs that is boxed."""
    maps, boxes = answers.maps[answers.boxed], answers.boxes[answers.boxed] > 0.5
    lungs = answers.lungs[answers.boxed]
    mass = (maps * boxes).sum((1, 2)) / maps.sum((1, 2))
    peak = np.array([box.ravel()[found.argmax()] for found, box in zip(maps, boxes, strict=True)], float)
    return mass, peak, (lungs * boxes).sum((1, 2)) / lungs.sum((1, 2))


def localiser_rows(answers: Answers) -> Iterator[str]:
    """Rows of where the map finds opacities on boxed films."""
    patients = answers.patients[answers.boxed]
    names = ("map's mass inside the boxes, mean share", "peak inside a box", "lungs that are boxed, mean share")
    for name, values in zip(names, shares(answers), strict=True):
        yield f"| {name} | {scored(lambda found, _: float(found.mean()), values, values, patients)} |"
    mass = shares(answers)[0]
    yield f"| 20th percentile of the share inside | {np.percentile(mass, 20):.3f} |"


def stated(answers: Answers) -> dict[str, object]:
    """What gates read: temperature and out-of-fold AUROC by finding."""
    every, areas = np.unique(answers.folds), {}
    for column, name in enumerate(FINDINGS):
        known = ~np.isnan(answers.targets[:, column])
        areas[name] = round(auroc(answers.logits[known, column], answers.targets[known, column]), 4)
    return {
        "note": "Out of fold, five folds by patient, printed by tests/benchmarks/teacher_accuracy.py.",
        "folds": len(every),
        "films": len(answers.folds),
        "temperature": {name: round(temperatures(answers, k, every), 4) for k, name in enumerate(FINDINGS)},
        "auroc": areas,
        "mass_inside_20th_percentile": round(float(np.percentile(shares(answers)[0], 20)), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folds", type=Path, default=Path("runs/teacher_folds"), help="of fold0.npz ... fold4.npz")
    parser.add_argument("--train-folds", nargs="*", type=int, help="train these folds first; all without a number")
    parser.add_argument("--write", action="store_true", help="write configs/cars_teacher.json of the bundle")
    options = parser.parse_args()
    if options.train_folds is not None:
        for fold in options.train_folds or range(FOLDS):
            train_fold(options.data, fold, options.folds)
    answers = read_answers(options.data, options.folds)
    print(f"{len(answers.folds)} films of {len(np.unique(answers.patients))} patients, {FOLDS} folds by patient\n")
    print(
        "| finding | films with / without | AUROC | sensitivity at 5 % false positives | ECE | ECE with temperature |"
    )
    print("|---|---|---|---|---|---|")
    for row in finding_rows(answers):
        print(row, flush=True)
    print(f"\n| opacity map, {int(answers.boxed.sum())} boxed films | found |\n|---|---|")
    for row in localiser_rows(answers):
        print(row, flush=True)
    if options.write:
        write_stated(CONFIGS / "cars_teacher.json", stated(answers))


if __name__ == "__main__":
    main()
