"""Bundles are found by name, and a copy has what MONAI's tools ask for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from monai.bundle import ckpt_export

from monai_cars.bundles import bundle_names, bundle_path, main, write_bundle

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return write_bundle("cars_chest_xray", tmp_path_factory.mktemp("copies"))


def test_the_bundle_of_a_checkout_is_the_repositorys():
    assert bundle_names() == ("cars_chest_xray",)
    assert bundle_path("cars_chest_xray") == REPOSITORY / "bundles" / "cars_chest_xray"


@pytest.mark.parametrize("name", ["chest", "", ".", "../bundles/cars_chest_xray"])
def test_an_unknown_bundle_is_told_with_those_that_there_are(name):
    with pytest.raises(ValueError, match=r"no bundle is named .*; there are cars_chest_xray"):
        bundle_path(name)


def test_a_copy_is_the_bundle_and_its_model_says_what_the_repositorys_says(copy):
    source = bundle_path("cars_chest_xray")
    for path in source.rglob("*"):
        if path.is_file() and path.name != "model.pt":
            assert (copy / path.relative_to(source)).read_bytes() == path.read_bytes()
    one, other = (torch.load(folder / "models" / "model.pt", weights_only=True) for folder in (copy, source))
    assert set(one) == set(other)
    for name, value in other.items():
        torch.testing.assert_close(one[name].float(), value.float(), rtol=0, atol=0)


def test_monais_tools_work_on_a_copy(copy, tmp_path):
    ckpt_export(
        net_id="network_def",
        filepath=str(tmp_path / "model.ts"),
        ckpt_file=str(copy / "models" / "model.pt"),
        meta_file=str(copy / "configs" / "metadata.json"),
        config_file=str(copy / "configs" / "inference.json"),
        input_shape=[1, 1, 64, 64],
    )
    assert torch.jit.load(tmp_path / "model.ts")(torch.zeros(1, 1, 64, 64)).shape == (1, 3, 64, 64)


def test_a_copy_overwrites_nothing(copy):
    with pytest.raises(FileExistsError, match="is there already; remove it, or choose another folder"):
        write_bundle("cars_chest_xray", copy.parent)


def test_the_command_prints_where_it_lies_or_where_it_was_copied(tmp_path, capsys):
    done = subprocess.run(
        [sys.executable, "-m", "monai_cars.bundles", "cars_chest_xray"], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert Path(done.stdout.strip()) == bundle_path("cars_chest_xray")
    main(["cars_chest_xray", "--write", str(tmp_path)])
    metadata = Path(capsys.readouterr().out.strip()) / "configs" / "metadata.json"
    assert json.loads(metadata.read_text())["version"]
    with pytest.raises(SystemExit):
        main(["chest"])
    assert "invalid choice: 'chest'" in capsys.readouterr().err
