"""Earlier import paths go on working, and give the very thing that lies elsewhere now."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from monai_cars._moved import MODULES, NAMES, moved_name, now_at

DOCUMENTED = (Path(__file__).parent / "data" / "documented_imports.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(("old", "new"), sorted(MODULES.items()))
def test_a_moved_module_is_one_object_under_both_names(old, new):
    assert importlib.import_module(old) is importlib.import_module(new)
    assert now_at(old) == new


@pytest.mark.parametrize("old", sorted(MODULES))
def test_no_file_stands_at_a_path_that_was_left(old):
    package = importlib.import_module("monai_cars").__path__[0]
    left = Path(package, *old.split(".")[1:])
    assert not left.with_suffix(".py").exists()
    assert not (left / "__init__.py").exists()


@pytest.mark.parametrize(("package", "name"), sorted((package, name) for package in NAMES for name in NAMES[package]))
def test_a_moved_name_is_one_object_in_both_packages(package, name):
    there = getattr(importlib.import_module(NAMES[package][name]), name)
    assert getattr(importlib.import_module(package), name) is there


@pytest.mark.parametrize("line", DOCUMENTED)
def test_an_import_that_the_documentation_has_shown_works(line):
    module, name = re.fullmatch(r"from (\S+) import (\S+)", line).groups()
    names: dict = {}
    exec(line, names)
    assert names[name] is not None, module


def test_what_was_never_there_is_refused():
    with pytest.raises(AttributeError, match=r"module 'monai_cars\.gates' has no attribute 'never'"):
        moved_name("monai_cars.gates", "never")
    with pytest.raises(ImportError, match=r"cannot import name .never. from .monai_cars\.gates."):
        exec("from monai_cars.gates import never")


def test_a_moved_module_runs_as_a_program():
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    command = [sys.executable, "-m", "monai_cars.publish", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


def test_no_path_leads_to_one_that_was_moved_itself():
    assert {new for new in MODULES.values() if now_at(new)} == set()
    assert {module for names in NAMES.values() for module in names.values() if now_at(module)} == set()
