"""Every ready chain, run as training runs it: through CacheDataset and DataLoader, on files."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import CacheDataset, DataLoader
from monai.networks.nets import DenseNet121, UNet
from phantom import phantom
from PIL import Image

import monai_cars.chains
from monai_cars.chains import chain_names, chain_path, load_chain
from monai_cars.features import load_vocabulary
from monai_cars.sample_seed import SampleSeedDataset

FOLDER = Path(__file__).resolve().parents[1] / "transforms"
ALWAYS = {"prob": 1.0}
pytestmark = pytest.mark.filterwarnings("ignore:NvImgCodec:UserWarning")


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Four films as 16-bit PNG files, two of them with findings."""
    folder = tmp_path_factory.mktemp("films")
    rows = []
    for seed in range(4):
        path = folder / f"film-{seed}.png"
        Image.fromarray(phantom(seed=seed).image[0].numpy().astype(np.uint16)).save(path)
        labels = [float("nan") if seed == 3 else float(seed == k) for k in range(14)]
        rows.append({"image": str(path), "findings": labels})
    return rows


def batch_of(name, films, **settings):
    dataset = SampleSeedDataset(CacheDataset(films, load_chain(name, **ALWAYS, **settings), progress=False), seed=1)
    return next(iter(DataLoader(dataset, batch_size=4)))


def test_classification_trains_on_labels_kept_in_step(films):
    batch = batch_of("classification", films, seed_key="sample_seed")
    edits = [json.loads(text)["edits"][0] for text in batch["counterfactual"]]
    vocabulary = load_vocabulary("nih-14")
    assert sum(edit["accepted"] for edit in edits) >= 2
    for edit, labels in zip(edits, batch["findings"], strict=True):
        if edit["accepted"] and edit["operation"] == "insert":
            assert labels[vocabulary.index(vocabulary.term(edit["finding"]))] == 1
    assert batch["findings"].isnan().any()
    assert set(batch) == {"image", "findings", "counterfactual", "sample_seed"}
    network = DenseNet121(spatial_dims=2, in_channels=1, out_channels=14)
    loss = load_chain("classification", "loss")(network(batch["image"].as_tensor()[..., ::8, ::8]), batch["findings"])
    loss.backward()
    assert loss.isfinite()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


def test_segmentation_gives_masks_of_what_was_inserted(films):
    batch = batch_of("segmentation", films, seed_key="sample_seed")
    edits = [json.loads(text)["edits"][0] for text in batch["counterfactual"]]
    for edit, lesion in zip(edits, batch["lesion"], strict=True):
        assert bool(lesion.any()) == (edit["accepted"] and edit["operation"] == "insert")
    assert batch["image"].shape == batch["lesion"].shape == (4, 1, 512, 512)
    network = UNet(2, 1, 1, (4, 8), (2,))
    loss = load_chain("segmentation", "loss")(network(batch["image"].as_tensor()), batch["lesion"].as_tensor().float())
    loss.backward()
    assert loss.isfinite()


def test_the_drop_in_leaves_the_loaders_geometry_and_scale(films):
    batch = batch_of("drop_in", films, seed_key="sample_seed")
    plain = load_chain("drop_in", "validation")
    for film, row, support in zip(batch["image"], films, batch["support"], strict=True):
        outside = support == 0
        assert torch.equal(film[outside], plain(row)["image"].as_tensor()[outside])
    edits = [json.loads(text)["edits"][0] for text in batch["counterfactual"]]
    assert sum(edit["accepted"] for edit in edits) >= 2


@pytest.mark.parametrize("name", chain_names())
def test_validation_never_edits(name, films):
    out = load_chain(name, "validation", size=[64, 64])(films[0])
    assert out["image"].shape == (1, 64, 64)
    assert "counterfactual" not in out


@pytest.mark.parametrize("name", chain_names())
def test_a_chain_names_everything_in_full_and_the_gallery_shows_it(name):
    targets = re.findall(r'"_target_": "([^"]*)"', chain_path(name).read_text())
    assert all(target.startswith(("monai.", "monai_cars.")) and target.count(".") >= 2 for target in targets)
    gallery = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"({name}.json)" in gallery
    picture = FOLDER / "images" / f"{name}.jpg"
    assert f"(images/{name}.jpg)" in gallery
    assert picture.stat().st_size < 150_000


def test_unknown_chains_parts_and_settings():
    with pytest.raises(
        ValueError, match="no chain is named 'detection'; there are classification, drop_in, segmentation"
    ):
        load_chain("detection")
    with pytest.raises(ValueError, match="the chain 'drop_in' has no 'probability'; did you mean 'prob'"):
        load_chain("drop_in", probability=0.3)
    with pytest.raises(ValueError, match="the chain 'drop_in' has no 'xyz'; it has about, image_key"):
        load_chain("drop_in", "xyz")


def test_chains_that_are_nowhere(monkeypatch, tmp_path):
    monkeypatch.setattr(monai_cars.chains, "PLACES", (tmp_path,))
    with pytest.raises(FileNotFoundError, match="the chains were looked for in"):
        chain_names()
