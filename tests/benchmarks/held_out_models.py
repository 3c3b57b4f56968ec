"""Models that have not learned from a patient: the shipped ones, or the network of the fold that left the patient out.

The five networks come from ``python tests/benchmarks/teacher_accuracy.py --train-folds``; they share the recipe of the
shipped weights.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pandas as pd
import torch
from film_sets import NIH
from teacher_folds import CONFIGS, FOLDS

from monai_cars.chest_xray.gate import GateModels, shipped_models
from monai_cars.chest_xray.teacher.network import TeacherNetwork
from monai_cars.chest_xray.training.anatomy_films import patient_folds
from monai_cars.chest_xray.training.teacher_films import teacher_films

FOLDER = Path("runs/teacher_folds")


def named(folder: str, patient: object) -> str:
    """A patient's name that no other data set shares: "nih:13118"."""
    return f"{'nih' if folder in NIH else folder}:{patient}"


def held_out_models(name: str, data: Path) -> GateModels:
    """Models for a patient as `named`, none of whose films they have learned from."""
    fold = _folds(data).get(name)
    return shipped_models() if fold is None else _of_fold(fold)


def teachers_own(films: pd.DataFrame, data: Path) -> pd.Series:
    """Which films (columns folder, patient_id) are of patients that the shipped teacher has learned from."""
    names = [named(folder, patient) for folder, patient in zip(films.folder, films.patient_id, strict=True)]
    return pd.Series([name in _folds(data) for name in names], index=films.index)


@lru_cache(maxsize=1)
def _folds(data: Path) -> dict[str, int]:
    films = teacher_films(data, CONFIGS / "patients.json")
    return {f"nih:{patient}": fold for patient, fold in patient_folds(films, FOLDS).items()}


@lru_cache(maxsize=FOLDS)
def _of_fold(fold: int) -> GateModels:
    file = FOLDER / f"fold{fold}.pt"
    if not file.is_file():
        raise SystemExit(f"{file} is not here: run tests/benchmarks/teacher_accuracy.py --train-folds first")
    network = TeacherNetwork()
    network.load_state_dict(torch.load(file, weights_only=True))
    shipped = shipped_models()
    assert shipped.teacher is not None
    assert shipped.localiser is not None
    changed = {"network": network.eval(), "weights": None, "sha256": ""}
    return GateModels(*(replace(model, **changed) for model in (shipped.teacher, shipped.localiser)))
