"""What a plain `pip install monai-cars` brings: the bundle's weights, found in an empty folder without network."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# Runs in an empty folder with the wheel in front of the checkout; any attempt to reach a network ends it.
_SCRIPT = """
import socket, sys
def refuse(*args, **kwargs):
    raise SystemExit("the network was asked for")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import torch, monai_cars
assert monai_cars.__file__.startswith(sys.argv[1]), monai_cars.__file__
from monai_cars.chest_xray.anatomy import load_segmenter
masks = load_segmenter()(torch.rand(1, 96, 80))
assert masks.shape == (3, 96, 80), masks.shape
from pathlib import Path
import json
from monai_cars.bundles import bundle_path, write_bundle
folder = write_bundle("cars_chest_xray", "mine")
assert set(torch.load(folder / "models" / "model.pt", weights_only=True))
assert (bundle_path("cars_chest_xray") / "configs" / "inference.json").is_file()
chains = Path(monai_cars.__file__).parent / "_chains"
bundle = Path(monai_cars.__file__).parent / "_bundles" / "cars_chest_xray"
assert json.loads((bundle / "configs" / "metadata.json").read_text())["version"]
assert chains.is_dir()
print("found")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    [path] = folder.glob("*.whl")
    return path


def test_the_wheel_has_no_top_level_package_but_its_own(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"monai_cars"}
    assert "monai_cars/_bundles/cars_chest_xray/configs/inference.json" in names
    assert "monai_cars/reporting/report.html.j2" in names
    assert "monai_cars/py.typed" in names  # what is typed here is typed for users
    assert "monai_cars/features/reports/phrases/findings.yaml" in names
    assert not [name for name in names if name.startswith("monai_cars/") and name.endswith((".pkl", ".ckpt"))]
    assert not [name for name in names if name.endswith("model.pt")]  # the network of cars_anatomy.safetensors again


def test_the_checkout_installs_for_development(tmp_path):
    script = "from hatchling.build import build_editable; print(build_editable(__import__('sys').argv[1]))"
    built = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr[-2000:]
    [path] = tmp_path.glob("*.whl")
    archive = zipfile.ZipFile(path)
    [pth] = [name for name in archive.namelist() if name.endswith(".pth")]
    assert Path(archive.read(pth).decode().strip()) == REPOSITORY


def test_default_weights_are_found_in_an_empty_folder_without_network(wheel, tmp_path):
    target, empty = tmp_path / "installed", tmp_path / "empty"
    empty.mkdir()
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*install, str(wheel)], check=True)
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(target)],
        cwd=empty,
        env={**os.environ, "PYTHONPATH": str(target), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "found", done.stderr[-2000:]


def test_the_source_archive_has_what_builds_tests_and_cites_it(tmp_path):
    command = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(tmp_path), str(REPOSITORY)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    [path] = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"monai_cars/py.typed", "CITATION.cff", "CONTRIBUTING.md", "Makefile", "mkdocs.yml"} <= names
    assert {"constraints.txt", "constraints-lowest.txt", "docs/site/pages.py", "tests/test_wheel.py"} <= names
