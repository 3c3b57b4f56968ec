"""The bundle as MONAI's tools and the model zoo's checks see it, offline."""

import copy
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from monai.bundle import ConfigParser, ckpt_export, verify_metadata, verify_net_in_out
from PIL import Image
from pydicom.data import get_testdata_file

from monai_cars.synthesis import REFUSED

REPOSITORY = Path(__file__).resolve().parents[1]
BUNDLE = REPOSITORY / "bundles" / "cars_chest_xray"
CONFIGS = BUNDLE / "configs"
METADATA = json.loads((CONFIGS / "metadata.json").read_text())
SCHEMA = REPOSITORY / "tests" / "data" / "metadata_schema.json"
TEXT = (".json", ".md", ".txt", "")
MOST_BYTES = 25 * 2**20


def test_the_zoo_finds_every_file_that_it_asks_for():
    asked = (
        "LICENSE", "configs/metadata.json", "configs/inference.json", "models/model.pt", "docs/README.md",
        "docs/data_license.txt",
    )  # fmt: skip
    assert [name for name in asked if not (BUNDLE / name).is_file()] == []


def test_no_code_and_nothing_large_is_in_the_bundle():
    files = [path for path in BUNDLE.rglob("*") if path.is_file()]
    assert [path.name for path in files if path.suffix in (".py", ".pkl", ".ipynb")] == []
    assert [path.name for path in files if path.stat().st_size > MOST_BYTES] == []


def test_no_personal_path_is_in_the_bundle():
    personal = re.compile(r"(/home/|/root/|/Users/|/work/|/tmp/|[A-Z]:\\\\)")
    for path in BUNDLE.rglob("*"):
        if path.is_file() and path.suffix in TEXT:
            assert not personal.search(path.read_text(encoding="utf-8")), path


def test_the_version_is_in_the_changelog_and_is_the_packages():
    import monai_cars

    assert METADATA["version"] in METADATA["changelog"]
    assert METADATA["required_packages_version"]["monai-cars"] == monai_cars.__version__


def test_every_version_is_an_exact_pin_and_the_one_that_is_installed_here():
    lines = (line for line in (REPOSITORY / "constraints.txt").read_text().splitlines() if "==" in line)
    pins = {name.lower(): version for name, version in (line.split("==") for line in lines)}
    stated = {
        **METADATA["required_packages_version"],
        "monai": METADATA["monai_version"],
        "torch": METADATA["pytorch_version"],
        "numpy": METADATA["numpy_version"],
    }
    stated.pop("monai-cars")
    assert stated == {name: pins[name] for name in stated}


def test_the_metadata_verifies():
    verify(CONFIGS / "metadata.json")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda metadata: metadata.pop("authors"),
        lambda metadata: metadata.update(version=1),
        lambda metadata: metadata["network_data_format"].pop("outputs"),
        lambda metadata: metadata["network_data_format"]["inputs"]["image"].pop("dtype"),
        lambda metadata: metadata["network_data_format"]["inputs"]["image"].update(num_channels="one"),
        lambda metadata: metadata.update(gate_data_format={}),
    ],
)
def test_the_schema_refuses_spoilt_metadata(tmp_path, spoil):
    metadata = copy.deepcopy(METADATA)
    spoil(metadata)
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="Failed validating"):
        verify(tmp_path / "metadata.json")


def test_the_network_takes_and_gives_what_the_metadata_says():
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(CONFIGS / "metadata.json"),
        config_file=str(CONFIGS / "inference.json"),
        device="cpu",
        n=4,
    )


def test_the_state_of_model_pt_is_plain_and_fits_the_network_exactly():
    state = torch.load(BUNDLE / "models" / "model.pt", weights_only=True)
    network().load_state_dict(state, strict=True)
    assert all(torch.isfinite(value).all() for value in state.values())


def test_model_pt_says_what_the_safetensors_say():
    from safetensors.torch import load_file

    state = torch.load(BUNDLE / "models" / "model.pt", weights_only=True)
    [path] = (BUNDLE / "models").glob("*anatomy*.safetensors")
    published = load_file(path)
    assert set(published) == set(state)
    for name, value in state.items():
        torch.testing.assert_close(published[name].float(), value.float(), rtol=0, atol=0)


def test_the_network_exports_to_torchscript(tmp_path):
    ckpt_export(
        net_id="network_def",
        filepath=str(tmp_path / "model.ts"),
        ckpt_file=str(BUNDLE / "models" / "model.pt"),
        meta_file=str(CONFIGS / "metadata.json"),
        config_file=str(CONFIGS / "inference.json"),
        input_shape=[1, 1, 64, 64],
    )
    exported, plain = torch.jit.load(tmp_path / "model.ts"), network().eval()
    plain.load_state_dict(torch.load(BUNDLE / "models" / "model.pt", weights_only=True))
    film = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(exported(film), plain(film), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("config", sorted(CONFIGS.glob("*.json")), ids=lambda path: path.name)
def test_every_target_of_a_config_is_a_full_dotted_name(config):
    for target in re.findall(r'"_target_": "([^"]*)"', config.read_text()):
        assert target.count(".") >= 1, f"{config.name}: {target} is short: MONAI would guess where it lives"


def verify(metadata: Path) -> None:
    # With the file already there and its hash right, MONAI downloads nothing.
    digest = hashlib.sha256(SCHEMA.read_bytes()).hexdigest()
    verify_metadata(meta_file=str(metadata), filepath=str(SCHEMA), hash_val=digest, hash_type="sha256")


def network() -> torch.nn.Module:
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "inference.json"))
    return parser.get_parsed_content("network_def")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The bundle run as a user does, on its own film, from a folder that is not the repository's."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, monai_bundle(folder, "--output_dir", "out")


def test_the_demo_makes_every_edit_of_its_plan_and_says_so(demo):
    folder, done = demo
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [json.loads(line) for line in (folder / "out" / "manifest.jsonl").read_text().splitlines()]
    planned = json.loads((CONFIGS / "inference.json").read_text())["edits"]
    assert [(line["operation"], line["finding"]) for line in lines] == [
        (row["operation"], row["finding"]) for row in planned
    ]
    assert all(line["accepted"] for line in lines), [line["reason"] for line in lines]
    assert "5 of 5 edits accepted" in done.stdout
    assert {path.name for path in (folder / "out").iterdir()} == {
        "films", "masks", "manifest.jsonl", "datalist.json", "run.json", "report.html", "panel.png",
    }  # fmt: skip


def test_the_demo_changes_nothing_outside_its_supports(demo):
    folder, _ = demo
    for line in (folder / "out" / "manifest.jsonl").read_text().splitlines():
        line = json.loads(line)
        before = pydicom.dcmread(folder / "out" / line["source"]).pixel_array
        after = pydicom.dcmread(folder / "out" / line["output"]).pixel_array
        with Image.open(folder / "out" / line["support"]) as support:
            changed = before != after
            assert changed.any()
            assert not (changed & (np.asarray(support) == 0)).any()


def test_the_demo_says_that_one_of_several_masses_was_removed(demo):
    report = (demo[0] / "out" / "report.html").read_text()
    assert "One of several masses removed: the film keeps the label." in report
    assert "drawn by the developers, not by radiologists" in report


@pytest.mark.slow
def test_the_demo_gives_the_same_bytes_twice(demo):
    folder, _ = demo
    first = {path: path.read_bytes() for path in (folder / "out").rglob("*") if path.is_file()}
    assert monai_bundle(folder, "--output_dir", "out").returncode == 0
    assert {path: path.read_bytes() for path in (folder / "out").rglob("*") if path.is_file()} == first


@pytest.mark.slow
def test_what_is_no_chest_film_is_skipped_and_the_exit_status_says_so(tmp_path):
    films = tmp_path / "films"
    films.mkdir()
    for name in ("RG1_UNCR.dcm", "RG3_UNCR.dcm"):
        shutil.copy(get_testdata_file(name), films / name)
    edits = "[{'operation':'insert','finding':'nodule','severity':0.5}]"
    done = monai_bundle(tmp_path, "--dataset_dir", str(films), "--output_dir", "out", "--edits", edits)
    assert done.returncode == REFUSED, done.stderr[-2000:]
    assert "skipped RG3_UNCR.dcm: " in done.stderr
    assert len((tmp_path / "out" / "manifest.jsonl").read_text().splitlines()) == 1
    assert "RG3_UNCR.dcm" in (tmp_path / "out" / "report.html").read_text()


def test_a_wrong_command_ends_with_one_line_before_any_work(tmp_path):
    done = monai_bundle(tmp_path, "--output_dir", "out", "--dataset_dri", "films")
    assert done.returncode == 1
    assert "monai-cars: unknown option --dataset_dri; did you mean --dataset_dir?" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--weights", "nothing"), "monai-cars: weights must be one of cars_anatomy, .* \\(got 'nothing'\\)"),
        (("--max_attempts", "x"), "monai-cars: max_attempts must be a whole number from 1 to 1000 \\(got 'x'\\)"),
        (("--edits", "[3]"), r"monai-cars: edits\[0\] must be a mapping of fields to values, got 3"),
        (
            ("--output_dir", "file/out"),
            "monai-cars: output_dir 'file/out': cannot be written .*choose another folder.*",
        ),
    ],
)
def test_a_wrong_value_ends_with_one_line(tmp_path, options, message):
    (tmp_path / "file").write_text("no folder")
    done = monai_bundle(tmp_path, "--output_dir", "out", *options)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert re.fullmatch(message, done.stderr.splitlines()[-1])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def monai_bundle(folder: Path, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(CONFIGS / "inference.json")]
    return subprocess.run(
        [*command, "--bundle_root", str(BUNDLE), *options],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
