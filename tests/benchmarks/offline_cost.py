"""Time and memory of one edit of the 1955 x 1841 film, gate included, and of its segmentation.

    python tests/benchmarks/offline_cost.py [--threads 2]

Medians of ``--repeats`` runs in one process; the ratio is against one segmentation in the same run. Peak memory is that
of the whole process, libraries included.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time

import torch
from pydicom.data import get_testdata_file

MASS = (1081.0, 1341.0, 1277.0, 1575.0)  # box of one mass in RG1_UNCR.dcm, native pixels (y0, x0, y1, x1)


def timed(call, repeats: int) -> float:
    """Median seconds of a call."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main() -> None:
    """Print one table row an edit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    from monai_cars.chest_xray.anatomy import load_segmenter
    from monai_cars.chest_xray.gate import default_gate
    from monai_cars.edits.edit import Edit, Region
    from monai_cars.files.radiograph import read_radiograph
    from monai_cars.loop.counterfactual import make_counterfactual

    film = read_radiograph(get_testdata_file("RG1_UNCR.dcm"))
    segmenter = load_segmenter()
    anatomy = segmenter(film.image)
    segmentation = timed(lambda: segmenter(film.image), args.repeats)
    edits = [Edit("insert", f, severity=0.4, seed=3) for f in ("nodule", "mass", "consolidation", "effusion")]
    edits += [Edit("sham", "nodule", seed=3), Edit("delete", "mass", region=Region(box=MASS))]
    print(f"segmentation of {tuple(film.image.shape[1:])}: {segmentation:.2f} s, {args.threads} threads\n")
    print("| edit | cheap gate, s | full gate, s | full gate / segmentation | accepted |\n|---|---|---|---|---|")
    for edit in edits:
        row, made = [], None
        for profile in ("cheap", "full"):
            gate = default_gate(edit.finding, edit.operation, profile)

            def once(edit=edit, gate=gate):
                return make_counterfactual(
                    film.image, anatomy, edit, header=film.header, gate=gate, segmenter=segmenter
                )

            made = once()
            row.append(timed(once, args.repeats))
        print(
            f"| {edit.operation} {edit.finding} | {row[0]:.2f} | {row[1]:.2f} | {row[1] / segmentation:.1f} "
            f"| {made.accepted}, attempt {made.record['attempts']} |"
        )
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB")


if __name__ == "__main__":
    main()
