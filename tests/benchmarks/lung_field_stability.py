"""Effusion and pleural air: is the asked share reached, and does the whole lung field stay as large as it was?

    python tests/benchmarks/lung_field_stability.py --data ../shared/data [--films 30] [--pairs 60]

Erect PA films of adults (NIH), one a patient, edited without a gate; the share is the library's `measure`, the field is
segmented anew on the edited film. Beside it: how much the field of one patient differs between two PA films.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from film_sets import NIH, SEED, anatomy_of, fixed_films, tables

from monai_cars.chest_xray.anatomy import load_segmenter
from monai_cars.edits.edit import Edit
from monai_cars.files.radiograph import read_radiograph
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual

FINDINGS, SEVERITIES, TOLERANCE = ("effusion", "pleural air"), (0.2, 0.5, 0.8), 0.20


def main() -> None:
    """Print the repeat films' line, then one line a finding and severity."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--films", type=int, default=30)
    parser.add_argument("--pairs", type=int, default=60)
    options = parser.parse_args()
    torch.set_num_threads(1)
    repeats = np.array([difference(*map(field_of, pair)) for pair in repeat_pairs(options.data, options.pairs)])
    limit = float(np.percentile(repeats, 95))
    print(f"repeat films, {len(repeats)} pairs: field differs by {spread(repeats)}\n")
    print("| finding | severity | edited | share within 20 % | field changes by | within repeats' P95 |")
    print("|---|---|---|---|---|---|")
    frame = fixed_films(options.data, (options.films, 0, 0, 0))
    films = [options.data / row.folder / "images" / row.image for row in frame.itertuples()]
    for finding in FINDINGS:
        for severity in SEVERITIES:
            found = np.array([row for row in (outcome(film, finding, severity) for film in films) if row])
            near, change = np.mean(found[:, 0] <= TOLERANCE), found[:, 1]
            print(
                f"| {finding} | {severity} | {len(found)} of {len(films)} | {near:.0%} | {spread(change)} | "
                f"{np.mean(change <= limit):.0%} |",
                flush=True,
            )


def spread(values: np.ndarray) -> str:
    """Median and 95th percentile in percent."""
    return f"median {np.median(values):.1%}, P95 {np.percentile(values, 95):.1%}"


def repeat_pairs(data: Path, count: int) -> list[tuple[Path, Path]]:
    """The first two PA films of each of so many adults."""
    frame = tables(data)["PA adult"]
    frame = frame[frame.folder == NIH[0]].sort_values(["patient_id", "followup"])
    pairs = [
        (data / NIH[0] / "images" / films.image.iloc[0], data / NIH[0] / "images" / films.image.iloc[1])
        for _, films in frame.groupby("patient_id")
        if len(films) > 1
    ]
    order = pd.Series(range(len(pairs))).sample(frac=1, random_state=SEED)
    return [pairs[k] for k in order.head(count)]


def field_of(path: Path) -> float:
    """Pixels of both whole lung fields."""
    return area(anatomy_of(path, read_radiograph(path).image))


def area(masks: torch.Tensor) -> float:
    """Pixels of both whole lung fields."""
    return float((masks[:2].amax(0) > 0).sum())


def difference(one: float, other: float) -> float:
    """Difference of two sizes relative to their mean."""
    return 2 * abs(one - other) / (one + other)


def outcome(path: Path, finding: str, severity: float) -> tuple[float, float] | None:
    """Relative error of the share, and relative change of the field; None where nothing could be drawn."""
    film = read_radiograph(path)
    anatomy = anatomy_of(path, film.image)
    edit = Edit("insert", finding, severity=severity)
    made = make_counterfactual(film.image, anatomy, edit, header=film.header, gate=Gate([OutsideUnchanged()]))
    asked, measured = made.record["severity_asked"], made.record["severity_measured"]
    if not made.accepted or measured is None:
        return None
    return abs(measured["value"] / asked["value"] - 1), difference(area(anatomy), area(load_segmenter()(made.image)))


if __name__ == "__main__":
    main()
