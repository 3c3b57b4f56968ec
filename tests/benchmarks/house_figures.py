"""Figures about the house: how much of it one has to enter, and how much must be touched.

    python tests/benchmarks/house_figures.py --tables
    python tests/benchmarks/house_figures.py --tables --root ../an-older-checkout

`--tables`: for each finding, the module-level assignments of `monai_cars/`, outside the finding's own file, in which
its name stands as a string. Today's findings are looked for in any checkout. Two kinds of words that happen to be the
same are no finding's and not counted: the columns of a data set, and what reports call things.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
NOT_FINDINGS = ("teacher_films.py", "teachers/films.py", "features/report.py", "features/reports/report.py")


def names() -> list[str]:
    """Today's findings, in their order."""
    from monai_cars.findings import FINDINGS

    return list(FINDINGS)


def assignments(root: Path) -> Iterator[tuple[Path, str, set[str]]]:
    """Every module-level assignment of a checkout: its file, what is assigned, the strings in it."""
    package = root / "monai_cars"
    for path in sorted(package.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                constants = (part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant))
                yield path.relative_to(package), ast.unparse(target), {c for c in constants if isinstance(c, str)}


def tables(root: Path, findings: list[str]) -> dict[str, list[str]]:
    """Finding -> tables in which its name stands, outside its own file."""
    found: dict[str, list[str]] = {name: [] for name in findings}
    for path, target, strings in assignments(root):
        if path.as_posix().endswith(NOT_FINDINGS):
            continue
        for name in strings & found.keys():
            own = path.parts[0] == "findings" and path.stem == name.replace(" ", "_")
            if not own:
                found[name].append(f"{path.as_posix()} {target}")
    return found


def print_tables(root: Path) -> None:
    """As a Markdown table, then the tables themselves."""
    found = tables(root, names())
    every = sorted({table for held in found.values() for table in held})
    print("| finding | tables outside its own file |\n|---|---|")
    for name, held in found.items():
        print(f"| {name} | {len(held)} |")
    print(f"\n{len(every)} tables in {len({table.split()[0] for table in every})} files:")
    for table in every:
        print(f"  {table}")


FIGURES = {"tables": print_tables}
"""Name of an option -> what prints it of a checkout."""


def main() -> None:
    """Print the figures that are asked for, all of them when none is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=HERE, help="a checkout of the repository")
    for name, figure in FIGURES.items():
        parser.add_argument(f"--{name}", action="store_true", help=figure.__doc__)
    args = parser.parse_args()
    asked = [name for name in FIGURES if getattr(args, name)]
    for name in asked or FIGURES:
        FIGURES[name](args.root)


if __name__ == "__main__":
    main()
