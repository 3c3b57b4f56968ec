"""Calibrate the gate, write its thresholds: python tests/benchmarks/calibrate_gate.py --data ../shared/data [--jobs 2]

Real pairs: repeat films of a patient (classifier only: nothing lies where it lay), and light changes of acquisition (a
gamma within 10 %, noise, a slight blur). Controls: sham and blur in the loop of real edits. Light changes and controls
are of patients that no shipped teacher has learned from: the editors' part of the NIH patients and all of Hannover.
Real positives are all films of adults with boxed opacities, each judged by a network that has not seen the patient
(`held_out_models`: first run teacher_accuracy.py --train-folds); healthy and repeat films likewise. Writes --output,
the bundle's gate.json unless told otherwise, and prints what the thresholds let through among patients kept apart.
"""

from __future__ import annotations

import argparse
import pickle
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
import torch
from film_sets import NIH, SEED, anatomy_of
from held_out_models import held_out_models, named, teachers_own
from scipy import ndimage as ndi

GATE = Path("bundles/cars_chest_xray/configs/gate.json")
CLAIMED = ("consolidation", "opacities", "pneumonitis", "infection")  # what the boxes were drawn around
KINDS = ("sham", "blur")
# No pair of real films says how far masks may move beside a finding: a second exposure moves them less than any real
# finding does, another film of the patient, laid upon the first, so far that anything would pass. 0.90 is kept.
BY_DEFINITION = ("anatomy_preserved",)
GAMMA, NOISE, BLUR = 0.10, 0.004, 0.5  # share, share of the film's range, pixels: what a second exposure changes


def films_of(data: Path) -> pd.DataFrame:
    """Films (folder, image, patient_id as `named`, view, labels, boxes, own: the shipped teacher learned from them)."""
    nih = pd.concat([pd.read_csv(data / folder / "labels.csv").assign(folder=folder) for folder in NIH])
    nih = nih[nih.age >= 18]
    nih["labels"] = nih.finding_labels + "|" + nih.rsna_class.fillna("")
    bedside = pd.read_csv(data / "hannover_covid" / "labels.csv").assign(folder="hannover_covid", labels="")
    bedside["image"] = bedside.image.where(bedside.image.str.endswith(".jpg"), bedside.image + ".jpg")
    bedside["view"] = bedside.projection.str.upper()
    found = pd.concat([nih, bedside], ignore_index=True)[["folder", "image", "patient_id", "view", "labels"]]
    found["own"] = teachers_own(found, data)
    found["boxes"] = found.image.map(_boxes(data))
    found["patient_id"] = [named(row.folder, row.patient_id) for row in found.itertuples()]
    return found.sample(frac=1, random_state=SEED)


def lightly_changed(image: np.ndarray, seed: int) -> np.ndarray:
    """(H, W) the film as a second exposure of the same chest would show it: gamma, noise, blur."""
    draw = np.random.default_rng(seed)
    low, high = float(image.min()), float(image.max())
    share = np.clip((image - low) / max(high - low, 1e-6), 0, 1) ** draw.uniform(1 - GAMMA, 1 + GAMMA)
    share = ndi.gaussian_filter(share, draw.uniform(0, BLUR)) + draw.normal(0, draw.uniform(0, NOISE), image.shape)
    return np.round(low + (high - low) * np.clip(share, 0, 1)).astype(np.float32)


def _read(data: Path, row: dict):
    from monai_cars.files.radiograph import read_radiograph

    torch.set_num_threads(1)
    path = data / row["folder"] / "images" / row["image"]
    film = read_radiograph(path)
    return film, anatomy_of(path, film.image)


def light_pair(row: dict, *, data: Path) -> list:
    """Results of the preservation checks on a film and its light change, at the place of a sham."""
    from monai_cars.chest_xray.anatomy import load_segmenter
    from monai_cars.chest_xray.gate import default_gate
    from monai_cars.edits.edit import Edit
    from monai_cars.gates.trials import Witness
    from monai_cars.loop.counterfactual import make_counterfactual

    film, anatomy = _read(data, row)
    changed = torch.from_numpy(lightly_changed(film.image[0].numpy(), crc32(row["image"].encode())))[None]

    class Changed(Witness):
        def __call__(self, before, after, context):
            return super().__call__(before, changed, context)

    gate = default_gate("nodule", "sham", "full")
    witness = Changed(gate.checks, gate.advisory)
    edit, options = Edit("sham", "nodule"), {"header": film.header, "gate": witness, "max_attempts": 1}
    make_counterfactual(film.image, anatomy, edit, segmenter=load_segmenter(), **options)
    return [[c for c in verdict.checks if c.name not in BY_DEFINITION] for verdict in witness.verdicts]


def repeat_pair(rows: tuple[dict, dict], *, data: Path) -> list:
    """Results of the checks of a classifier that compare two films of one patient."""
    from monai_cars.edits.edit import Box, Edit
    from monai_cars.gates import Context, OffTargetStable
    from monai_cars.loop.counterfactual import upright_film
    from monai_cars.modality import modality_of

    (first, anatomy), (second, masks) = (_read(data, row) for row in rows)
    nothing = torch.zeros(first.image.shape[1:], dtype=torch.bool)
    film, box = upright_film(modality_of("nodule"), first.image, anatomy, first.header), Box.whole(nothing.shape)
    context = Context(Edit("sham", "nodule"), film, box, nothing, nothing, None, None)
    teacher = held_out_models(rows[0]["patient_id"], data).teacher
    context.once((id(teacher), "p", "after"), lambda: (teacher, teacher(second.image, masks)))  # with its own anatomy
    return [[OffTargetStable(teacher)(first.image, second.image, context)]]


def control_trials(row: dict, *, data: Path, finding: str, kind: str, attempts: int) -> list:
    """Results of every attempt of a control."""
    from monai_cars.chest_xray.controls import ControlEditor
    from monai_cars.edits.edit import Edit
    from monai_cars.gates.trials import Witness
    from monai_cars.loop.counterfactual import make_counterfactual

    film, anatomy = _read(data, row)
    edit = Edit("insert", finding, severity=float(crc32(row["image"].encode()) % 5) / 4)
    witness = Witness(_deciding(edit, "change", held_out_models(row["patient_id"], data)))
    options = {"header": film.header, "gate": witness, "max_attempts": attempts, "editor": ControlEditor(kind)}
    make_counterfactual(film.image, anatomy, edit, **options)
    return [verdict.checks for verdict in witness.verdicts]


def _deciding(edit, purpose: str, models) -> list:
    """Checks of an edit's gate that it requires once calibrated: what is only recorded holds nothing back.

    Levels are calibrated for the record too, where a classifier can be trusted.
    """
    from monai_cars.chest_xray.gate import decides, default_gate
    from monai_cars.gates.implications import decisive
    from monai_cars.gates.thresholds import BOUNDED

    known = default_gate(edit.finding, edit.operation, "full", models=models).checks
    asked = [check for check in known if check.name in BOUNDED and BOUNDED[check.name].purpose == purpose]
    if purpose == "level":
        return [check for check in asked if check.name != "target_level" or decisive(models.teacher, edit.finding)]
    return [check for check in asked if decides(check, edit.finding, models.teacher)]


def level_trials(row: dict, *, data: Path, finding: str, operation: str) -> list:
    """Results of the checks of a level on a real film: at its first box, or of a healthy one where an edit could lie.

    An insertion may lie anywhere in a healthy film's lungs, a deletion takes a third of one lung.
    """
    from monai_cars.edits.edit import Box, Edit, Region
    from monai_cars.gates import Context
    from monai_cars.loop.counterfactual import upright_film
    from monai_cars.modality import modality_of

    film, anatomy = _read(data, row)
    lesion = anatomy[:2].any(0)
    if row["boxed"]:
        y0, x0, y1, x1 = (int(end) for end in row["boxes"][0])
        lesion = torch.zeros_like(lesion)
        lesion[y0 : y1 + 1, x0 : x1 + 1] = True
    elif operation == "delete":
        lesion = third_of_a_lung(anatomy, crc32(row["image"].encode()))
    box, seen = Box.whole(lesion.shape), upright_film(modality_of(finding), film.image, anatomy, film.header)
    edit = Edit(operation, finding, region=Region(mask=lesion) if operation == "delete" else None)
    context = Context(edit, seen, box, lesion, lesion, None, None)
    levels = _deciding(edit, "level", held_out_models(row["patient_id"], data))
    if operation == "delete":  # what a film with an opacity shows after its deletion is not known
        levels = [check for check in levels if check.name == "present_before"]
    return [[check(film.image, film.image, context) for check in levels]]


def third_of_a_lung(anatomy: torch.Tensor, draw: int) -> torch.Tensor:
    """(H, W) bool: upper, middle or lower third of the rows of one lung field."""
    lung = anatomy[draw % 2] > 0
    rows = torch.nonzero(lung.any(1)).flatten()
    top, height = int(rows[0]), len(rows) // 3 + 1
    part = torch.zeros_like(lung)
    start = top + draw // 2 % 3 * height
    part[start : start + height] = lung[start : start + height]
    return part


def collect(films: pd.DataFrame, data: Path, attempts: int, jobs: int) -> tuple[dict, dict, dict, dict]:
    """Pairs, controls, positives and healthy films as `calibrate_gate` takes them."""
    from monai_cars.chest_xray.gate import shipped_models
    from monai_cars.gates.trials import trials

    def run(call, items: list, patients: list[str]):
        with ProcessPoolExecutor(max_workers=jobs) as pool:
            return trials(list(pool.map(call, items) if jobs > 1 else map(call, items)), patients)

    everyone, films = films, films[~films.own]
    single = films.drop_duplicates("patient_id")
    rows, owners = single.to_dict("records"), single.patient_id.tolist()
    pairs = {"light changes of acquisition": run(partial(light_pair, data=data), rows, owners)}
    if shipped_models().teacher is None:
        return pairs, {}, {}, {}
    twice = [group.head(2) for _, group in everyone.groupby(["patient_id", "view"]) if len(group) > 1]
    repeats = [tuple(group.to_dict("records")) for group in twice]
    owners_of_two = [group.patient_id.iloc[0] for group in twice]
    pairs["repeat films"] = run(partial(repeat_pair, data=data), repeats, owners_of_two)
    controls, positives, healthy = {}, {}, {}
    for finding in CLAIMED:
        call = partial(control_trials, data=data, finding=finding, attempts=attempts)
        controls[f"insert {finding}"] = {kind: run(partial(call, kind=kind), rows, owners) for kind in KINDS}
    sick, well = everyone[everyone.boxes.notna()], everyone[everyone.labels.str.startswith("No Finding")]
    for edit in [*(f"insert {finding}" for finding in CLAIMED), *(f"delete {finding}" for finding in CLAIMED)]:
        operation, finding = edit.split(" ", 1)
        for into, part in ((positives, sick), (healthy, well[well.boxes.isna()])):
            part = part.drop_duplicates("patient_id").assign(boxed=into is positives)
            call = partial(level_trials, data=data, finding=finding, operation=operation)
            into[edit] = run(call, part.to_dict("records"), part.patient_id.tolist())
    return pairs, controls, positives, healthy


def _boxes(data: Path) -> dict[str, list[tuple[float, ...]]]:
    found: dict[str, list[tuple[float, ...]]] = {}
    for row in pd.read_csv(data / NIH[0] / "boxes.csv").itertuples():
        corners = (row.y_512, row.x_512, row.y_512 + row.h_512, row.x_512 + row.w_512)
        found.setdefault(row.image, []).append(corners)
    return found


def main() -> None:
    """Write the thresholds and print them with what they do."""
    from monai_cars.gates.calibration import ALPHA, calibrate_gate

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--films", type=int, default=None, help="the first so many patients only")
    parser.add_argument("--attempts", type=int, default=4)
    parser.add_argument("--alpha", type=float, default=ALPHA)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--output", type=Path, default=GATE)
    parser.add_argument("--trials", type=Path, default=Path("runs/gate_trials.pkl"), help="kept there; read when there")
    args = parser.parse_args()
    films = films_of(args.data)
    films = films[films.patient_id.isin(films.patient_id.drop_duplicates().head(args.films or len(films)))]
    if not args.trials.exists():
        args.trials.parent.mkdir(parents=True, exist_ok=True)
        args.trials.write_bytes(pickle.dumps(collect(films, args.data, args.attempts, args.jobs)))
    found = calibrate_gate(*pickle.loads(args.trials.read_bytes()), alpha=args.alpha)
    found.save(args.output)
    print(found.name)
    for name, limits in {"every edit": found.everywhere, **found.by_edit}.items():
        print(f"- {name}: " + ", ".join(f"{check} {limit:.3g}" for check, limit in limits.items()))
    print("\n| films | patients | pass the thresholds, of patients kept apart |\n|---|---|---|")
    for name, (passed, of) in found.tested.items():
        print(f"| {name} | {found.counts[name]} | {passed}/{of} |")


if __name__ == "__main__":
    main()
