"""Severity is measured, not asserted: asked against measured severity of every finding over real films, before gating.

    python tests/benchmarks/severity_scale.py --data ../shared/data [--findings nodule,effusion] [--films 6] [--jobs 2]

50 fixed films (30 PA adults, 4 children, 12 bedside, 4 of intensive care) x 5 severities x 3 seeds a finding. No check
but "outside unchanged" judges the edits, and each is tried once: what is measured is the editor, not the gate. The
within-film Spearman is taken over the severities and seeds of one film; films with fewer than 5 edits, or with edits of
one severity only, are counted apart.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from film_sets import anatomy_of, fixed_films
from scipy.stats import spearmanr

COUNTS = (30, 4, 12, 4)  # PA adults, children, bedside films, films of intensive care
SEVERITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
SEEDS = (0, 1, 2)
FEWEST = 5  # edits of a film that a rank correlation needs
HEADER = (
    "| finding | unit | edits | could not | unmeasured | films (few) | Spearman within | pooled "
    "| median error | of range | P90 error | ms |"
)


def edits_of_film(path: Path, finding: str, *, seeds: tuple[int, ...] = SEEDS) -> list[dict]:
    """One row (asked, measured, reason, ...) for every severity and seed of one finding on one film."""
    from monai_cars.edits.edit import Edit
    from monai_cars.files.radiograph import read_radiograph
    from monai_cars.gates import Gate, OutsideUnchanged
    from monai_cars.loop.counterfactual import make_counterfactual

    torch.set_num_threads(1)
    film = read_radiograph(path)
    anatomy, gate, rows = anatomy_of(path, film.image), Gate([OutsideUnchanged()]), []
    for severity, seed in product(SEVERITIES, seeds):
        edit = Edit("insert", finding, severity=severity, seed=seed)
        start = perf_counter()
        made = make_counterfactual(film.image, anatomy, edit, header=film.header, gate=gate, max_attempts=1)
        row = {"film": path.name, "severity": severity, "seed": seed, "made": made.accepted}
        row |= {"asked": _value(made.record["severity_asked"]), "measured": _value(made.record["severity_measured"])}
        rows.append(row | {"reason": made.record["reason"], "ms": 1e3 * (perf_counter() - start)})
    return rows


def _value(quantity: dict | None) -> float:
    return float("nan") if quantity is None else float(quantity["value"])


def figures(rows: pd.DataFrame, finding: str) -> dict:
    """Figures of one finding over the rows of all films."""
    from monai_cars.findings.severity import SEVERITY

    scale = SEVERITY[finding]
    made = rows[rows.made]
    seen = made[made.measured.notna()]
    error = (seen.measured - seen.asked).abs()
    within = within_films(seen)
    return {
        "finding": finding,
        "unit": scale.unit,
        "edits": len(made),
        "could_not": int((~rows.made).sum()),
        "unmeasured": len(made) - len(seen),
        "films": len(within),
        "films_with_few": rows.film.nunique() - len(within),
        "spearman_within_film": float(np.median(within)) if within else float("nan"),
        "spearman_pooled": rank_correlation(seen),
        "median_error": float(error.median()),
        "median_error_of_range": float(error.median() / (scale.high - scale.low)),
        "p90_error": float(error.quantile(0.9)),
        "milliseconds": float(made.ms.median()),
        "reasons": rows[~rows.made].reason.value_counts().head(5).to_dict(),
    }


def within_films(seen: pd.DataFrame) -> list[float]:
    """Spearman's rank correlation of each film that has edits enough."""
    films = [film for _, film in seen.groupby("film") if len(film) >= FEWEST and film.asked.nunique() > 1]
    return [rank_correlation(film) for film in films]


def rank_correlation(rows: pd.DataFrame) -> float:
    """Spearman of asked and measured; 0 where everything measures the same, NaN without two asked amounts."""
    if rows.asked.nunique() < 2:
        return float("nan")
    return float(spearmanr(rows.asked, rows.measured).statistic) if rows.measured.nunique() > 1 else 0.0


def line(found: dict) -> str:
    """Row of the markdown table."""
    return (
        f"| {found['finding']} | {found['unit']} | {found['edits']} | {found['could_not']} | {found['unmeasured']} "
        f"| {found['films']} ({found['films_with_few']}) "
        f"| {found['spearman_within_film']:.3f} | {found['spearman_pooled']:.3f} "
        f"| {found['median_error']:.3g} | {found['median_error_of_range']:.1%} | {found['p90_error']:.3g} "
        f"| {found['milliseconds']:.0f} |"
    )


def main() -> None:
    """Print one table row a finding, as soon as it is there."""
    from monai_cars.findings.severity import SEVERITY

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--findings", default="all", help="comma-separated keys of SEVERITY")
    parser.add_argument("--films", type=int, default=sum(COUNTS), help="that many films, evenly out of the fixed ones")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--output", type=Path, default=Path("runs/severity_scale.json"))
    args = parser.parse_args()
    frame = fixed_films(args.data, counts=COUNTS)
    frame = frame.iloc[np.linspace(0, len(frame) - 1, min(args.films, len(frame))).round().astype(int)]
    paths = [args.data / row.folder / "images" / row.image for row in frame.itertuples()]
    findings = list(SEVERITY) if args.findings == "all" else args.findings.split(",")
    print(f"{len(paths)} films x {len(SEVERITIES)} severities x {len(SEEDS)} seeds\n\n{HEADER}")
    print("|---" * (HEADER.count("|") - 1) + "|", flush=True)
    report(paths, findings, args.jobs, args.output)


def report(paths: list[Path], findings: list[str], jobs: int, output: Path) -> None:
    """Print and keep the figures of each finding."""
    kept = []
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        for finding in findings:
            run = partial(edits_of_film, finding=finding)
            rows = pd.DataFrame([row for film in (pool.map if jobs > 1 else map)(run, paths) for row in film])
            kept.append(figures(rows, finding) | {"rows": rows.drop(columns="ms").round(5).to_dict("records")})
            print(line(kept[-1]), flush=True)
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(json.dumps(kept, indent=1))
    for found in kept:
        for reason, count in found["reasons"].items():
            print(f"- {found['finding']}: {count} x {reason}")


if __name__ == "__main__":
    main()
