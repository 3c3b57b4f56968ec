"""What follows an edit: films of several sizes leave the README's chain as one batch."""

import json

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.transforms import Compose, Resized, SelectItemsd
from phantom import phantom
from PIL import Image

from monai_cars.transforms import InsertFindingd, LoadRadiographd, SegmentAnatomyd, ValidityGated

SPATIAL = ["image", "anatomy", "lesion", "support"]


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder, rows = tmp_path_factory.mktemp("films"), []
    for seed, crop in ((3, 0), (4, 10)):
        values = phantom(seed=seed).image[0].numpy().astype(np.uint16)
        path = folder / f"{seed}.png"
        Image.fromarray(values[crop:, : values.shape[1] - crop]).save(path)
        rows.append({"image": str(path)})
    return rows


def chain(*after):
    # As the README's first use; the phantom is no film that the segmenter was trained on, so how it lies is said.
    return Compose([
        LoadRadiographd("image"),
        SegmentAnatomyd("image", axes="HW"),
        InsertFindingd("image", "effusion", side="left", severity=0.3, seed=7),
        ValidityGated("image"),
        *after,
    ])  # fmt: skip


def batch(rows, transform):
    return next(iter(DataLoader(Dataset(rows, transform), batch_size=2)))


def test_the_image_alone_resized_does_not_collate(rows):
    with pytest.raises(RuntimeError, match="anatomy"):
        batch(rows, chain(Resized("image", (256, 256))))


@pytest.mark.parametrize(
    ("after", "keys"),
    [
        ([Resized(SPATIAL, (256, 256), mode=["area", "nearest", "nearest", "nearest"])], SPATIAL),
        ([Resized("image", (256, 256)), SelectItemsd(["image", "counterfactual"])], ["image"]),
    ],
    ids=["every key is resized", "what is needed is selected"],
)
def test_either_way_a_batch_comes_out(rows, after, keys):
    out = batch(rows, chain(*after))
    for key in keys:
        assert out[key].shape == (2, 3 if key == "anatomy" else 1, 256, 256)
    assert len(out["counterfactual"]) == 2
    assert all(json.loads(record)["edits"] for record in out["counterfactual"])
    if "lesion" in keys:
        assert set(torch.unique(out["lesion"].as_tensor()).tolist()) <= {0, 1}
