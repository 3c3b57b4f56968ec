"""Contact sheets of edits on real films, to be looked at: before, after, signed difference, and the edit's outlines.

    python tests/benchmarks/contact_sheet.py --data ../shared/data --output runs/sheets [--findings nodule,effusion]

The 30 films were fixed by a seed before the editors were tuned on them: 15 PA adults, 3 children, 9 bedside films, 3
from intensive care (tubes and lines). Findings are those of SEVERITY, "sham of nodule", "delete of consolidation" (30
boxed opacities), "delete of enlarged heart", "delete of support devices". Nothing that this script writes is committed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import torch
from film_sets import anatomy_of, boxed_films, corners, fixed_films

matplotlib.use("Agg")
import matplotlib.pyplot as plt

FILMS = 30
OTHERS = ("sham of nodule", "delete of consolidation", "delete of enlarged heart", "delete of support devices")


def sheet(rows: list[dict], output: Path, title: str, columns: int = 2) -> None:
    """One figure: for every edit the film before and after at full size of the panel, and the difference."""
    lines = -(-len(rows) // columns)
    figure, axes = plt.subplots(lines, 3 * columns, figsize=(5 * 3 * columns, 5.2 * lines), squeeze=False)
    for axis in axes.ravel():
        axis.axis("off")
    for index, row in enumerate(rows):
        line, start = index // columns, 3 * (index % columns)
        low, high = np.percentile(row["before"], [1, 99])
        for axis, image in zip(axes[line, start : start + 2], (row["before"], row["after"]), strict=True):
            axis.imshow(image, cmap="gray", vmin=low, vmax=high)
        axes[line, start].set_title(row["title"], fontsize=9)
        axes[line, start + 1].set_title(row["verdict"], fontsize=9)
        change = (row["after"] - row["before"]) / row["unit"]
        axes[line, start + 2].imshow(change, cmap="RdBu_r", vmin=-1, vmax=1)
        for structure, colour in zip(row["anatomy"], ("c", "c", "m"), strict=True):
            if structure.any():
                axes[line, start + 2].contour(structure, [0.5], colors=colour, linewidths=0.5)
        if row["lesion"].any():
            axes[line, start + 2].contour(row["lesion"], [0.5], colors="k", linewidths=0.8)
    figure.suptitle(title)
    figure.tight_layout()
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=70)
    plt.close(figure)


def edit_row(path: Path, edit, segmenter, gate=None) -> dict:
    """Make one edit of one film and collect what the sheet shows."""
    from monai_cars.files.radiograph import read_radiograph
    from monai_cars.loop.counterfactual import make_counterfactual

    film = read_radiograph(path)
    anatomy = anatomy_of(path, film.image)
    made = make_counterfactual(film.image, anatomy, edit, header=film.header, segmenter=segmenter, gate=gate)
    record = made.record
    measured = record["severity_measured"] or {"value": "-", "unit": ""}
    return {
        "before": film.image[0].numpy(),
        "after": made.image[0].numpy(),
        "unit": record["contrast_unit"]["value"],
        "anatomy": anatomy.numpy(),
        "lesion": made.lesion[0].numpy(),
        "title": path.name,
        "verdict": f"measured {measured['value']} {measured['unit']}" if made.accepted else record["reason"][:60],
        "accepted": made.accepted,
    }


def main() -> None:
    """Write the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--output", type=Path, default=Path("runs/sheets"))
    parser.add_argument("--findings", default="all")
    parser.add_argument("--severity", default="0.2,0.5,0.8")
    args = parser.parse_args()
    torch.set_num_threads(1)
    from monai_cars.chest_xray.anatomy import load_segmenter
    from monai_cars.findings.severity import SEVERITY

    findings = [*SEVERITY, *OTHERS] if args.findings == "all" else args.findings.split(",")
    run(args.data, args.output, findings, [float(s) for s in args.severity.split(",")], load_segmenter())


def run(data: Path, output: Path, findings: list[str], severity: list[float], segmenter) -> None:
    """Write sheets of six films for every finding."""
    for finding in findings:
        rows = [
            edit_row(data / folder / "images" / image, edit, segmenter)
            for folder, image, edit in jobs(data, finding, severity)
        ]
        print(f"{finding}: {sum(r['accepted'] for r in rows)} of {len(rows)} accepted", flush=True)
        for part in range(0, len(rows), 6):
            sheet(rows[part : part + 6], output / f"{finding.replace(' ', '_')}_{part // 6}.png", finding)


def jobs(data: Path, finding: str, severity: list[float]) -> list[tuple]:
    """(folder, image, edit) of every film of one finding's sheets; severities take turns."""
    from monai_cars.edits.edit import Edit, Region

    operation, _, name = finding.rpartition(" of ")
    films = fixed_films(data)
    if operation == "delete" and name == "consolidation":
        boxed = boxed_films(data, FILMS).itertuples()
        return [(b.folder, b.image, Edit("delete", name, region=Region(box=corners(b)))) for b in boxed]
    if operation:
        return [(f.folder, f.image, Edit(operation, name, seed=i)) for i, f in enumerate(films.itertuples())]
    return [
        (f.folder, f.image, Edit("insert", name, severity=severity[i % len(severity)], seed=i))
        for i, f in enumerate(films.itertuples())
    ]


if __name__ == "__main__":
    main()
