"""Patients with a film with a boxed opacity and one without a finding: python tests/benchmarks/boxed_and_clear.py

What the calibrated checks of "insert opacities" say of the real change from the clear film to the boxed one, by models
that have not learned from the patient. The films do not lie upon each other, so that checks that compare pixels or
places are left out: this describes, it decides nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from calibrate_gate import _read, films_of
from held_out_models import held_out_models

from monai_cars.chest_xray import BUNDLE
from monai_cars.edits.edit import Box, Edit
from monai_cars.gates import Context, LevelInside, TargetLevel, TargetMoved
from monai_cars.gates.answers import keep_answer
from monai_cars.gates.thresholds import shipped_thresholds, with_threshold
from monai_cars.loop.counterfactual import upright_film
from monai_cars.modality import modality_of


def judged(clear: dict, boxed: dict, data: Path) -> dict[str, bool]:
    """Check -> whether it passes, on two films of a patient."""
    (first, masks), (second, anatomy) = (_read(data, row) for row in (clear, boxed))
    models = held_out_models(boxed["patient_id"], data)
    lesion = torch.zeros(second.image.shape[1:], dtype=torch.bool)
    y0, x0, y1, x1 = (int(end) for end in boxed["boxes"][0])
    lesion[y0 : y1 + 1, x0 : x1 + 1] = True
    box = Box.whole(lesion.shape)
    film = upright_film(modality_of("opacities"), second.image, anatomy, second.header)
    context = Context(Edit("insert", "opacities"), film, box, lesion, lesion, None, None)
    # The clear film has its own anatomy.
    keep_answer(models.teacher, models.teacher.answered(first.image, masks), "before", context)
    known = shipped_thresholds(BUNDLE).of("insert", "opacities")
    checks = (TargetMoved(models.teacher), TargetLevel(models.teacher), LevelInside(models.localiser))
    checks = [with_threshold(check, known[check.name]) for check in checks]
    return {check.name: check(second.image, second.image, context).verdict == "pass" for check in checks}


def main() -> None:
    """Print how many patients pass each check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    data = parser.parse_args().data
    films = films_of(data)
    boxed = films[films.boxes.notna()].drop_duplicates("patient_id")
    clear = films[films.boxes.isna() & films.labels.str.startswith("No Finding")].drop_duplicates("patient_id")
    pairs = boxed.merge(clear[["patient_id"]], on="patient_id")
    healthy = clear.set_index("patient_id").assign(patient_id=lambda frame: frame.index)
    found = [judged(healthy.loc[row["patient_id"]].to_dict(), row, data) for row in pairs.to_dict("records")]
    print(f"{len(found)} patients with a boxed and a clear film")
    for name in found[0] if found else ():
        print(f"- {name}: {sum(row[name] for row in found)} pass")


if __name__ == "__main__":
    main()
