"""Draw which NIH patients editors learn from: python tests/benchmarks/patient_parts.py [--data ../shared/data]

What judges an edit must not have learned from the patients that what makes it has learned from. The editor part holds
the patients of the contour files and healthy ones drawn by a seeded hash, the teacher part all others. Writes
`configs/patients.json` of the bundle.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from film_sets import SEED
from fit_healthy_lung import healthy_films

CONFIGS = Path("bundles/cars_chest_xray/configs")
CONTOURS = ("engineer_drawn_contours.json", "engineer_checked_lungs.json")
HEALTHY = 80  # about a third of the healthy patients; the teacher needs the rest as its negatives
NOTE = (
    "NIH ChestX-ray14 patients that the editors' weights (cars_anatomy, healthy_lung) may have seen: those of the "
    f"contour files and {HEALTHY} without findings, drawn by a seeded hash. Weights that judge edits (cars_teacher) "
    "are trained on the other patients only. Drawn by tests/benchmarks/patient_parts.py."
)


def order(patient: int) -> str:
    """A patient's place in a seeded order that does not depend on who else is in the table."""
    return hashlib.sha256(f"{SEED}:{patient}".encode()).hexdigest()


def contour_patients(configs: Path) -> set[int]:
    """NIH patients whose films have contours; names of other collections do not begin with eight digits."""
    names = [name for file in CONTOURS for name in json.loads((configs / file).read_text())["films"]]
    return {int(name[:8]) for name in names if name[:8].isdigit()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    drawn = contour_patients(CONFIGS)
    healthy = sorted(set(healthy_films(options.data).patient_id) - drawn, key=order)[:HEALTHY]
    editor = sorted(drawn | {int(patient) for patient in healthy})
    text = json.dumps({"note": NOTE, "seed": SEED, "nih-chestxray14:editor-patients": editor})
    (CONFIGS / "patients.json").write_text(text + "\n")
    print(f"editor part: {len(drawn)} patients with contours, {len(healthy)} without findings, {len(editor)} together")


if __name__ == "__main__":
    main()
