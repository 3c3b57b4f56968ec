"""What a gate lets through: real edits and controls offered as if they were the finding, with the same attempts.

    python tests/benchmarks/gate_controls.py --data ../shared/data --films 6 --profile cheap [--jobs 2] [--claims 2]

Every control claims a finding, a side and a severity, and gets as many attempts as a real edit; it passes when any of
them is accepted. Misplaced controls are counted twice: by the whole gate, and without its site check, which shows what
the other checks contribute. Rates have 95 % intervals by a bootstrap of patients. Edits that the editor did not propose
at all count as abstentions of real edits and are left out of controls. No threshold was set on these patients
(`calibrate_gate`), and models that have not learned from a patient judge it (`held_out_models`). A proposal that the
checks without a network refuse, the site check aside, is not shown to the networks. Rows with all values go to the JSON
file, the tables beside it as markdown.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
import torch
from calibrate_gate import films_of as calibration_films
from film_sets import NIH, SEED, anatomy_of, boxed_films, corners, tables
from held_out_models import held_out_models, named

from monai_cars.evaluation.acceptance import acceptance_by, acceptance_table, age_band
from monai_cars.gates.calibration import part_of

FILMS = 210
# Of the films, where there are as many.
SHARES = {"PA adult": 0.55, "AP adult": 0.25, "child": 0.10, "bedside": 0.05, "devices": 0.05}
INSERTED = ("opacities", "consolidation", "effusion", "mass", "nodule", "enlarged heart", "pleural air")
CLAIMED = ("nodule", "consolidation", "mass", "opacities")  # findings that controls are offered as
SITE = ("inside_lung", "inside_region")
SEVERITY = (0.2, 0.5, 0.8)
HEAD = "| {} | accepted | share (95 %) | patients |\n|---|---|---|---|"


def films_of(data: Path, count: int) -> pd.DataFrame:
    """About that many films of patients on whom no threshold was set, one a patient, with view, sex and age."""
    kinds, frontal = tables(data), _frontal(data)
    kinds["AP adult"] = frontal[(frontal.view == "AP") & (frontal.age >= 18)]
    known = pd.concat([kinds[kind].assign(kind=kind) for kind in SHARES])
    known["patient_id"] = [named(row.folder, row.patient_id) for row in known.itertuples()]
    known["view"] = known.view.fillna(known.projection.str.upper())
    known["sex"] = known.sex.str.upper()
    free = known[~known.patient_id.map(set_thresholds(data))].sample(frac=1, random_state=SEED)
    single = free.drop_duplicates("patient_id")
    parts = [single[single.kind == kind].head(round(share * count)) for kind, share in SHARES.items()]
    return pd.concat(parts)[["folder", "image", "kind", "patient_id", "view", "sex", "age"]]


def set_thresholds(data: Path) -> Callable[[str], bool]:
    """Patient (as `named`) -> whether a threshold was set on any film of theirs; those that only tested it were not."""
    films = calibration_films(data)
    seen = set(films[~films.own | films.boxes.notna()].patient_id)
    return lambda name: name in seen and part_of(name, 0) != "test"


def rows_of_film(film: dict, *, data: Path, profile: str, claims: int, attempts: int, only: str | None) -> list[dict]:
    """One row for every real insertion and every control on one film, or for `only` one of both."""
    from monai_cars.files.radiograph import read_radiograph

    torch.set_num_threads(1)
    path = data / film["folder"] / "images" / film["image"]
    read = read_radiograph(path)
    models = held_out_models(film["patient_id"], data)
    judge = partial(_judged, read, anatomy_of(path, read.image), profile=profile, attempts=attempts, models=models)
    known = {name: film[name] for name in ("image", "patient_id", "view", "sex", "age", "kind")}
    half = {"real": (True,), "controls": (False,), None: (True, False)}[only]
    asked = [(edit, control) for edit, control in _asked(film["image"], claims) if (control is None) in half]
    return [{**known, **judge(edit, control)} for edit, control in asked]


def _asked(name: str, claims: int) -> Iterator[tuple]:
    """(edit, control or None) of one film; side, zone and severity follow from its name."""
    from monai_cars.chest_xray.controls import OFFERED, THIRDS, suits
    from monai_cars.edits.edit import Edit

    draw = np.random.default_rng(crc32(name.encode()))
    side, zone = str(draw.choice(["left", "right"])), str(draw.choice(THIRDS))
    for number, finding in enumerate(INSERTED):
        sided = None if finding == "enlarged heart" else side
        yield Edit("insert", finding, side=sided, severity=float(draw.choice(SEVERITY)), seed=number), None
    start = int(draw.integers(len(CLAIMED)))
    for finding in islice(cycle(CLAIMED), start, start + claims):
        severity = float(draw.choice(SEVERITY))
        for control in OFFERED:
            edit = Edit("insert", finding, side=side, zone=zone if control == "wrong zone" else None, severity=severity)
            if suits(control, edit):
                yield edit, control
    for seed in range(claims):
        yield Edit("insert", "enlarged heart", severity=float(draw.choice(SEVERITY)), seed=seed), "density in the heart"


def deletion_of_film(film: dict, *, data: Path, profile: str, attempts: int) -> dict:
    """The row of a boxed opacity's deletion."""
    from monai_cars.edits.edit import Edit, Region
    from monai_cars.files.radiograph import read_radiograph

    torch.set_num_threads(1)
    path = data / film["folder"] / "images" / film["image"]
    read = read_radiograph(path)
    edit = Edit("delete", "opacities", region=Region(box=film["box"]))
    models = held_out_models(film["patient_id"], data)
    row = _judged(read, anatomy_of(path, read.image), edit, None, profile=profile, attempts=attempts, models=models)
    return {name: film[name] for name in ("image", "patient_id", "view", "sex", "age")} | row


def _judged(read, anatomy, edit, control: str | None, *, profile: str, attempts: int, models) -> dict:
    """Run the loop with a gate that remembers all attempts."""
    from monai_cars.chest_xray.anatomy import load_segmenter
    from monai_cars.chest_xray.controls import ControlEditor
    from monai_cars.chest_xray.gate import default_gate
    from monai_cars.loop.counterfactual import make_counterfactual

    gate = default_gate(edit.finding, edit.operation, profile, models=models)
    frugal, verdicts = _frugal(gate, default_gate(edit.finding, edit.operation).names)
    options = {"segmenter": load_segmenter() if profile == "full" else None, "max_attempts": attempts}
    options["editor"] = ControlEditor(control) if control else None
    made = make_counterfactual(read.image, anatomy, edit, header=read.header, gate=frugal, **options)
    failed = [[c.name for c in verdict.checks if c.required and c.verdict != "pass"] for verdict in verdicts]
    return {
        "operation": edit.operation,
        "finding": edit.finding,
        "control": control,
        "made": bool(failed),
        "accepted": any(not names for names in failed),
        "accepted_without_site": any(not set(names) - set(SITE) for names in failed),
        "failed": failed[-1] if failed else [made.record["reason"]],
        "attempts": [{c.name: c.value for c in verdict.checks} for verdict in verdicts],
        "thresholds": gate.thresholds,
    }


def _frugal(gate, first: tuple[str, ...]):
    """A gate that keeps its verdicts, and asks the checks behind the `first` only where those let a film through."""
    from monai_cars.gates import Gate
    from monai_cars.gates.contract import joined

    verdicts: list = []

    class Frugal(Gate):
        def __call__(self, before, after, context):
            results: list = []
            for part in (first, set(self.names) - set(first)):
                found = Gate([check for check in self.checks if check.name in part])(before, after, context).checks
                results += [replace(result, required=result.name not in self.advisory) for result in found]
                if any(r.required and r.verdict != "pass" and r.name not in SITE for r in results):
                    break
            verdicts.append(joined(results))
            return verdicts[-1]

    return Frugal(gate.checks, gate.advisory, gate.thresholds), verdicts


def report(rows: list[dict]) -> str:
    """All tables as markdown."""
    real = [row for row in rows if not row["control"]]
    controls = [row for row in rows if row["control"] and row["made"]]
    free = [{**row, "accepted": row["accepted_without_site"]} for row in controls]
    parts = [
        f"Thresholds: {', '.join(sorted({row['thresholds'] for row in rows}))}.",
        _table("real edits", real, _edit),
    ]
    parts.append(_table("controls", controls, "control"))
    parts.append(_table("controls, without the site check", free, "control"))
    parts += [
        _table(f"real edits by {name}", real, by) for name, by in (("view", "view"), ("sex", "sex"), ("age", age_band))
    ]
    for name, group in (("real edits", real), ("controls", controls)):
        why = Counter(check for row in group if not row["accepted"] for check in row["failed"]).most_common(8)
        parts.append(f"{name} not accepted for (last attempt): " + "; ".join(f"{n} x {check}" for check, n in why))
    parts.append(f"real edits that could not be made: {sum(not row['made'] for row in real)} of {len(real)}")
    return "\n\n".join(parts)


def _edit(row: dict) -> str:
    return f"{row['operation']} {row['finding']}"


def _table(title: str, rows: list[dict], by) -> str:
    return HEAD.format(title) + "\n" + acceptance_table(acceptance_by(rows, by, patient="patient_id"))


def main() -> None:
    """Print the tables and keep rows and tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--films", type=int, default=FILMS)
    parser.add_argument("--deletions", type=int, default=None, help="boxed films; as many as films when left out")
    parser.add_argument("--claims", type=int, default=2, help="findings that every control is offered as on a film")
    parser.add_argument("--only", choices=("real", "controls"), help="one half of it")
    parser.add_argument("--profile", choices=("cheap", "full"), default="cheap")
    parser.add_argument("--attempts", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("runs/gate_controls.json"))
    args = parser.parse_args()
    films = films_of(args.data, args.films).to_dict("records")
    boxed = deletions_of(args.data).head(args.films if args.deletions is None else args.deletions)
    boxed = boxed.head(0) if args.only == "controls" else boxed
    options = {"data": args.data, "profile": args.profile, "attempts": args.attempts}
    inserted = partial(rows_of_film, claims=args.claims, only=args.only, **options)
    rows = [row for film in _mapped(inserted, films, args.jobs) for row in film]
    rows += _mapped(partial(deletion_of_film, **options), boxed.to_dict("records"), args.jobs)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(rows, indent=1, default=str))
    said = f"{len(films)} films, {len(boxed)} boxed films, profile {args.profile}, {args.attempts} attempts"
    text = f"{said}\n\n{report(rows)}"
    args.output.with_suffix(".md").write_text(text + "\n")
    print(text)


def deletions_of(data: Path) -> pd.DataFrame:
    """Films with a boxed opacity, of patients on whom no threshold was set."""
    boxed = boxed_films(data, 10**6)
    boxed["box"] = [corners(row) for row in boxed.itertuples()]
    columns = ["folder", "image", "patient_id", "view", "sex", "age"]
    boxed = boxed[["folder", "image", "box"]].merge(_frontal(data)[columns], on=["folder", "image"])
    boxed["patient_id"] = [named(row.folder, row.patient_id) for row in boxed.itertuples()]
    return boxed[~boxed.patient_id.map(set_thresholds(data))]


def _frontal(data: Path) -> pd.DataFrame:
    return pd.concat([pd.read_csv(data / folder / "labels.csv").assign(folder=folder) for folder in NIH])


def _mapped(call, items: list, jobs: int) -> list:
    if jobs == 1:
        return [call(item) for item in items]
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        return list(pool.map(call, items, chunksize=1))


if __name__ == "__main__":
    main()
