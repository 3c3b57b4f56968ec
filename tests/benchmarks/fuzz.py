"""Mutated films, datalists, plans, options and whole runs: what crashes, hangs, grows, or tells what it should not.

    python tests/benchmarks/fuzz.py --inputs 100000 --seed 1 --jobs 2

Every input follows from the seed and its number alone: `--first N --inputs 1` repeats one. Each job is a process of its
own, watched from outside. Counted are

- crashes: the process died;
- hangs: an input that took more than 20 s, and its process was ended;
- over 2 GB: the process and the decoders that it started held more than that;
- raw foreign errors: an exception that this library neither defines nor raises on purpose;
- header values echoed: an identifying value of `canaries.py` in a message, a log, a warning or an output stream.

The exit status is 1 when any of them is not 0.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

HANG, MOST = 20.0, 2_000_000_000
FAULTS = ("crash", "hang", "over 2 GB", "raw foreign error", "header value echoed")


class Heard(logging.Handler):
    """Everything that is logged, at any level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def is_own(error: BaseException) -> bool:
    """Whether an exception is one that this library means: of its own class, or raised by a `raise` of its own."""
    if type(error).__module__.startswith("monai_cars"):
        return True
    last = traceback.extract_tb(error.__traceback__)[-1]
    raised = (last.line or "").lstrip().startswith("raise") or "raise" in _statement(last)
    return isinstance(error, (ValueError, OSError, TypeError)) and "monai_cars" in Path(last.filename).parts and raised


def _statement(frame: traceback.FrameSummary) -> str:
    lines = Path(frame.filename).read_text(encoding="utf-8").splitlines()
    return " ".join(lines[max((frame.lineno or 1) - 4, 0) : frame.lineno])


def work(first: int, stop: int, seed: int) -> None:
    """The job's side: try inputs, one line before and after each, and say what went wrong."""
    import numpy as np
    from canaries import WORD
    from fuzz_inputs import KINDS, kind_of, warm

    heard = Heard()
    logging.getLogger().addHandler(heard)
    logging.getLogger().setLevel(logging.DEBUG)
    logging.lastResort = None
    warnings.simplefilter("always")
    warnings.showwarning = lambda message, *_, **__: heard.said.append(str(message))
    replies = os.fdopen(os.dup(1), "w")
    warm()
    heard.said.clear()

    def tell(**what: Any) -> None:
        replies.write(json.dumps(what) + "\n")
        replies.flush()

    with tempfile.TemporaryFile() as streams:
        os.dup2(streams.fileno(), 1)
        os.dup2(streams.fileno(), 2)
        for number in range(first, stop):
            rng = np.random.default_rng([seed, number])
            kind = kind_of(rng)
            tell(began=number, kind=kind)
            outcome, fault = "taken", ""
            with tempfile.TemporaryDirectory() as folder:
                try:
                    KINDS[kind][1](rng, Path(folder))
                except (Exception, SystemExit) as error:
                    outcome = "refused"
                    heard.said.append(str(error))
                    if not (is_own(error) or isinstance(error, SystemExit)):
                        fault = "".join(traceback.format_exception(error))[-1500:]
                if kind == "run":
                    heard.said += [path.read_bytes().decode("latin-1") for path in Path(folder, "run").rglob("*.*")]
            sys.stdout.flush(), sys.stderr.flush()
            size = os.lseek(1, 0, os.SEEK_CUR)
            heard.said.append(os.pread(1, size, 0).decode("latin-1"))
            os.ftruncate(1, 0), os.lseek(1, 0, os.SEEK_SET)
            echoed = [word for said in heard.said for word in WORD.findall(said.encode(errors="replace"))]
            heard.said.clear()
            tell(ended=number, kind=kind, outcome=outcome, foreign=fault, echoed=[word.decode() for word in echoed[:3]])


def held(pid: int) -> int:
    """Bytes that a process and its children hold."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(held(int(child)) for child in children)


class Job:
    """One process that tries a share of the inputs; started again behind an input that ended it."""

    def __init__(self, first: int, stop: int, seed: int) -> None:
        self.next, self.stop, self.seed = first, stop, seed
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self.largest, self.slowest = (0, 0), (0.0, 0)

    def run(self) -> None:
        """Try all of them."""
        while self.next < self.stop:
            self._one_process()

    def _one_process(self) -> None:
        command = [sys.executable, __file__, "--worker", str(self.next), str(self.stop), str(self.seed)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self._listen(process)

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        state: dict[str, Any] = {"number": self.next, "kind": "", "since": 0.0, "fault": ""}
        watch = threading.Thread(target=self._watch, args=(process, state), daemon=True)
        watch.start()
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if not line.endswith(b"\n"):
                break  # its process was ended in the middle of it
            told = json.loads(line)
            if "began" in told:
                state.update(number=told["began"], kind=told["kind"], since=time.monotonic())
                continue
            self.slowest = max(self.slowest, (time.monotonic() - state["since"], told["ended"]))
            state["since"] = 0.0
            self._count(told)
            self.next = told["ended"] + 1
        said = process.stderr.read().decode(errors="replace")
        if process.wait() != 0:
            fault = state["fault"] or f"crash (exit status {process.returncode}) {said[-500:]}"
            self._fault(fault, state)
            self.next = state["number"] + 1

    def _count(self, told: dict[str, Any]) -> None:
        self.counts[f"{told['kind']}: {told['outcome']}"] += 1
        if told["foreign"]:
            self._fault(f"raw foreign error: {told['foreign']}", {"number": told["ended"], "kind": told["kind"]})
        if told["echoed"]:
            self._fault(f"header value echoed: {told['echoed']}", {"number": told["ended"], "kind": told["kind"]})

    def _fault(self, what: str, state: dict[str, Any]) -> None:
        self.faults.append(f"input {state['number']} ({state['kind']}): {what}")

    def _watch(self, process: subprocess.Popen[bytes], state: dict[str, Any]) -> None:
        while process.poll() is None:
            time.sleep(0.05)
            since = state["since"]
            if not since:
                continue
            size = held(process.pid)
            self.largest = max(self.largest, (size, state["number"]))
            if time.monotonic() - since > HANG:
                state["fault"] = f"hang (more than {HANG:g} s)"
            elif size > MOST:
                state["fault"] = f"over 2 GB ({size} bytes)"
            if state["fault"]:
                process.kill()
                return


def shares(first: int, inputs: int, jobs: int) -> Iterator[tuple[int, int]]:
    """Equal runs of numbers, one a job."""
    edges = [first + inputs * number // jobs for number in range(jobs + 1)]
    return pairwise(edges)


def main() -> None:
    """Start the jobs, print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--worker", type=int, nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        return work(*asked.worker)
    began = time.monotonic()
    jobs = [Job(first, stop, asked.seed) for first, stop in shares(asked.first, asked.inputs, asked.jobs)]
    threads = [threading.Thread(target=job.run) for job in jobs]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    faults = [fault for job in jobs for fault in job.faults]
    print("\n".join(faults))
    print(f"{asked.inputs} inputs of seed {asked.seed} in {time.monotonic() - began:.0f} s, {asked.jobs} jobs\n")
    print("| kind | taken | refused |\n|---|---|---|")
    counts = sum((job.counts for job in jobs), Counter())
    for kind in sorted({name.split(":")[0] for name in counts}):
        print(f"| {kind} | {counts[f'{kind}: taken']} | {counts[f'{kind}: refused']} |")
    print("\n| what | found | asked |\n|---|---|---|")
    for name in FAULTS:
        print(f"| {name} | {sum(f'): {name}' in fault for fault in faults)} | 0 |")
    slowest, largest = max(job.slowest for job in jobs), max(job.largest for job in jobs)
    print(f"| slowest input (number {slowest[1]}) | {slowest[0]:.1f} s | <= 20 s |")
    print(f"| most memory of a job and its decoder (number {largest[1]}) | {largest[0] / 1e9:.2f} GB | <= 2 GB |")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
