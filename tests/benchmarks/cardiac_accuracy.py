"""How near the inserted enlarged heart comes to the asked cardiothoracic ratio, printed.

    python tests/benchmarks/cardiac_accuracy.py --data ../shared/data [--films 45]

Erect PA films of adults (NIH), one a patient. "segmented" is the ratio that the shipped segmenter finds on the film
after the edit, which has seen neither the proposal nor the film before; "measured" is the library's own `measure`.
Edits are not gated, so that nothing is chosen.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from film_sets import anatomy_of, fixed_films

from monai_cars.chest_xray.anatomy import cardiothoracic_ratio, load_segmenter
from monai_cars.edits.edit import SEVERITY, Edit
from monai_cars.files.radiograph import read_radiograph
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual

SEVERITIES = (0.2, 0.5, 0.8)
TOLERANCE = 0.02


def main() -> None:
    """Print one line a severity."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--films", type=int, default=45)
    parser.add_argument("--verbose", action="store_true", help="one line a film")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    frame = fixed_films(arguments.data, (arguments.films, 0, 0, 0))
    films = [loaded(arguments.data / row.folder / "images" / row.image) for row in frame.itertuples()]
    before = [cardiothoracic_ratio(anatomy) for _, _, anatomy in films]
    print(f"{len(films)} erect PA films of adults, ratio before: median {np.median(before):.3f}, max {max(before):.3f}")
    for severity in SEVERITIES:
        asked = SEVERITY["enlarged heart"].amount(severity).value
        print(summary(asked, [outcome(*film, severity, arguments.verbose) for film in films]))


def loaded(path: Path):
    """Name, film and anatomy."""
    film = read_radiograph(path)
    return path.name, film, anatomy_of(path, film.image)


def outcome(name: str, film, anatomy: torch.Tensor, severity: float, verbose: bool) -> tuple[float, float] | str:
    """(segmented, measured) ratio after the edit, or why there is none."""
    edit = Edit("insert", "enlarged heart", severity=severity)
    made = make_counterfactual(film.image, anatomy, edit, header=film.header, gate=Gate([OutsideUnchanged()]))
    if not made.accepted:
        return str(made.record["reason"])
    found = made.record["severity_measured"]
    segmented = cardiothoracic_ratio(load_segmenter()(made.image))
    measured = float(found["value"]) if found else float("nan")
    if verbose:
        print(f"  {name} {cardiothoracic_ratio(anatomy):.3f} -> segmented {segmented:.3f} measured {measured:.3f}")
    return segmented, measured


def summary(asked: float, outcomes: list[tuple[float, float] | str]) -> str:
    """One line for one severity."""
    made = np.array([o for o in outcomes if not isinstance(o, str)])
    enlarged = sum("as large already" in o for o in outcomes if isinstance(o, str))
    refused = len(outcomes) - len(made) - enlarged
    parts = []
    for k, name in enumerate(("segmented", "measured")):
        error = made[:, k] - asked
        parts.append(
            f"{name}: median |error| {np.median(abs(error)):.3f}, bias {np.median(error):+.3f}, "
            f"within {TOLERANCE} {np.mean(abs(error) <= TOLERANCE):.0%}"
        )
    return f"asked {asked:.3f}: {len(made)} edited, {enlarged} as large before, {refused} refused; " + "; ".join(parts)


if __name__ == "__main__":
    main()
