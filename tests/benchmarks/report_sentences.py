"""How sentences and filled-in templates of known truth are read: cases, polarity flips and other differences, printed.

    python tests/benchmarks/report_sentences.py --cases 20000

A flip is a finding that is there and is read as absent, or the other way round; "other" differences are a known value
read as unknown, or an unknown one as known.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "features"))

from report_grammar import cases, reading


def main() -> None:
    """Print the counts, and a few texts of what is read otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000, help="how many; default: 20000")
    parser.add_argument("--seed", type=int, default=0, help="of the draw; default: 0")
    parser.add_argument(
        "--show", type=int, default=0, help="texts to print of each construction that is read otherwise"
    )
    arguments = parser.parse_args()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    shown: dict[str, list[str]] = defaultdict(list)
    for case in cases(arguments.cases, arguments.seed):
        got = reading(case)
        kind = "templates" if case.construction.startswith("template") else case.construction
        counts[kind].update(cases=1, flips=bool(got.flipped), other=bool(got.wrong) and not got.flipped)
        if got.wrong:
            shown[case.construction].append(
                f"{'FLIP' if got.flipped else 'other'} {got.wrong} {case.layout}: {case.text!r}"
            )
    print("| construction | cases | polarity flips | other differences |\n|---|---|---|---|")
    for kind, count in sorted(counts.items()):
        print(f"| {kind} | {count['cases']:,} | {count['flips']} | {count['other']} |")
    total = sum(counts.values(), Counter())
    print(f"| **all** | **{total['cases']:,}** | **{total['flips']}** | **{total['other']}** |")
    for construction, texts in sorted(shown.items()):
        for text in sorted(texts)[: arguments.show]:
            print(f"{construction}: {text}")


if __name__ == "__main__":
    main()
