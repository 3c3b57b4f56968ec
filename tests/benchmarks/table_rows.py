"""Rows a second at which the label tables of six public data sets are read, in their published layouts, printed.

    python tests/benchmarks/table_rows.py --rows 50000

The tables are made up, with the columns, codes and repetitions of the published ones; times are processor seconds of
one core, the best of three.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "features"))

from table_layouts import LAYOUTS

from monai_cars.features import from_table

REPEATS = 3


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000, help="of each table; default: 50000")
    arguments = parser.parse_args()
    print("| table | rows | films | rows a second |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, layout in LAYOUTS.items():
            path = Path(folder) / "labels.csv"
            path.write_text(layout.text(arguments.rows, random.Random(0)))
            taken, films = [], 0
            for _ in range(REPEATS):
                start = time.process_time()
                films = len(from_table(path, layout.vocabulary, **layout.options))
                taken.append(time.process_time() - start)
            print(f"| {name} | {arguments.rows:,} | {films:,} | {arguments.rows / min(taken):,.0f} |")


if __name__ == "__main__":
    main()
