"""Every ready chain, run as training runs it: through CacheDataset and DataLoader, on files."""

import json
import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.apps.detection.networks import retinanet_detector
from monai.apps.detection.networks.retinanet_network import RetinaNet
from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape
from monai.data import CacheDataset, DataLoader
from monai.data.utils import no_collation
from monai.networks.nets import DenseNet121, UNet
from phantom import phantom
from PIL import Image

import monai_cars.chains
from monai_cars.chains import chain_names, chain_path, load_chain
from monai_cars.edits.sample_seed import SampleSeedDataset
from monai_cars.features import load_vocabulary
from monai_cars.transforms import InsertFinding

FOLDER = Path(__file__).resolve().parents[1] / "transforms"
ALWAYS = {"prob": 1.0}
pytestmark = [
    pytest.mark.filterwarnings("ignore:NvImgCodec:UserWarning"),
    # The films' datalist has labels, which the chains for masks and boxes do not hand on.
    pytest.mark.filterwarnings("ignore:'findings' is left as it was"),
]


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


@pytest.mark.filterwarnings("ignore:'findings' is left as it was")  # the drop-in keeps no labels
def test_the_drop_in_leaves_the_loaders_geometry_and_scale(films):
    batch = batch_of("drop_in", films, seed_key="sample_seed")
    plain = load_chain("drop_in", "validation")
    for film, row, support in zip(batch["image"], films, batch["support"], strict=True):
        outside = support == 0
        assert torch.equal(film[outside], plain(row)["image"].as_tensor()[outside])
    edits = [json.loads(text)["edits"][0] for text in batch["counterfactual"]]
    assert sum(edit["accepted"] for edit in edits) >= 2


@pytest.mark.filterwarnings("ignore:No anchor is matched")  # anchors of one size stand in for a tuned network's
def test_detection_gives_a_retinanet_boxes_of_what_was_inserted(films, monkeypatch):
    own = [{**films[0], "box": [[100, 60, 160, 140]], "label": [1]}, *films[1:]]
    chain = load_chain("detection", seed_key="sample_seed", **ALWAYS)
    dataset = SampleSeedDataset(CacheDataset(own, chain, progress=False), seed=1)
    samples = [sample for batch in DataLoader(dataset, batch_size=2, collate_fn=no_collation) for sample in batch]
    for sample, row in zip(samples, own, strict=True):
        (edit,) = json.loads(sample["counterfactual"])["edits"]
        inserted = edit["accepted"] and edit["operation"] == "insert"
        assert len(sample["box"]) == len(sample["label"])
        assert (len(sample["box"]) > len(row.get("box", []))) == inserted
        assert (sample["box"].dtype, sample["box"].shape[1:]) == (torch.float32, (4,))
        assert (sample["box"] >= 0).all()
        assert (sample["box"][:, 2:] > sample["box"][:, :2]).all()
    assert samples[0]["label"][0] == 1
    # Asked for by isinstance only, and part of torchvision; the matcher used here is MONAI's own.
    monkeypatch.setattr(retinanet_detector, "Matcher", type("Matcher", (), {}))
    losses = detector()([sample["image"].as_tensor() for sample in samples], samples)
    sum(losses.values()).backward()
    assert all(loss.isfinite() for loss in losses.values())


def detector():
    """MONAI's RetinaNet over a backbone of one layer, told the names of the chain's keys."""

    class Maps(torch.nn.Module):
        out_channels = 8

        def __init__(self):
            super().__init__()
            self.maps = torch.nn.Conv2d(1, 8, 16, 16)

        def forward(self, images):
            return OrderedDict(only=self.maps(images))

    network = RetinaNet(2, 4, 1, Maps(), size_divisible=16)
    anchors = AnchorGeneratorWithAnchorShape(feature_map_scales=(1,), base_anchor_shapes=[[64, 64]])
    found = retinanet_detector.RetinaNetDetector(network, anchors)
    found.set_target_keys(box_key="box", label_key="label")
    found.set_atss_matcher(num_candidates=4, center_in_gt=False)
    return found.train()


def test_pseudo_normals_lose_their_boxes_and_labels_together(films, tmp_path):
    rows = []
    for seed in range(3):
        film = phantom(seed=seed)
        made = InsertFinding("mass", side="right", zone="middle", severity=0.1, seed=seed).counterfactual(
            film.image, film.anatomy
        )
        path = tmp_path / f"mass-{seed}.png"
        Image.fromarray(made.image[0].numpy().astype(np.uint16)).save(path)
        labels = [float(name == "Mass") for name in load_vocabulary("nih-14").findings]
        rows.append({"image": str(path), "findings": labels, "box": [made.record["box"]]})
    rows.append({**films[0], "box": []})
    dataset = CacheDataset(rows, load_chain("pseudo_normals"), progress=False)
    batch = next(iter(DataLoader(dataset, batch_size=4)))
    edits = [json.loads(text)["edits"][0] for text in batch["counterfactual"]]
    mass = load_vocabulary("nih-14").index("Mass")
    assert any(edit["accepted"] for edit in edits)
    for edit, labels, row in zip(edits[:3], batch["findings"], rows, strict=False):
        assert labels[mass] == (0 if edit["accepted"] else row["findings"][mass])
    assert edits[3]["reason"] == "no region of the finding on this film"
    assert load_chain("pseudo_normals", "loss")(torch.zeros(4, 14), batch["findings"]).isfinite()


def test_severity_regression_learns_what_was_measured(films):
    batch = batch_of("severity_regression", films, seed_key="sample_seed")
    edits = [json.loads(text)["edits"][0] for text in batch["counterfactual"]]
    assert batch["severity"].shape == batch["severity_amount"].shape == (4,)
    for edit, severity, amount in zip(edits, batch["severity"], batch["severity_amount"], strict=True):
        assert severity.isnan() == (not edit["accepted"])
        if edit["accepted"]:
            assert severity.item() == pytest.approx(edit["severity_measured"]["normalised"], abs=1e-6)
            assert amount.item() == pytest.approx(edit["severity_measured"]["value"], rel=1e-5)
    assert batch["severity"].isfinite().any()
    network = torch.nn.Linear(16, 1)
    features = torch.nn.functional.adaptive_avg_pool2d(batch["image"].as_tensor(), 4).flatten(1)
    loss = load_chain("severity_regression", "loss")(network(features)[:, 0], batch["severity"])
    loss.backward()
    assert loss.isfinite()
    assert network.weight.grad.isfinite().all()


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
    with pytest.raises(ValueError, match="no chain is named 'retrieval'; there are classification, detection, drop_in"):
        load_chain("retrieval")
    with pytest.raises(ValueError, match="the chain 'drop_in' has no 'probability'; did you mean 'prob'"):
        load_chain("drop_in", probability=0.3)
    with pytest.raises(ValueError, match="the chain 'drop_in' has no 'xyz'; it has about, image_key"):
        load_chain("drop_in", "xyz")


def test_chains_that_are_nowhere(monkeypatch, tmp_path):
    monkeypatch.setattr(monai_cars.chains, "PLACES", (tmp_path,))
    with pytest.raises(FileNotFoundError, match="the chains were looked for in"):
        chain_names()
