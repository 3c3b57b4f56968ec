"""Native pixels that changed outside the support, over real films and every lossless output format.

    python tests/benchmarks/outside_unchanged.py --data ../shared/data --edits 200

Every edit is written as DICOM, 16-bit PNG and NIfTI, read back, and compared with the source file's own pixels.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
import torch

FORMATS = (".dcm", ".png", ".nii.gz")
FOLDERS = ("nih_pneumonia_nofinding", "nih_diverse", "hannover_covid")
SEED = 7


def films(data: Path, count: int) -> list[Path]:
    """Films in a seeded order, and the DICOM films."""
    names = [p for folder in FOLDERS for p in sorted((data / folder / "images").glob("*.jpg"))]
    picked = pd.Series(names).sample(count, random_state=SEED).tolist()
    return sorted((data / "samples_dicom").glob("*.dcm")) + picked


def edits(seed: int) -> list:
    """One edit of every kind."""
    from monai_cars.edits.edit import Edit

    inserted = [Edit("insert", f, severity=0.5, seed=seed) for f in ("nodule", "mass", "consolidation", "effusion")]
    return [*inserted, Edit("sham", "nodule", seed=seed)]


def count_changes(film, made, path: Path) -> int:
    """Pixels of the written file that differ from the source outside the support."""
    from monai_cars.files.radiograph import read_native, read_radiograph, write_radiograph

    write_radiograph(path, made.image, header=film.header, support=made.support, record=made.record)
    again = read_radiograph(path, check=False).image
    source = read_radiograph(film.header.source, check=False).image
    assert read_native(path, check=False).stored.shape == source.shape[1:]
    return int(((again != source) & (made.support == 0)).sum())


def main() -> None:
    """Print one table row a format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--edits", type=int, default=200, help="accepted edits to collect")
    args = parser.parse_args()
    torch.set_num_threads(1)
    from monai_cars.chest_xray.anatomy import load_segmenter
    from monai_cars.files.radiograph import read_radiograph
    from monai_cars.loop.counterfactual import make_counterfactual

    segmenter = load_segmenter()
    changed, inside, accepted, tried = dict.fromkeys(FORMATS, 0), [], 0, 0
    for seed, path in enumerate(cycle(films(args.data, args.edits))):
        film = read_radiograph(path)
        anatomy = segmenter(film.image)
        for edit in edits(seed):
            tried += 1
            made = make_counterfactual(film.image, anatomy, edit, header=film.header)
            if not made.accepted:
                continue
            accepted += 1
            inside.append(int((made.image != film.image).sum()))
            with tempfile.TemporaryDirectory() as folder:
                for suffix in FORMATS:
                    changed[suffix] += count_changes(film, made, Path(folder) / f"film{suffix}")
        if accepted >= args.edits:
            break
    print(f"{accepted} accepted of {tried} edits; median pixels changed inside the support: {np.median(inside):.0f}\n")
    print("| format | pixels changed outside the support |\n|---|---|")
    for suffix, count in changed.items():
        print(f"| {suffix} | {count} |")


if __name__ == "__main__":
    main()
