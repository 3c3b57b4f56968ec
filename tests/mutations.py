"""Does a test mean it? Every mutant of `mutants.yaml` is a small fault that the tests named beside it have to see.

The checkout is copied to a temporary folder. There the named tests must pass as it is, and for each mutant one text is
replaced and each of its own tests must fail. A mutant that only breaks an import is missed: no test has judged it.

    python tests/mutations.py [--only NAME ...] [--jobs 2]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
MUTANTS = Path(__file__).with_name("mutants.yaml")
COPIED = ("monai_cars", "tests")  # what is written to, or looked up by its own place
LINKED = ("bundles", "docs", "transforms", "pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE")
PASSED, FAILED = 0, 1  # of pytest's exit statuses; any other means that no test was run to its end


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Args:
        name: what it does wrong.
        file: from the checkout's root.
        old: text that stands in the file exactly once.
        new: what takes its place.
        tests: node ids that state the property which it breaks.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def places(self, root: Path = ROOT) -> int:
        """How often the old text stands in the file."""
        path = root / self.file
        return path.read_text("utf-8").count(self.old) if path.is_file() else 0


def mutants() -> tuple[Mutant, ...]:
    """All of `mutants.yaml`.

    Raises:
        ValueError: two of one name.
    """
    return tuple(
        Mutant(name, entry["file"], entry["old"], entry["new"], tuple(entry["tests"]))
        for name, entry in unique(MUTANTS.read_text("utf-8")).items()
    )


def unique(text: str) -> dict[str, dict]:
    """The entries of a YAML list of {name: ...}, by name.

    Raises:
        ValueError: two of one name.
    """
    entries: dict[str, dict] = {}
    for entry in yaml.safe_load(text):
        name = entry.pop("name")
        if name in entries:
            raise ValueError(f"mutants must have different names, got {name!r} twice; rename one")
        entries[name] = entry
    return entries


def copied(folder: Path) -> Path:
    """The checkout in a folder of its own, without what earlier runs left behind."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    for name in LINKED:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    return folder


def run_tests(folder: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    """pytest's exit status and what it said, of some tests of a copied checkout; called in a process of its own."""
    sys.dont_write_bytecode = True
    sys.path[:] = [str(folder), *(p for p in sys.path if Path(p or ".").resolve() not in (ROOT, ROOT / "tests"))]
    os.chdir(folder)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        import pytest

        # A plugin that the parent imported cannot have its assertions rewritten any more, which does no harm.
        quiet = ("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
        status = pytest.main(["-q", "-p", "no:cacheprovider", "--tb=line", *quiet, *tests])
    return int(status), said.getvalue()


def verdict(mutant: Mutant) -> tuple[str, str]:
    """A mutant's name and what is wrong with it, nothing when each of its tests caught it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = copied(Path(temporary))
        path = folder / mutant.file
        path.write_text(path.read_text("utf-8").replace(mutant.old, mutant.new), "utf-8")
        status, said = run_tests(folder, mutant.tests)
    if status not in (PASSED, FAILED):
        return mutant.name, f"was not judged: pytest ended with {status}\n{said[-2000:]}"
    failed = [line.removeprefix("FAILED ") for line in said.splitlines() if line.startswith("FAILED ")]
    blind = [test for test in mutant.tests if not any(line.startswith(test) for line in failed)]
    return mutant.name, f"is not seen by {', '.join(blind)}" if blind else ""


def unmutated(tests: tuple[str, ...]) -> str:
    """What is wrong with the tests on the checkout as it is, nothing when all pass."""
    with tempfile.TemporaryDirectory() as temporary:
        status, said = run_tests(copied(Path(temporary)), tests)
    return "" if status == PASSED else said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="names of mutants; all when left out")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    options = parser.parse_args()
    chosen = [mutant for mutant in mutants() if not options.only or mutant.name in options.only]
    unknown = set(options.only or ()) - {mutant.name for mutant in chosen}
    lost = [f"{m.name}: {m.old!r} stands {m.places()} times in {m.file}" for m in chosen if m.places() != 1]
    if unknown or lost:
        print("\n".join([*lost, *(f"no mutant is called {name!r}" for name in sorted(unknown))]))
        return 1
    # What every run needs is imported once; each run is a fork of this process that ends with it.
    import monai.transforms  # noqa: F401
    import pytest  # noqa: F401
    import torch  # noqa: F401

    with multiprocessing.get_context("fork").Pool(options.jobs, maxtasksperchild=1) as pool:
        broken = pool.apply(unmutated, (tuple(sorted({test for mutant in chosen for test in mutant.tests})),))
        if broken:
            print(f"the tests do not pass as the checkout is\n{broken}")
            return 1
        missed = []
        for name, wrong in pool.imap(verdict, chosen):
            print(f"MISSED  {name} {wrong}" if wrong else f"caught  {name}", flush=True)
            missed += [name] if wrong else []
    print(f"caught {len(chosen) - len(missed)} of {len(chosen)}", *(f"survived: {name}" for name in missed), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
