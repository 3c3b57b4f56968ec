"""A run killed (SIGKILL) before every call that changes a disk: is its folder ever taken for finished, does it go on?

    python tests/benchmarks/killed_runs.py
    python tests/benchmarks/killed_runs.py --small          (a run's folder alone, without films: half a minute)

Each kill is a process of its own. Four histories are killed at every point: a run into an empty folder; the same run
over a finished one; a run over a finished one that films were added to; the same, its disk full from that call on
instead of killed. Afterwards the folder holds no finished run, or a whole one with all that belongs to it; nothing of
the user's is gone; and the same command gives the files of a run that nobody killed.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from phantom_run import EDITS, films, phantom_run

from monai_cars.files.atomic import CannotWriteError
from monai_cars.reporting.html_report import draw_report
from monai_cars.reporting.panel import draw_panel
from monai_cars.synthesis import RunFolder, read_manifest

PATCHED = ("replace", "fsync", "unlink", "mkdir", "ftruncate", "open")
FULL, KILLED, DONE = 28, -int(signal.SIGKILL), 0
HISTORIES: dict[str, dict[str, Any]] = {
    "into an empty folder": {"counts": (2,)},
    "over the same": {"counts": (2, 2)},
    "over fewer films": {"counts": (1, 2)},
    "disk full over fewer films": {"counts": (1, 2), "full": True},
}
"""How many films each run into one folder has; the last one is killed, or its disk is full."""
Act = Callable[[Path, int], None]


def small(place: Path, count: int) -> None:
    """A run of `count` films that does everything a run does to its folder, and nothing else."""
    with RunFolder(place / "run").start() as folder:
        folder.write_json("run.json", {"seed": 1})
        lines = []
        for film in range(count):
            mask = folder.write_mask(f"{film:012x}-anatomy", np.eye(8))
            lines.append({"source_name": f"{film}.png", "anatomy": mask, "output": mask})
            folder.append(lines[-1])
        folder.stage("report.html", f"{count} films".encode())
        folder.write_json("datalist.json", {"training": lines})
        folder.write_json("run.json", {"seed": 1, "skipped": []})
        folder.finish()


def whole(place: Path, count: int) -> None:
    """A real run over `count` drawn films, with its panel and report."""
    pages = {"panel.png": draw_panel, "report.html": draw_report}
    if not (place / "films").exists():
        films(place / "films", count=count)
    phantom_run(place, edits=EDITS[:1], pages=pages).run()


def forked(act: Act, place: Path, count: int, *, at: int | None, full: bool = False) -> tuple[int, int]:
    """Run in a process of its own that dies before call `at`, or never; (exit status, calls that it made)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _in_child(act, place, count, at, full, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        seen = stream.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), len(seen)


def _in_child(act: Act, place: Path, count: int, at: int | None, full: bool, writing: int) -> None:
    calls = 0

    def patched(call: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            if at is not None and calls >= at:
                if full:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.kill(os.getpid(), signal.SIGKILL)
            calls += 1
            os.write(writing, b".")
            return call(*args, **kwargs)

        return instead

    for name in PATCHED:
        setattr(os, name, patched(getattr(os, name)))
    try:
        act(place, count)
        code = DONE
    except CannotWriteError:
        code = FULL
    except BaseException as error:
        print(f"unexpected: {error!r}", file=sys.stderr)
        code = 1
    os._exit(code)


def files(folder: Path) -> dict[str, str]:
    """Hash of every file."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def history(act: Act, counts: tuple[int, ...], *, full: bool = False) -> dict[str, int]:
    """Kill the last of some runs into one folder at every point; how many kills, and what went wrong after them."""
    told = {"kills": 0, "half finished taken for finished": 0, "lost": 0, "did not go on": 0, "unexpected end": 0}
    before, after, calls = _undisturbed(act, counts)
    for at in range(calls):
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            for count in counts[:-1]:
                act(place, count)
            _add(act, place, counts[-1])
            if counts[:-1]:
                (place / "run" / "films" / "mine.txt").write_text("mine")
            code, _ = forked(act, place, counts[-1], at=at, full=full)
            told["kills"] += 1
            told["unexpected end"] += code not in ((FULL, DONE) if full else (KILLED,))
            told["half finished taken for finished"] += not _consistent(place / "run", before, after)
            told["lost"] += bool(counts[:-1]) and not _kept(place / "run", before)
            act(place, counts[-1])
            left = files(place / "run")
            left.pop("films/mine.txt", None)
            told["did not go on"] += left != after
    return told


def _undisturbed(act: Act, counts: tuple[int, ...]) -> tuple[dict[str, str], dict[str, str], int]:
    """The files before and after the last run, and the calls that it makes."""
    with tempfile.TemporaryDirectory() as name:
        place, before = Path(name), {}
        for count in counts[:-1]:
            act(place, count)
            before = files(place / "run")
        _add(act, place, counts[-1])
        code, calls = forked(act, place, counts[-1], at=None)
        assert code == DONE
        return before, files(place / "run"), calls


def _add(act: Act, place: Path, count: int) -> None:
    if act is whole:
        films(place / "films", count=count)


def _consistent(folder: Path, before: dict[str, str], after: dict[str, str]) -> bool:
    """A folder with a manifest is the finished run of before, or of after, in all that belongs to it."""
    found = files(folder)
    if "manifest.jsonl" not in found:
        return True
    assert read_manifest(folder)
    wholes = [run for run in (before, after) if run and run["manifest.jsonl"] == found["manifest.jsonl"]]
    return any(all(found.get(name) == digest for name, digest in run.items()) for run in wholes)


def _kept(folder: Path, before: dict[str, str]) -> bool:
    """Films and masks of the finished run, and what is the user's, are there whatever happened."""
    found = files(folder)
    kept = {name: digest for name, digest in before.items() if name.startswith(("films/", "masks/"))}
    return "films/mine.txt" in found and all(found.get(name) == digest for name, digest in kept.items())


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--small", action="store_true", help="a run's folder alone, without films")
    parser.add_argument("--only", choices=HISTORIES, help="one of the histories")
    args = parser.parse_args(arguments)
    act = small if args.small else whole
    chosen = [args.only] if args.only else list(HISTORIES)
    print(json.dumps({name: history(act, **HISTORIES[name]) for name in chosen}, indent=1))


if __name__ == "__main__":
    main()
