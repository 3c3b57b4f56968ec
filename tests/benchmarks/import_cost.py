"""What importing monai_cars adds to importing MONAI.

python tests/benchmarks/import_cost.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys

MODULES = ("monai_cars", "monai_cars.transforms")
CODE = """
import time, monai, monai.transforms, monai.data
start = time.perf_counter()
import {}
print(time.perf_counter() - start)
"""


def seconds(module: str, repeats: int = 5) -> float:
    """Median seconds of importing a module in a fresh interpreter that has MONAI."""
    runs = [
        subprocess.run([sys.executable, "-c", CODE.format(module)], capture_output=True, check=True, text=True)
        for _ in range(repeats)
    ]
    return statistics.median(float(run.stdout.split()[-1]) for run in runs)


if __name__ == "__main__":
    for name in MODULES:
        print(f"import {name} after monai.transforms and monai.data: {seconds(name):.3f} s")
