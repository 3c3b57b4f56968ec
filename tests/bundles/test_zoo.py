"""Every check of MONAI and of the model zoo passes, and sees what it is there to see."""

import json
import shutil

import pytest

from bundles import zoo_checks
from monai_cars.bundles import bundle_path

BUNDLE = bundle_path("cars_chest_xray")


@pytest.mark.parametrize("name", zoo_checks.CHECKS)
def test_the_bundle_passes(name):
    zoo_checks.CHECKS[name](BUNDLE)


def spoil_json(name, change):
    def spoil(bundle):
        path = bundle / "configs" / name
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content, indent=4) + "\n")

    return spoil


def shape(content):
    content["network_data_format"]["inputs"]["image"].update(spatial_shape=["32*n", "32*n"])


SPOILT = {
    "zoo: necessary and preferred files": lambda bundle: (bundle / "LICENSE").unlink(),
    "zoo: version and changelog": spoil_json("metadata.json", lambda content: content.update(version="9.9.9")),
    "zoo: metadata by its schema": spoil_json("metadata.json", lambda content: content.pop("authors")),
    "zoo: shapes in and out (verify_net_in_out, n = 1)": spoil_json("metadata.json", shape),
    "MONAI: properties of the inference workflow": spoil_json("inference.json", lambda made: made.pop("evaluator")),
    "MONAI: properties of the training workflow": spoil_json("train.json", lambda made: made["train"].pop("inferer")),
    "MONAI: network_def is the network that runs": spoil_json(
        "inference.json", lambda made: made["segmenter"].pop("network")
    ),
    "zoo: sections of the README": lambda bundle: (bundle / "docs" / "README.md").write_text("# A bundle\n"),
    "zoo: JSON with an indent of 4": lambda bundle: (bundle / "configs" / "hub.json").write_text("{}"),
    "zoo: ends of files and of lines": lambda bundle: (bundle / "docs" / "README.md").write_text("# A bundle \n"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_check_sees_a_bundle_that_breaks_its_rule(name, tmp_path):
    spoilt = tmp_path / BUNDLE.name
    shutil.copytree(BUNDLE, spoilt)
    SPOILT[name](spoilt)
    with pytest.raises(Exception, match=r"(?s).*"):
        zoo_checks.CHECKS[name](spoilt)
