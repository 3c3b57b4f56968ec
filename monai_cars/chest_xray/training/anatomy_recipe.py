"""The training of the anatomy network from start to shipped files, as `configs/train_anatomy.json` runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from monai_cars.chest_xray.training.anatomy_films import training_set
from monai_cars.chest_xray.training.export import export_weights
from monai_cars.chest_xray.training.train_anatomy import train
from monai_cars.networks.threads import one_thread


def train_stages(
    network: torch.nn.Module,
    dataset_dir: str | Path,
    contours: Sequence[str | Path],
    stages: Sequence[Mapping[str, Any]],
) -> dict[str, torch.Tensor]:
    """Train in stages, each from the averaged weights of the one before, on one thread.

    Args:
        network: what is trained; fresh.
        dataset_dir: folder of the data sets.
        contours: contour files.
        stages: options of `train`, and of each stage `leave_out` and `drawn` (see `training_set`) and `drawn_weight`:
            how often a film with contours is drawn, relative to one with a mask.

    Returns:
        The state dict of the averaged network.

    Raises:
        FileNotFoundError: the data folder or a contour file is not there.
        ValueError: no stages.
    """
    for path in (dataset_dir, *contours):
        if not Path(path).exists():
            raise FileNotFoundError(
                f"{path} does not exist; give --dataset_dir the folder of the data sets, --contours the contour files"
            )
    if not stages:
        raise ValueError("stages must name one stage or more (got none)")
    for stage in stages:
        options = {
            key: value for key, value in dict(stage).items() if key not in ("leave_out", "drawn", "drawn_weight")
        }
        chosen = {key: stage[key] for key in ("leave_out", "drawn") if key in stage}
        films = training_set(dataset_dir, contours, **chosen)
        weights = [1.0 if film.lungs is not None else float(stage.get("drawn_weight", 1.0)) for film in films]
        with one_thread():
            network.load_state_dict(train(network, films, weights=weights, **options))
    return network.state_dict()


def train_and_export(
    network: torch.nn.Module,
    dataset_dir: str | Path,
    contours: Sequence[str | Path],
    stages: Sequence[Mapping[str, Any]],
    *,
    weights_file: str | Path,
    bundle_model: str | Path | None = None,
) -> str:
    """`train_stages`, then `export_weights`; returns the SHA-256 to pin in `monai_cars.weights`."""
    state = train_stages(network, dataset_dir, contours, stages)
    return export_weights(state, weights_file, bundle_model=bundle_model)
