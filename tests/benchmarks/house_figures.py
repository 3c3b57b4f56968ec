"""Figures about the house: how much of it one has to enter, and how much must be touched.

    python tests/benchmarks/house_figures.py --tables
    python tests/benchmarks/house_figures.py --tables --entered --names --root ../an-older-checkout

`--tables`: for each finding, the module-level assignments of `monai_cars/`, outside the finding's own file, in which
its name stands as a string. Today's findings are looked for in any checkout. Two kinds of words that happen to be the
same are no finding's and not counted: the columns of a data set, and what reports call things.

`--entered`: the files of `monai_cars/` of which any function runs in one edit, by package (see files_entered.py).

`--names`: names and words of the chest in files that are to be general, then each with its lines (see chest_names.py).
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from chest_names import chest_names, general_files

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


def print_entered(root: Path) -> None:
    """Files that one edit enters, counted in a process that imports the checkout."""
    script = [sys.executable, str(Path(__file__).with_name("files_entered.py"))]
    environment = {**os.environ, "PYTHONPATH": str(root.resolve())}
    lists = json.loads(subprocess.run(script, env=environment, check=True, capture_output=True, text=True).stdout)
    print("| edit | files entered | lines in them | their packages |\n|---|---|---|---|")
    for edit, files in lists.items():
        lines = sum(len((root / "monai_cars" / file).read_text(encoding="utf-8").splitlines()) for file in files)
        packages = Counter(file.split("/")[0] if "/" in file else "(none)" for file in files)
        said = ", ".join(f"{name} {count}" for name, count in packages.most_common())
        print(f"| {edit} | {len(files)} | {lines} | {said} |")


def print_names(root: Path) -> None:
    """Names and words of the chest in general files, counted once a file, then each of them."""
    found = chest_names(root)
    names, prose = ([one for one in found if one.prose is kind] for kind in (False, True))
    print("| general files | names in code | in files | messages and other strings | in files |\n|---|---|---|---|---|")
    counts = (f"{len(part)} | {len({one.path for one in part})}" for part in (names, prose))
    print(f"| {len(general_files(root))} | {' | '.join(counts)} |\n")
    for one in found:
        kind = "words" if one.prose else "name"
        print(f"  {one.path}:{','.join(map(str, one.lines))} {kind} {' '.join(one.text.split())!r:.90}")


FIGURES = {"tables": print_tables, "entered": print_entered, "names": print_names}
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
