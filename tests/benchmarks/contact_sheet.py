"""Contact sheets of edits on real films, to be looked at: before, after, signed difference, and the edit's outlines.

    python tests/benchmarks/contact_sheet.py --data ../shared/data --output runs/sheets [--findings nodule,effusion]

The 20 films were fixed by the seed below before the editors were tuned on them: 10 PA adults, 6 bedside films,
2 children, 2 from intensive care (tubes and lines). Deletions use the first 20 boxed opacities of a
seeded order. Nothing that this script writes is committed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import torch

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SEED = 20261122
NIH = ("nih_pneumonia_nofinding", "nih_diverse")


def fixed_films(data: Path) -> pd.DataFrame:
    """The 20 films (columns path, kind), fixed by the seed."""
    nih = pd.concat([pd.read_csv(data / d / "labels.csv").assign(folder=d) for d in NIH])
    bedside = pd.read_csv(data / "hannover_covid" / "labels.csv").assign(folder="hannover_covid")
    bedside["image"] = bedside.image.where(bedside.image.str.endswith(".jpg"), bedside.image + ".jpg")
    critical = bedside[(bedside.projection == "ap") & bedside.icu_admission_offset.notna()]
    ward = bedside[(bedside.projection == "ap") & bedside.icu_admission_offset.isna()]
    groups = [
        ("PA adult", nih[(nih.view == "PA") & (nih.age >= 18)], 10),
        ("child", nih[nih.age < 14], 2),
        ("bedside", ward, 6),
        ("devices", critical, 2),
    ]
    return pd.concat([_draw(frame, n).assign(kind=kind) for kind, frame, n in groups], ignore_index=True)


def boxed_films(data: Path, count: int = 20) -> pd.DataFrame:
    """Films with a boxed opacity (columns folder, image, box in film pixels y0 x0 y1 x1), in a seeded order."""
    boxes = pd.read_csv(data / NIH[0] / "boxes.csv").assign(folder=NIH[0])
    boxes = boxes[(boxes.w_512 < 200) & (boxes.h_512 < 200)]
    return boxes.sample(frac=1, random_state=SEED).drop_duplicates("image").head(count)


def _corners(row) -> tuple[float, float, float, float]:
    return row.y_512, row.x_512, row.y_512 + row.h_512, row.x_512 + row.w_512


def _draw(frame: pd.DataFrame, count: int) -> pd.DataFrame:
    single = frame.sample(frac=1, random_state=SEED).drop_duplicates("patient_id")
    return single.head(count)[["folder", "image"]]


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
    from monai_cars.counterfactual import make_counterfactual
    from monai_cars.radiograph import read_radiograph

    film = read_radiograph(path)
    anatomy = segmenter(film.image)
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
    parser.add_argument("--findings", default="nodule,mass,consolidation,effusion,sham,delete")
    parser.add_argument("--severity", type=float, default=0.4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    from monai_cars.anatomy import load_segmenter

    run(args.data, args.output, args.findings.split(","), args.severity, load_segmenter())


def run(data: Path, output: Path, findings: list[str], severity: float, segmenter) -> None:
    """Write one sheet a finding, ten films a sheet."""
    from monai_cars.edit import Edit, Region

    films = fixed_films(data)
    for finding in findings:
        if finding == "delete":
            jobs = [
                (b.folder, b.image, Edit("delete", "consolidation", region=Region(box=_corners(b))))
                for b in boxed_films(data).itertuples()
            ]
        elif finding == "sham":
            jobs = [(f.folder, f.image, Edit("sham", "nodule", seed=i)) for i, f in enumerate(films.itertuples())]
        else:
            jobs = [
                (f.folder, f.image, Edit("insert", finding, severity=severity, seed=i))
                for i, f in enumerate(films.itertuples())
            ]
        rows = [edit_row(data / folder / "images" / image, edit, segmenter) for folder, image, edit in jobs]
        print(f"{finding}: {sum(r['accepted'] for r in rows)} of {len(rows)} accepted")
        for part in range(0, len(rows), 6):
            sheet(rows[part : part + 6], output / f"{finding}_{part // 6}.png", finding)


if __name__ == "__main__":
    main()
