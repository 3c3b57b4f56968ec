"""How much heart and lungs of one patient differ between two films: python tests/benchmarks/repeat_measurements.py

PA films of NIH adults, the first two of a patient, one pair a patient, in a seeded order. Some lie years of disease
apart, so the upper percentiles hold more than repetition: the check `measurement_agrees` takes what an edit must not
change from the 75th.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from film_sets import SEED, anatomy_of, tables

from monai_cars.chest_xray.anatomy import contrast_unit
from monai_cars.chest_xray.measurement.readings import Lungs, sizes
from monai_cars.files.radiograph import read_radiograph


def pairs(data: Path, count: int) -> list[tuple[Path, Path]]:
    """The first two films of some patients."""
    frame = tables(data)["PA adult"].sort_values(["patient_id", "followup"]).drop_duplicates("image")
    frame = frame[frame.dup_of.isna()] if "dup_of" in frame else frame
    found = []
    for _, films in frame.groupby("patient_id"):
        if len(films) > 1:
            one, other = (data / row.folder / "images" / row.image for row in films.head(2).itertuples())
            found.append((one, other))
    return [found[i] for i in np.random.default_rng(SEED).permutation(len(found))[:count]]


def readings(path: Path) -> np.ndarray:
    """Cardiothoracic ratio, log of the fields' pixels over the film's, aerated share of each side."""
    image = read_radiograph(path).image
    anatomy = anatomy_of(path, image)
    seen, lungs = sizes(anatomy), Lungs(anatomy, contrast_unit(image, anatomy))
    density = lungs.density(image)
    fields = np.log(np.maximum(seen.fields, 1.0) / image.numel())
    return np.array([seen.cardiothoracic, *fields, *(lungs.aerated(density, side) for side in (0, 1))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--pairs", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    apart = np.abs([readings(one) - readings(other) for one, other in pairs(options.data, options.pairs)])
    apart = apart[np.isfinite(apart).all(1)]
    for name, columns in (("cardiothoracic ratio", [0]), ("log of a field's area", [1, 2]), ("aerated share", [3, 4])):
        values = apart[:, columns].ravel()
        told = ", ".join(f"P{q} {np.percentile(values, q):.3f}" for q in (50, 75, 90, 95))
        print(f"{name}, {len(apart)} pairs: {told}")


if __name__ == "__main__":
    main()
