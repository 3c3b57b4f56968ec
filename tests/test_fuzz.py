"""The fuzz command itself: it repeats, sees what it is for, and finds nothing in a small sample."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from monai_cars.edits.axes import Axes
from monai_cars.files.radiograph import RadiographError, read_radiograph

BENCHMARKS = Path(__file__).parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
fuzz, fuzz_inputs = importlib.import_module("fuzz"), importlib.import_module("fuzz_inputs")


def test_an_input_follows_from_its_seed_and_number():
    for number in range(20):
        one, two = (fuzz_inputs.mutated(np.random.default_rng([1, number]), fuzz_inputs.films()[number]) for _ in "ab")
        assert one == two
    assert len({fuzz_inputs.kind_of(np.random.default_rng([1, number])) for number in range(3000)}) >= 6


def test_errors_of_the_library_are_told_from_others():
    def caught(act):
        try:
            act()
        except Exception as error:
            return error

    assert fuzz.is_own(RadiographError("x"))
    assert fuzz.is_own(caught(lambda: Axes.parse("upwards")))
    assert fuzz.is_own(caught(lambda: read_radiograph("gone")))
    assert not fuzz.is_own(caught(lambda: read_radiograph(3.5)))
    assert not fuzz.is_own(caught(lambda: int("x")))


@pytest.mark.slow
def test_a_small_sample_finds_nothing():
    command = [sys.executable, str(BENCHMARKS / "fuzz.py"), "--inputs", "300", "--jobs", "1", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "| raw foreign error | 0 | 0 |" in done.stdout


def test_a_job_goes_on_behind_an_input_that_ends_its_process(monkeypatch, tmp_path):
    worker = tmp_path / "worker.py"
    worker.write_text(
        "import sys, os, json\n"
        "first, stop = int(sys.argv[2]), int(sys.argv[3])\n"
        "for n in range(first, stop):\n"
        "    print(json.dumps({'began': n, 'kind': 'film'}), flush=True)\n"
        "    if n == 2: os.abort()\n"
        "    end = {'ended': n, 'kind': 'film', 'outcome': 'taken', 'foreign': '', 'echoed': []}\n"
        "    print(json.dumps(end), flush=True)\n"
    )
    monkeypatch.setattr(fuzz, "__file__", str(worker))
    job = fuzz.Job(0, 5, 1)
    job.run()
    assert job.counts == {"film: taken": 4}
    assert len(job.faults) == 1
    assert job.faults[0].startswith("input 2 (film): crash (exit status -6)")
    assert json.dumps(sorted(fuzz.shares(0, 10, 3))) == "[[0, 3], [3, 6], [6, 10]]"
