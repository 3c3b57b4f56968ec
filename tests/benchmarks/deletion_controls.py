"""Deletions offered to boxed opacities and to healthy lungs.

    python tests/benchmarks/deletion_controls.py [--films 30] [--profile full]

A box that radiologists drew around an opacity is laid on a healthy film ("No Finding", of patients that no editor's
weights have seen) at the same place of the other lung, and "delete consolidation" is asked for on both. Prints how many
are accepted (95 % Wilson interval) and what separates the two: a threshold on each measure, chosen on the patients of
even number and tried on the others. Measures, over the cells of the lung grid that the box hides:

- excess: mean density above the expected healthy lung, contrast units;
- z: the same over its standard deviation in healthy lungs, given the cells that the film shows;
- coherent: share of the box's lung that exceeds the expectation by 0.1 contrast units in one part;
- beside: median low-pass in the box over that of the lung within 25 mm of it.

The full profile asks models that have not learned from the patient (`held_out_models`), with thresholds set on
other patients (`gate_controls.set_thresholds`); its boxed films are fewer for that.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from film_sets import NIH, SEED, anatomy_of, boxed_films, corners, fixed_films
from gate_controls import set_thresholds
from held_out_models import held_out_models, named
from scipy import ndimage as ndi
from scipy.stats import binomtest

from monai_cars.chest_xray.anatomy import contrast_unit, estimate_spacing, load_segmenter
from monai_cars.chest_xray.editors.canvas.canvas import make_canvas
from monai_cars.chest_xray.editors.canvas.extent import extent_of
from monai_cars.chest_xray.editors.lung.diffuse import free_lung
from monai_cars.chest_xray.editors.lung.expected_lung import LEAST_WEIGHT, NOISE, SIDES, healthy
from monai_cars.chest_xray.editors.lung.lung_density import lung_density
from monai_cars.chest_xray.editors.lung.lung_grid import lung_grid, sample
from monai_cars.chest_xray.gate import default_gate
from monai_cars.edits.edit import Edit, Region
from monai_cars.files.radiograph import read_radiograph
from monai_cars.loop.counterfactual import make_counterfactual

COHERENT, BESIDE_MM = 0.1, 25.0
IN_ONE_LUNG = np.zeros((3, 3, 3), bool)  # neighbours in (side, row, column)
IN_ONE_LUNG[1] = True
FEWEST = 6  # cells of the grid that a box must hide to be measured
PARTS = Path("bundles/cars_chest_xray/configs/patients.json")


def healthy_films(data: Path, count: int) -> pd.DataFrame:
    """Films (folder, image) without findings, one a patient, none of them an editor's, boxed or in the fixed set."""
    films = pd.concat([pd.read_csv(data / d / "labels.csv").assign(folder=d) for d in NIH])
    seen = set(json.loads(PARTS.read_text())["nih-chestxray14:editor-patients"])
    seen |= set(films[films.image.isin([*boxed_films(data, 10**6).image, *fixed_films(data).image])].patient_id)
    clear = films[(films.finding_labels == "No Finding") & (films.age >= 18) & ~films.patient_id.isin(seen)]
    return clear.sample(frac=1, random_state=SEED).drop_duplicates("patient_id").head(count)


def mirrored(box: tuple[float, ...], source: np.ndarray, target: np.ndarray) -> tuple[float, ...] | None:
    """A box of one film laid on the same place of another film's other lung; masks are (S, H, W)."""
    y0, x0, y1, x1 = box
    rows, columns = (slice(max(int(a), 0), int(b) + 1) for a, b in ((y0, y1), (x0, x1)))
    side = int(source[1][rows, columns].sum() > source[0][rows, columns].sum())
    frames = [_frame(source[side]), _frame(target[1 - side])]
    if None in frames:
        return None
    (top, left, height, width), (to_top, to_left, to_height, to_width) = frames
    ends = [1 - (x1 - left) / width, 1 - (x0 - left) / width]
    down = [(y - top) / height * to_height + to_top for y in (y0, y1)]
    return down[0], ends[0] * to_width + to_left, down[1], ends[1] * to_width + to_left


def _frame(field: np.ndarray) -> tuple[int, int, int, int] | None:
    rows, columns = np.flatnonzero(field.any(1)), np.flatnonzero(field.any(0))
    if not len(rows):
        return None
    return rows[0], columns[0], rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def measures(film, anatomy: torch.Tensor, region: Region) -> dict[str, float]:
    """What the module's docstring names, NaN where the film cannot tell."""
    spacing = film.header.spacing or estimate_spacing(anatomy, film.header.age)
    unit = contrast_unit(film.image, anatomy)
    canvas = make_canvas(film.image, anatomy, unit, spacing=spacing, position=None)
    free = free_lung(canvas)
    box, extent = extent_of(canvas, region, free)
    density, grids = lung_density(canvas), [lung_grid(canvas, side) for side in SIDES]
    seen = sample(grids, density.low)
    trusted = np.nan_to_num(sample(grids, density.weight)) > LEAST_WEIGHT
    hidden = np.nan_to_num(sample(grids, (extent > 0.02).astype(np.float32))) >= 0.5
    inside = trusted & (np.nan_to_num(sample(grids, box.astype(np.float32))) >= 0.5)
    shown = trusted & ~hidden
    if inside.sum() < FEWEST or shown.sum() < FEWEST:
        return dict.fromkeys(("excess", "z", "coherent", "beside"), float("nan"))
    off, spread = _off(seen, shown, inside)
    parts, _ = ndi.label(_unfold(off, inside) > COHERENT, IN_ONE_LUNG)
    coherent = float(np.bincount(parts.ravel())[1:].max(initial=0) / inside.sum())
    mm = canvas.feature
    ring = density.trusted & ~box & (ndi.distance_transform_edt(~box) < BESIDE_MM * mm)
    beside = (
        float(np.median(density.low[box & density.trusted]) - np.median(density.low[ring])) if ring.any() else np.nan
    )
    z = float(off.mean() / spread)
    return {"excess": float(off.mean()), "z": z, "coherent": coherent, "beside": beside}


def _unfold(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    full = np.zeros(where.shape)
    full[where] = values
    return full


def _off(seen: np.ndarray, shown: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, float]:
    """Density of the box's cells above their expectation given those shown, and the standard deviation of its mean."""
    mean, covariance = healthy()
    given, asked = (np.flatnonzero(mask.ravel()) for mask in (shown, inside))
    known = covariance[np.ix_(given, given)] + NOISE**2 * np.eye(len(given))
    gain = np.linalg.solve(known, covariance[np.ix_(given, asked)]).T
    values = np.nan_to_num(seen.ravel())
    off = values[asked] - mean[asked] - gain @ (values[given] - mean[given])
    left = covariance[np.ix_(asked, asked)] - gain @ covariance[np.ix_(given, asked)]
    return off, float(np.sqrt(left.sum() + NOISE**2 * len(asked)) / len(asked))


def offered(path: Path, box: tuple[float, ...], options: dict) -> dict[str, float]:
    """Whether a deletion of the box is accepted, with options of `make_counterfactual`, and the measures there."""
    film = read_radiograph(path)
    anatomy = anatomy_of(path, film.image)
    region = Region(box=box)
    edit = Edit("delete", "consolidation", region=region)
    made = make_counterfactual(film.image, anatomy, edit, header=film.header, **options)
    checks = {check["name"]: check["value"] for check in made.record["checks"]}
    return {**measures(film, anatomy, region), "accepted": made.accepted, "code": _why(made), **checks}


def _why(made) -> str:
    """Codes of the required checks that a last attempt failed, or why the editor made none."""
    failed = [c["code"] for c in made.record["checks"] if c["required"] and c["verdict"] != "pass"]
    return ", ".join(failed) or made.record["reason"]


def judges(data: Path, row, profile: str) -> dict:
    """Options of `make_counterfactual` that judge a film by a profile, with models that do not know its patient."""
    if profile == "cheap":
        return {}
    models = held_out_models(named(row.folder, int(row.image[:8])), data)  # NIH names a film by its patient
    return {"gate": default_gate("consolidation", "delete", profile, models=models), "segmenter": load_segmenter()}


def films_of(data: Path, count: int, profile: str) -> pd.DataFrame:
    """Boxed films; for the full profile of patients on whom no threshold was set."""
    boxed = boxed_films(data, 10**6)
    if profile == "full":
        seen = set_thresholds(data)
        boxed = boxed[[not seen(named(row.folder, int(row.image[:8]))) for row in boxed.itertuples()]]
    return boxed.head(count)


def measured(data: Path, count: int, table: Path | None, profile: str) -> pd.DataFrame:
    """A row for every film: pair, boxed, image, what `offered` gives."""
    rows = pd.read_csv(table).to_dict("records") if table and table.exists() else []
    done = max((row["pair"] for row in rows), default=-1)
    boxed = films_of(data, count, profile)
    films = zip(boxed.itertuples(), healthy_films(data, len(boxed)).itertuples(), strict=True)
    for pair, two in enumerate(films):
        if pair <= done:
            continue
        paths = [data / row.folder / "images" / row.image for row in two]
        masks = [anatomy_of(path, read_radiograph(path).image).numpy() for path in paths]
        boxes = [corners(two[0]), mirrored(corners(two[0]), *masks)]
        for kind, row, path, box in zip((True, False), two, paths, boxes, strict=True):
            if box is not None:
                found = offered(path, box, judges(data, row, profile))
                rows.append({"pair": pair, "boxed": kind, "image": path.name, **found})
        if table:
            pd.DataFrame(rows).to_csv(table, index=False)
    return pd.DataFrame(rows)


def interval(hits: int, count: int) -> str:
    """Hits of count with their Wilson interval."""
    if not count:
        return "0 of 0"
    low, high = binomtest(hits, count).proportion_ci(method="wilson")
    return f"{hits} of {count} ({low:.0%} to {high:.0%})"


def chosen(boxed: np.ndarray, controls: np.ndarray) -> float:
    """Threshold with the most boxed at or above it and controls below it, each as a share; NaN counts as below."""
    tried = np.unique(np.concatenate([boxed, controls]))
    tried = tried[np.isfinite(tried)]
    gains = [np.mean(boxed >= t) + np.mean(~(controls >= t)) for t in tried]
    return float(tried[int(np.argmax(gains))])


def compared(frame: pd.DataFrame, name: str) -> str:
    """One line: quartiles of both, the threshold of the even pairs and what it does on the odd ones."""
    boxed, controls = (frame[frame.boxed == kind] for kind in (True, False))
    quartiles = [" ".join(f"{q:.2f}" for q in part[name].quantile([0.25, 0.5, 0.75])) for part in (boxed, controls)]
    halves = [[part[part.patient % 2 == half] for part in (boxed, controls)] for half in (0, 1)]
    least = chosen(*(part[name].to_numpy() for part in halves[0]))
    told = []
    for half in halves:
        kept = [interval(int((part.accepted & (part[name] >= least)).sum()), len(part)) for part in half]
        told.append(f"{kept[0]} and {kept[1]}")
    return f"| {name} | {quartiles[0]} | {quartiles[1]} | {least:.2f} | {told[0]} | {told[1]} |"


def main() -> None:
    """Offer, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--films", type=int, default=30)
    parser.add_argument("--profile", choices=("cheap", "full"), default="cheap")
    parser.add_argument("--table", type=Path, help="CSV of what was measured; its pairs are not offered again")
    options = parser.parse_args()
    torch.set_num_threads(1)
    frame = measured(options.data, options.films, options.table, options.profile)
    for kind, name in ((True, "boxed opacities"), (False, "healthy lungs")):
        part = frame[frame.boxed == kind]
        print(f"{name}: {interval(int(part.accepted.sum()), len(part))} deletions accepted")
        print(
            "  not accepted for: "
            + "; ".join(f"{n} x {why}" for why, n in part[~part.accepted].code.value_counts().items())
        )
    frame["patient"] = frame.image.str[:8].astype(int)
    print("\nAccepted with a threshold too, boxed and healthy: chosen on patients of even number, tried on the others.")
    print("| measure | boxed, quartiles | healthy, quartiles | at least | even | odd |\n|---|---|---|---|---|---|")
    for name in ("excess", "z", "coherent", "beside"):
        print(compared(frame, name))


if __name__ == "__main__":
    main()
