"""A run that is killed at any point, or whose disk is full, is never taken for finished, loses nothing and goes on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "killed_runs.py"
GOOD = {"half finished taken for finished": 0, "lost": 0, "did not go on": 0, "unexpected end": 0}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the trial forks a process for every kill")
def test_a_folder_is_whole_or_unfinished_wherever_its_run_ends():
    command = [sys.executable, str(SCRIPT), "--small"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert len(told) == 4
    for name, counted in told.items():
        assert counted.pop("kills") >= 30, name
        assert counted == GOOD, name
