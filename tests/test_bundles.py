"""The bundle as MONAI's tools and the model zoo's checks see it, offline."""

import copy
import json
import re
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ckpt_export, verify_metadata, verify_net_in_out

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
    verify_metadata(meta_file=str(CONFIGS / "metadata.json"), filepath=str(SCHEMA))


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
        verify_metadata(meta_file=str(tmp_path / "metadata.json"), filepath=str(SCHEMA))


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


def network() -> torch.nn.Module:
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "inference.json"))
    return parser.get_parsed_content("network_def")
