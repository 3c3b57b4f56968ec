"""What an install brings: extras that carry a run to its end, and bounds that the oldest tested versions stand at."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from monai_cars.extras import BRINGS, MissingExtra, require_extra
from monai_cars.reporting.html_report import write_report
from monai_cars.reporting.panel import write_panel

REPOSITORY = Path(__file__).resolve().parents[1]
BUNDLE = REPOSITORY / "bundles" / "cars_chest_xray"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {name: [Requirement(line) for line in lines] for name, lines in PROJECT["optional-dependencies"].items()}
BASE = [Requirement(line) for line in PROJECT["dependencies"]]
DISTRIBUTIONS = packages_distributions()


@pytest.mark.parametrize("extra", sorted(BRINGS))
def test_an_extra_brings_the_modules_that_are_said_to_be_in_it(extra):
    brought = {canonicalize_name(requirement.name) for requirement in EXTRAS[extra]}
    assert brought == {canonicalize_name(DISTRIBUTIONS[module][0]) for module in BRINGS[extra]}


def test_nothing_is_asked_for_twice():
    base = {canonicalize_name(requirement.name) for requirement in BASE}
    assert len(base) == len(BASE)
    for extra, requirements in EXTRAS.items():
        names = [canonicalize_name(requirement.name) for requirement in requirements]
        assert not base & set(names), extra
        assert len(names) == len(set(names)), extra


def test_every_lower_bound_is_a_version_that_the_suite_is_run_with():
    lines = (REPOSITORY / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()
    pins = {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in lines if "==" in line}
    bounded = [one for one in [*BASE, *(one for extra in EXTRAS.values() for one in extra)] if str(one.specifier)]
    assert bounded
    for requirement in bounded:
        [lowest] = [one.version for one in requirement.specifier if one.operator == ">="]
        pin = pins[canonicalize_name(requirement.name)]
        shorter = re.fullmatch(re.escape(lowest) + r"(\.\d+)*(\+cpu)?", pin)
        assert shorter, f"{requirement} is tested with {pin} and no older version"


def test_a_missing_package_is_told_with_the_extra_that_brings_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtra, match=r"jinja2 \(the report\), matplotlib \(the panel\).*'monai-cars\[bundle\]'"):
        require_extra("bundle")
    with pytest.raises(MissingExtra, match="matplotlib"):
        write_panel(tmp_path)
    with pytest.raises(MissingExtra, match="jinja2"):
        write_report(tmp_path)
    require_extra("bundle", "jsonschema")


def test_a_run_without_its_extra_ends_with_one_line_before_any_work(tmp_path):
    run = """
import runpy, sys
for name in ("matplotlib", "jinja2", "ignite", "jsonschema", "requests"):
    sys.modules[name] = None
sys.argv = ["monai.bundle", *sys.argv[1:]]
runpy.run_module("monai.bundle", run_name="__main__", alter_sys=True)
"""
    options = ["--config_file", str(BUNDLE / "configs" / "inference.json"), "--bundle_root", str(BUNDLE)]
    command = [sys.executable, "-c", run, "run", *options, "--output_dir", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("monai-cars: not installed: jinja2 (the report), matplotlib")
    assert "pip install 'monai-cars[bundle]'" in done.stderr
    assert not (tmp_path / "out").exists()
