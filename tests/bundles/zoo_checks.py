"""What MONAI and its model zoo ask of a bundle, restated: one function a check, each raises where it fails.

The zoo's own scripts download, and look at a folder of many bundles; these look at one, offline, and ask the same.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
import yaml
from monai.bundle import ckpt_export, create_workflow, load, verify_metadata, verify_net_in_out
from monai.data import DataLoader, Dataset
from monai.transforms import Compose, EnsureChannelFirstd, Resize, Resized, SaveImaged
from phantom import phantom
from PIL import Image
from pydicom.data import get_testdata_file

from monai_cars.transforms import (
    InsertFinding,
    InsertFindingd,
    LoadRadiograph,
    LoadRadiographd,
    SegmentAnatomyd,
    ValidityGated,
)

SCHEMA = Path(__file__).resolve().parents[1] / "data" / "metadata_schema.json"
SECTIONS = (
    "Authors",
    "Tags",
    "Model Description",
    "Data",
    "Performance",
    "System Configuration",
    "Limitations",
    "References",
)
KEPT_COMPACT = re.compile(r"engineer_\w+\.json")  # a film's contours a line: spread out, one of them passes 1 MB
LARGEST = 1024 * 1024
CHECKS: dict[str, Callable[[Path], None]] = {}


def check(named: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    def added(function: Callable[[Path], None]) -> Callable[[Path], None]:
        CHECKS[named] = function
        return function

    return added


@contextmanager
def elsewhere():
    """In an empty folder, with what MONAI's logging file changes put back."""
    before, root = os.getcwd(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)
            root.handlers[:], root.level = handlers, level


def workflow(bundle: Path, kind: str, config: str, **override):
    return create_workflow(
        workflow_type=kind,
        config_file=str(bundle / "configs" / config),
        meta_file=str(bundle / "configs" / "metadata.json"),
        logging_file=str(bundle / "configs" / "logging.conf"),
        bundle_root=str(bundle),
        **override,
    )


def run(bundle: Path, folder: Path, config: str, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(bundle / "configs" / config)]
    command += ["--bundle_root", str(bundle), *options]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


@check("zoo: necessary and preferred files")
def files(bundle: Path) -> None:
    asked = ("LICENSE", "configs/metadata.json", "configs/inference.json", "configs/train.json", "models/model.pt")
    missing = [name for name in (*asked, "docs/README.md", "docs/data_license.txt") if not (bundle / name).is_file()]
    assert not missing, missing


@check("zoo: version and changelog")
def version(bundle: Path) -> None:
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    assert metadata["version"] in metadata["changelog"]


@check("zoo: metadata by its schema")
def metadata(bundle: Path) -> None:
    digest = hashlib.sha256(SCHEMA.read_bytes()).hexdigest()  # so that nothing is downloaded
    verify_metadata(
        meta_file=str(bundle / "configs" / "metadata.json"), filepath=str(SCHEMA), hash_val=digest, hash_type="sha256"
    )


@check("zoo: shapes in and out (verify_net_in_out, n = 1)")
def shapes(bundle: Path) -> None:
    for n in (1, 2, 3):
        verify_net_in_out(
            net_id="network_def",
            meta_file=str(bundle / "configs" / "metadata.json"),
            config_file=str(bundle / "configs" / "inference.json"),
            bundle_root=str(bundle),
            device="cpu",
            n=n,
        )


@check("zoo: export to TorchScript (ckpt_export)")
def torchscript(bundle: Path) -> None:
    with elsewhere() as folder:
        ckpt_export(
            net_id="network_def",
            filepath=str(folder / "model.ts"),
            ckpt_file=str(bundle / "models" / "model.pt"),
            meta_file=str(bundle / "configs" / "metadata.json"),
            config_file=str(bundle / "configs" / "inference.json"),
            bundle_root=str(bundle),
        )
        assert torch.jit.load(folder / "model.ts")(torch.zeros(1, 1, 64, 64)).shape == (1, 3, 64, 64)


@check("MONAI: properties of the inference workflow")
def inference_properties(bundle: Path) -> None:
    with elsewhere():
        missing = workflow(bundle, "infer", "inference.json", output_dir="out").check_properties()
        assert missing == [], missing


@check("MONAI: properties of the training workflow")
def train_properties(bundle: Path) -> None:
    with elsewhere() as folder:
        films(folder / "data")
        found = workflow(
            bundle, "train", "train.json", dataset_dir=str(folder / "data"), output_dir=str(folder / "out")
        )
        missing = found.check_properties()
        assert missing == [], missing


@check("MONAI: monai.bundle.load gives the network")
def loads(bundle: Path) -> None:
    with elsewhere():
        for kind in ("train", "infer"):
            config = {"train": "train", "infer": "inference"}[kind]
            network = load(name=bundle.name, bundle_dir=str(bundle.parent), workflow_type=config, device="cpu")
            assert isinstance(network, torch.nn.Module), type(network)
            state = torch.load(bundle / "models" / "model.pt", weights_only=True)
            assert all(torch.equal(value.float(), state[name].float()) for name, value in network.state_dict().items())


@check("MONAI: network_def is the network that runs")
def network_is_used(bundle: Path) -> None:
    with elsewhere():
        found = workflow(bundle, "infer", "inference.json", output_dir="out")
        assert found.parser.get_parsed_content("segmenter").network is found.network_def
        assert found.evaluator.network is found.network_def
        other = workflow(bundle, "infer", "inference.json", output_dir="out", **{"network_def#out_channels": 4})
        with pytest.raises(Exception, match="segmenter") as refusal:
            other.parser.get_parsed_content("segmenter")
        said = [str(error) for error in (refusal.value, refusal.value.__cause__, refusal.value.__context__)]
        assert any("holds no weights of the anatomy network" in text for text in said), said


@check("MONAI: the evaluator runs (--run_id segment)")
def segments(bundle: Path) -> None:
    with elsewhere() as folder:
        done = run(bundle, folder, "inference.json", "--run_id", "segment", "--output_dir", "out")
        assert done.returncode == 0, done.stderr[-1500:]
        assert [path.name for path in (folder / "out-anatomy").iterdir()] == ["RG1_UNCR_anatomy.nii.gz"]


@check("MONAI: an epoch of training (train.json)")
def trains(bundle: Path) -> None:
    with elsewhere() as folder:
        films(folder / "data")
        options = ("--dataset_dir", str(folder / "data"), "--output_dir", "out", "--epochs", "1", "--batch_size", "2")
        done = run(bundle, folder, "train.json", *options)
        assert done.returncode == 0, done.stderr[-1500:]
        before = torch.load(bundle / "models" / "model.pt", weights_only=True)
        after = torch.load(folder / "out" / "model.pt", weights_only=True)
        assert set(after) == set(before)
        assert any(not torch.equal(value.float(), before[name].float()) for name, value in after.items())


@check("MONAI: --tracking mlflow is not refused for MONAI's own files")
def tracks(bundle: Path) -> None:
    with elsewhere() as folder:
        plan = "[{'operation':'insert','finding':'nodule','severity':0.5}]"
        options = ("--output_dir", "out", "--tracking", "mlflow", "--edits", plan)
        done = run(bundle, folder, "inference.json", *options)
        assert done.returncode == 0, done.stderr[-1500:]
        assert list((folder / "out").glob("config_*.json"))


@check("zoo: sections of the README")
def readme(bundle: Path) -> None:
    text = (bundle / "docs" / "README.md").read_text(encoding="utf-8")
    missing = [name for name in SECTIONS if not re.search(rf"^#{{2,4}} \*\*{name}\*\*", text, flags=re.MULTILINE)]
    assert not missing, missing


@check("zoo: JSON with an indent of 4")
def pretty(bundle: Path) -> None:
    for path in bundle.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        if not KEPT_COMPACT.fullmatch(path.name):
            assert text == json.dumps(json.loads(text), indent=4) + "\n", path.name


@check("zoo: ends of files and of lines")
def ends(bundle: Path) -> None:
    for path in (path for path in bundle.rglob("*") if path.suffix in (".json", ".md", ".txt", ".conf", ".yml")):
        text = path.read_text(encoding="utf-8")
        assert text.endswith("\n"), path.name
        assert not text.endswith("\n\n"), path.name
        assert not re.search(r"[ \t]+$", text, flags=re.MULTILINE), path.name


@check("zoo: files over 1 MB in large_files.yml")
def large(bundle: Path) -> None:
    from monai_cars.bundles import write_bundle

    with elsewhere() as folder:
        copy = write_bundle(bundle.name, folder, url="https://example.org/cars_chest_xray")
        listed = {row["path"]: row for row in yaml.safe_load((copy / "large_files.yml").read_text())["large_files"]}
        files = [path for path in copy.rglob("*") if path.is_file()]
        big = {path.relative_to(copy).as_posix() for path in files if path.stat().st_size > LARGEST}
        assert big == set(listed), big ^ set(listed)
        for place, row in listed.items():
            assert row["hash_type"] == "sha256"
            assert row["hash_val"] == hashlib.sha256((copy / place).read_bytes()).hexdigest()
            assert row["url"].endswith(place)


@check("MONAI: SaveImaged writes film, lesion and support as NIfTI")
def saves(bundle: Path) -> None:
    with elsewhere() as folder:
        row = LoadRadiographd("image")({"image": get_testdata_file("RG1_UNCR.dcm")})
        row = InsertFindingd("image", "nodule", severity=0.5, segmenter="cars_anatomy")(row)
        for key in ("image", "lesion", "support"):
            save = SaveImaged(key, output_dir=folder, output_postfix=key, separate_folder=False, print_log=False)
            written = nib.load(folder / f"RG1_UNCR_{key}.nii.gz") if save(row) else None
            assert np.array_equal(written.get_fdata(), row[key][0].numpy())
        assert EnsureChannelFirstd("image")(row)["image"].shape == row["image"].shape


@check("MONAI: a Compose of arrays hands the edited image on")
def composes(bundle: Path) -> None:
    insert = InsertFinding("nodule", severity=0.5, segmenter="cars_anatomy")
    out = Compose([LoadRadiograph(), insert, Resize((256, 256))])(get_testdata_file("RG1_UNCR.dcm"))
    assert out.shape == (1, 256, 256)
    assert json.loads(out.meta["counterfactual"])["edits"]


@check("MONAI: films of two sizes leave a chain as one batch")
def collates(bundle: Path) -> None:
    keys = ["image", "anatomy", "lesion", "support"]
    chain = Compose([
        LoadRadiographd("image"),
        SegmentAnatomyd("image", axes="HW"),
        InsertFindingd("image", "nodule", severity=0.5),
        ValidityGated("image"),
        Resized(keys, (128, 128), mode=["area", "nearest", "nearest", "nearest"]),
    ])  # fmt: skip
    with elsewhere() as folder:
        films(folder / "data")
        rows = [{"image": str(folder / "data" / "3.png")}, {"image": get_testdata_file("RG1_UNCR.dcm")}]
        batch = next(iter(DataLoader(Dataset(rows, chain), batch_size=2)))
    assert [tuple(batch[key].shape) for key in keys] == [(2, 3 if key == "anatomy" else 1, 128, 128) for key in keys]


def films(folder: Path) -> None:
    """A datalist of two films with the masks that a run writes: right lung, left lung and heart as red, green, blue."""
    folder.mkdir()
    rows = []
    for seed in (3, 4):
        film = phantom(seed=seed)
        Image.fromarray(film.image[0].numpy().astype(np.uint16)).save(folder / f"{seed}.png")
        masks = (film.anatomy[:3].permute(1, 2, 0).numpy() > 0).astype(np.uint8) * 255
        Image.fromarray(masks).save(folder / f"{seed}-anatomy.png")
        rows.append({"image": f"{seed}.png", "label": f"{seed}-anatomy.png"})
    (folder / "datalist.json").write_text(json.dumps({"training": rows}))
