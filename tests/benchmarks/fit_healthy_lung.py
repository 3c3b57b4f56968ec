"""Fit the healthy lungs' density: python tests/benchmarks/fit_healthy_lung.py [--data ../shared/data] [--out FILE]

One film a patient of the training split without findings; patients with a boxed opacity and those of the benchmarks'
fixed films are left out, and those outside the editor part (`configs/patients.json`: no network that judges edits has
seen these patients). The density of both lungs by cell, its mean and its principal modes (missing cells filled by the
modes themselves). Prints how well a hidden part of a held-out lung is told, and writes
`models/healthy_lung.safetensors`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from film_sets import NIH, SEED, anatomy_of, fixed_films
from safetensors.torch import save

from monai_cars.chest_xray.anatomy import contrast_unit, estimate_spacing
from monai_cars.chest_xray.editors.canvas.canvas import make_canvas
from monai_cars.chest_xray.editors.lung.lung_density import lung_density
from monai_cars.chest_xray.editors.lung.lung_grid import HEIGHTS, WIDTHS, lung_grid, sample
from monai_cars.editors import expected_lung
from monai_cars.files.radiograph import read_radiograph

COUNTS = (40, 6, 12, 4)  # of the fixed films; no benchmark takes more
MODES = 16  # more fit the films they were learned from, not those held out
LEAST_CONTRAST, LEAST_SEEN = 0.08, 0.85
OUT = "bundles/cars_chest_xray/models/healthy_lung.safetensors"
PATIENTS = Path("bundles/cars_chest_xray/configs/patients.json")
EDITOR = "nih-chestxray14:editor-patients"


def healthy_films(data: Path) -> pd.DataFrame:
    """Films without findings, one a patient, none of a patient on whom a deletion is measured or looked at."""
    table = pd.read_csv(data / NIH[0] / "labels.csv")
    boxed = set(table[table.image.isin(pd.read_csv(data / NIH[0] / "boxes.csv").image)].patient_id)
    normal = (table.finding_labels == "No Finding") | (table.rsna_class == "Normal")
    doubtful = table.rsna_class.isin(["Lung Opacity", "No Lung Opacity / Not Normal"])
    fixed = set(table[table.image.isin(fixed_films(data, COUNTS).image)].patient_id)
    kept = table[normal & ~doubtful & (table.split == "train") & ~table.patient_id.isin(boxed | fixed)]
    return kept.sample(frac=1, random_state=SEED).drop_duplicates("patient_id")


def densities(path: Path, age: float) -> np.ndarray | None:
    """(2, HEIGHTS, WIDTHS) density of a film's lungs by cell, NaN where a cell shows none."""
    film = read_radiograph(path)
    anatomy = anatomy_of(path, film.image)
    unit = contrast_unit(film.image, anatomy)
    if not unit.share >= LEAST_CONTRAST:
        return None
    canvas = make_canvas(film.image, anatomy, unit, spacing=estimate_spacing(anatomy, age), position=None)
    density = lung_density(canvas)
    grids = [lung_grid(canvas, side) for side in expected_lung.SIDES]
    trusted = sample(grids, density.weight) > expected_lung.LEAST_WEIGHT
    found = np.where(trusted, sample(grids, density.low), np.nan)
    return found if np.isfinite(found).mean() > LEAST_SEEN else None


def modes_of(films: np.ndarray, count: int = MODES) -> tuple[np.ndarray, np.ndarray]:
    """Mean (cells,) and modes (cells, count), each scaled to its standard deviation."""
    missing = np.isnan(films)
    filled = np.where(missing, np.nanmean(films, 0), films)
    for _ in range(20):
        mean = filled.mean(0)
        left, size, right = np.linalg.svd(filled - mean, full_matrices=False)
        filled = np.where(missing, mean + (left[:, :count] * size[:count]) @ right[:count], films)
    return mean, right[:count].T * size[:count] / np.sqrt(len(films) - 1)


def hidden_error(films: np.ndarray, mean: np.ndarray, modes: np.ndarray, rng: np.random.Generator) -> list[float]:
    """Root mean square error over a hidden part (a quarter to a half of each axis) of one lung, by film."""
    errors = []
    covariance = expected_lung.covariance_of(modes)
    for film in films.reshape(-1, 2, HEIGHTS, WIDTHS):
        part = np.zeros(film.shape, bool)
        height, width = rng.integers(6, 13, 2)
        y, x = rng.integers(2, HEIGHTS - height + 1), rng.integers(0, WIDTHS - width + 1)
        part[rng.integers(2), y : y + height, x : x + width] = True
        seen = np.isfinite(film)
        found = expected_lung.condition(mean, covariance, film, seen & ~part, np.zeros_like(part))
        errors.append(float(np.sqrt(np.mean((found - film)[part & seen] ** 2))))
    return errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path(OUT))
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = healthy_films(options.data)
    table = table[table.patient_id.isin(json.loads(PATIENTS.read_text())[EDITOR])]
    found = [densities(options.data / NIH[0] / "images" / row.image, row.age) for row in table.itertuples()]
    patients = np.array(
        [row.patient_id for row, film in zip(table.itertuples(), found, strict=True) if film is not None]
    )
    films = np.stack([film.ravel() for film in found if film is not None])
    held_out = patients % 4 == 0
    errors = hidden_error(films[held_out], *modes_of(films[~held_out]), np.random.default_rng(SEED))
    print(f"{len(films)} patients; a hidden part of {held_out.sum()} held-out films is told to")
    print(f"RMS error median {np.median(errors):.3f}, 90th percentile {np.percentile(errors, 90):.3f} contrast units")
    mean, modes = (torch.from_numpy(array).half() for array in modes_of(films))
    content = save({"mean": mean.contiguous(), "modes": modes.contiguous()})
    options.out.write_bytes(content)
    print(f"{options.out}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
