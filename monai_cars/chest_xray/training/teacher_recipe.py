"""The training of the teacher from start to shipped weights, as `configs/train_teacher.json` runs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from monai_cars.chest_xray.anatomy.segmenter import load_segmenter
from monai_cars.chest_xray.training.export import export_weights
from monai_cars.chest_xray.training.teacher_films import kept_crops, teacher_films
from monai_cars.chest_xray.training.train_teacher import train_teacher
from monai_cars.networks.threads import one_thread


def train_and_export_teacher(
    network: torch.nn.Module,
    dataset_dir: str | Path,
    patients: str | Path,
    options: Mapping[str, Any],
    *,
    crops_file: str | Path,
    weights_file: str | Path,
) -> str:
    """Train on every film of the teacher part, on one thread, and write the weights.

    Args:
        network: a fresh `TeacherNetwork`.
        dataset_dir: folder of the data sets.
        patients: `configs/patients.json`, whose patients are left out.
        options: of `train_teacher`.
        crops_file: where the films' crops are kept.
        weights_file: the .safetensors file to write.

    Returns:
        The SHA-256 to pin in the bundle's `configs/weights.json`.

    Raises:
        FileNotFoundError: the data folder or `patients` is not there.
        ValueError: the folder holds no films of the teacher part.
    """
    films = teacher_films(dataset_dir, patients)
    if not films:
        raise ValueError(f"{dataset_dir} must hold films of patients outside {patients} (found none)")
    with one_thread():
        state = train_teacher(network, kept_crops(crops_file, films, load_segmenter), **options)
    return export_weights(state, weights_file)
