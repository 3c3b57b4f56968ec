"""Delete what was inserted and compare with the film as it was: python tests/benchmarks/deletion_truth.py [--films 6]

A finding is inserted into a film without it (gate on), then deleted with its lesion mask as the region (gate on). The
error is the mean absolute difference from the original film inside the lesion after a low-pass of 2 mm, as a share of
what the insertion had changed there: 0 is a perfect deletion, 1 none at all. Reticulation is compared by the spread of
its texture: where its lines lay cannot be told from the film.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from film_sets import anatomy_of, fixed_films
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.attenuation import DRAWINGS
from monai_cars.chest_xray.measurement.reticulation import texture
from monai_cars.edits.edit import Edit, Region
from monai_cars.files.radiograph import read_radiograph
from monai_cars.loop.counterfactual import make_counterfactual

FINDINGS = (
    "nodule",
    "mass",
    "irregular hilum",
    "adenopathy",
    "consolidation",
    "opacities",
    "pneumonitis",
    "infection",
    "edema",
    "atelectasis",
    "irregular parenchyma",
    "effusion",
    "costophrenic blunting",
)
LOW_PASS = 2.0  # millimetres of an inner thorax of 280 mm


def left_over(film: torch.Tensor, inserted, deleted, millimetre: float, finding: str) -> float:
    """Share of the inserted change that a deletion leaves, within the lesion."""
    lesion = inserted.lesion[0].numpy() > 0
    seen = [image[0].numpy() for image in (film, inserted.image, deleted.image)]
    if finding == "irregular parenchyma":
        healthy, ill, left = (texture(image, 1.0 / millimetre) for image in seen)
    else:
        healthy, ill, left = (ndi.gaussian_filter(image, LOW_PASS * millimetre) for image in seen)
    return float(np.abs(left - healthy)[lesion].mean() / max(np.abs(ill - healthy)[lesion].mean(), 1e-6))


def attempt(path: Path, finding: str, severity: float, seed: int) -> tuple[str, float | None]:
    """Outcome ("" when deleted, a reason otherwise, "not inserted") and the share that is left."""
    film = read_radiograph(path)
    anatomy = anatomy_of(path, film.image)
    edit = Edit("insert", finding, severity=severity, seed=seed)
    inserted = make_counterfactual(film.image, anatomy, edit, header=film.header)
    if not inserted.accepted:
        return "not inserted", None
    undo = Edit("delete", finding, seed=seed, region=Region(mask=inserted.lesion[0] > 0))
    deleted = make_counterfactual(inserted.image, anatomy, undo, header=film.header)
    if not deleted.accepted:
        return deleted.record["reason"], None
    columns = torch.nonzero(anatomy[:2].amax((0, 1))).flatten()
    return "", left_over(film.image, inserted, deleted, float(columns.max() - columns.min()) / 280.0, finding)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--films", type=int, default=6)
    parser.add_argument("--severity", type=float, default=0.4)
    parser.add_argument("--findings", default=",".join(FINDINGS))
    parser.add_argument("--reasons", action="store_true", help="print why deletions were not accepted")
    options = parser.parse_args()
    torch.set_num_threads(1)
    films = fixed_films(options.data, (options.films, 0, 0, 0))
    print("| finding | inserted | deleted | residual error share, median (worst) |\n|---|---|---|---|")
    for finding in options.findings.split(","):
        assert DRAWINGS[finding].delete, finding
        outcomes = [
            attempt(options.data / row.folder / "images" / row.image, finding, options.severity, k)
            for k, row in enumerate(films.itertuples())
        ]
        drawn = [outcome for outcome in outcomes if outcome[0] != "not inserted"]
        left = [share for reason, share in drawn if share is not None]
        error = f"{np.median(left):.2f} ({max(left):.2f})" if left else "-"
        print(f"| {finding} | {len(drawn)}/{len(outcomes)} | {len(left)} | {error} |", flush=True)
        if options.reasons:
            for reason, count in Counter(reason for reason, share in drawn if share is None).items():
                print(f"    {count} x {reason}")


if __name__ == "__main__":
    main()
