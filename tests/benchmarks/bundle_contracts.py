"""The bundle and the transforms against what MONAI and its model zoo ask, as a table.

    python tests/benchmarks/bundle_contracts.py

The checks are those of tests/bundles/zoo_checks.py, which the suite runs too; no network, no data but what ships.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import warnings
from pathlib import Path

import monai
import torch

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from bundles.zoo_checks import CHECKS  # noqa: E402

from monai_cars.bundles import bundle_path  # noqa: E402


def main() -> int:
    """Print the table; the number of checks that failed."""
    bundle, rows = bundle_path("cars_chest_xray"), []
    logging.disable(logging.INFO)
    for name, check in CHECKS.items():
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                check(bundle)
                result = "passed"
            except Exception as error:
                result = f"FAILED: {(str(error).strip().splitlines() or [type(error).__name__])[-1][:100]}"
        rows.append((name, result))
    failed = [name for name, result in rows if result != "passed"]
    print(f"MONAI {monai.__version__}, torch {torch.__version__}\n\n| check | result |\n|---|---|")
    print("\n".join(f"| {name} | {result} |" for name, result in rows))
    print(f"\n{len(rows) - len(failed)} of {len(rows)} passed")
    return len(failed)


if __name__ == "__main__":
    raise SystemExit(main())
