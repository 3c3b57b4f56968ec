"""What feature vectors cost: label tables and report texts, printed.

    python tests/benchmarks/features_cost.py --table ../shared/data/tables/nih_data_entry_2017_v2020.csv.gz

Times are processor seconds of one core, the best of three. The table's peer is the least that a plain script does for
the same numbers: pandas.read_csv, then Series.str.get_dummies. Reports have no plain peer.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "features"))

from report_cases import report_cases

from monai_cars.features import from_report, from_table

REPEATS = 3
LONG = {"negations": "no " * 4999 + "effusion", "findings": "effusion, " * 2000, "headings": "history: " * 2000}


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Least processor seconds of a call."""
    runs = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        runs.append(time.process_time() - start)
    return min(runs)


def table(path: Path) -> None:
    """Rows a second of `from_table` and of pandas alone."""
    rows = len(from_table(path, "nih-14"))
    ours = seconds(lambda: from_table(path, "nih-14"))
    peer = seconds(lambda: pandas.read_csv(path)["Finding Labels"].str.get_dummies("|"))
    print(f"from_table: {rows} rows, {rows / ours:.0f} rows/s, {ours / peer:.1f} times the seconds of the peer")
    print(f"pandas.read_csv and str.get_dummies: {rows / peer:.0f} rows/s")


def reports() -> None:
    """Reports a second of `from_report`, and seconds of long texts."""
    texts = [text for _, text, _, _ in report_cases()]
    taken = seconds(lambda: [from_report(text) for text in texts])
    print(f"from_report: {len(texts)} reports, {len(texts) / taken:.0f} reports/s")
    for name, text in LONG.items():
        print(f"from_report of {len(text)} characters of {name}: {seconds(lambda text=text: from_report(text)):.3f} s")


def main() -> None:
    """Print the costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, help="the NIH table of labels; default: no table is timed")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.table:
        table(arguments.table)
    reports()


if __name__ == "__main__":
    main()
