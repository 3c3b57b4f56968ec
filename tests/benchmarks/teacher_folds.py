"""Out-of-fold answers of the teacher: five networks, each trained without the patients of one fold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from monai_cars.chest_xray.anatomy import load_segmenter
from monai_cars.chest_xray.teacher.network import TeacherNetwork
from monai_cars.chest_xray.teacher.preprocessing import INPUT_SIZE, stacked
from monai_cars.chest_xray.teacher.shipped import ask
from monai_cars.chest_xray.training.anatomy_films import patient_folds
from monai_cars.chest_xray.training.teacher_films import Crops, TeacherFilm, kept_crops, teacher_films
from monai_cars.chest_xray.training.train_teacher import train_teacher

FOLDS = 5
CONFIGS = Path("bundles/cars_chest_xray/configs")
CROPS = Path("runs/teacher/crops.npz")


@dataclass(frozen=True)
class Answers:
    """What the networks said of films that they had not seen, and what is known of them.

    `logits` and `targets` are (N, V); `maps`, `lungs` and `boxes` (N, h, w) probabilities and soft masks on the map's
    grid; `patients`, `views`, `folds` and `boxed` (N,).
    """

    logits: np.ndarray
    targets: np.ndarray
    maps: np.ndarray
    lungs: np.ndarray
    boxes: np.ndarray
    patients: np.ndarray
    views: np.ndarray
    folds: np.ndarray
    boxed: np.ndarray


def films_and_crops(data: Path) -> tuple[list[TeacherFilm], Crops, np.ndarray]:
    """Films of the teacher part, their crops, and the fold of each."""
    films = teacher_films(data, CONFIGS / "patients.json")
    fold_of = patient_folds(films, FOLDS)
    return films, kept_crops(CROPS, films, load_segmenter), np.array([fold_of[str(film.patient)] for film in films])


def options() -> dict:
    """Of `train_teacher`, as the config that trained the shipped weights has them."""
    return json.loads((CONFIGS / "train_teacher.json").read_text())["options"]


def inputs(crops: Crops) -> torch.Tensor:
    """Network input (N, 4, S, S) of crops as they are."""
    both = torch.cat([crops.images, crops.masks], 1).float() / 255
    small = functional.interpolate(both, size=(INPUT_SIZE, INPUT_SIZE), mode="bilinear", align_corners=False)
    return stacked(small[:, :1], small[:, 1:])


def train_fold(data: Path, fold: int, folder: Path) -> None:
    """Train without one fold and keep what the network says of it."""
    torch.set_num_threads(1)
    torch.manual_seed(fold)
    _, crops, folds = films_and_crops(data)
    network = TeacherNetwork()
    network.load_state_dict(train_teacher(network, crops.of(torch.from_numpy(folds != fold)), **options()))
    held_out = crops.of(torch.from_numpy(folds == fold))
    answers = [ask(network.eval(), part) for part in inputs(held_out).split(16)]
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), folder / f"fold{fold}.pt")
    np.savez(
        folder / f"fold{fold}.npz",
        logits=torch.cat([answer.findings for answer in answers]).numpy(),
        maps=torch.cat([answer.map for answer in answers]).sigmoid()[:, 0].numpy(),
    )


def read_answers(data: Path, folder: Path) -> Answers:
    """Out-of-fold answers of all folds that are trained."""
    films, crops, folds = films_and_crops(data)
    found = [fold for fold in range(FOLDS) if (folder / f"fold{fold}.npz").exists()]
    if not found:
        raise SystemExit(f"{folder} holds no trained folds: run with --train-folds first")
    parts = [np.load(folder / f"fold{fold}.npz") for fold in found]
    order = np.concatenate([np.flatnonzero(folds == fold) for fold in found])
    maps = np.concatenate([part["maps"] for part in parts])
    cells = (maps.shape[1], maps.shape[2])
    masks, boxes = (functional.adaptive_avg_pool2d(t[order].float() / 255, cells) for t in (crops.masks, crops.boxes))
    return Answers(
        logits=np.concatenate([part["logits"] for part in parts]),
        targets=crops.targets.numpy()[order],
        maps=maps,
        lungs=masks[:, :2].amax(1).numpy(),
        boxes=boxes[:, 0].numpy(),
        patients=np.array([films[k].patient for k in order]),
        views=np.array([films[k].view for k in order]),
        folds=folds[order],
        boxed=np.array([bool(films[k].boxes) for k in order]),
    )
