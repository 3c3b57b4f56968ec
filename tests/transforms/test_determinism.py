"""With a per-sample seed the same bytes come out under any workers, start method, cache, pickle or order."""

import hashlib
import json
import multiprocessing
import pickle

import numpy as np
import pytest
import torch
from monai.data import (
    CacheDataset,
    DataLoader,
    Dataset,
    MetaTensor,
    PersistentDataset,
    ThreadDataLoader,
    partition_dataset,
)
from monai.data.utils import pickle_hashing
from monai.transforms import Compose, Resized, ScaleIntensityd
from phantom import phantom
from PIL import Image
from torch.utils.data import ConcatDataset

from monai_cars.edits.sample_seed import SampleSeedDataset
from monai_cars.transforms import LoadRadiographd, RandCounterfactuald, SegmentAnatomyd, ValidityGated

FILMS = [
    {"name": f"film-{seed}", "image": made.image, "anatomy": made.anatomy, "labels": torch.zeros(14)}
    for seed, made in ((seed, phantom(size=(224, 256), seed=seed)) for seed in range(5))
]
RANDOM = [
    RandCounterfactuald(
        "image",
        {"nodule": 1, "mass": 1, "consolidation": 1},
        {"insert": 3, "sham": 1},
        prob=0.8,
        seed_key="sample_seed",
        findings_key="labels",
        vocabulary="nih-14",
    ),
    ValidityGated("image"),
]
CHAIN = Compose([ScaleIntensityd("image"), *RANDOM])


def digest(sample):
    parts = [np.asarray(sample[key]).tobytes() for key in ("image", "lesion", "support")]
    parts += [sample["labels"].numpy().tobytes(), sample["counterfactual"].encode()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def digests(films):
    """Digest by film's name."""
    return {sample["name"]: digest(sample) for sample in films}


def loaded(loader):
    found = {}
    for batch in loader:
        for i, name in enumerate(batch["name"]):
            one = {key: batch[key][i] for key in ("image", "lesion", "support", "labels", "counterfactual")}
            found[name] = digest(one)
    return found


def seeded(dataset, epoch=2):
    films = SampleSeedDataset(dataset, seed=11, identity="name")
    films.set_epoch(epoch)
    return films


@pytest.fixture(scope="module")
def truth():
    films = seeded(Dataset(FILMS, CHAIN))
    return digests(films[i] for i in range(len(films)))


def test_something_happens_and_epochs_differ(truth):
    films = seeded(Dataset(FILMS, CHAIN), epoch=3)
    other = digests(films[i] for i in range(len(films)))
    assert sum(other[name] != truth[name] for name in truth) >= 3
    assert len(set(truth.values())) == len(FILMS)


# A spawned worker imports torch and MONAI anew, seconds each; a forkserver does so once.
SLOW = [(1, "forkserver"), (4, "forkserver"), (1, "spawn"), (2, "spawn"), (4, "spawn")]
FAST = [(0, None), (1, "fork"), (2, "fork"), (4, "fork"), (2, "forkserver")]


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
@pytest.mark.parametrize(
    ("workers", "method"), [*FAST, *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW)]
)
def test_workers_and_start_methods(truth, workers, method):
    if method is not None and method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {method}")
    if method == "forkserver":
        multiprocessing.set_forkserver_preload(["monai.data", "monai_cars.transforms"])
    films = seeded(CacheDataset(FILMS, CHAIN, progress=False))
    loader = DataLoader(films, batch_size=2, num_workers=workers, shuffle=True, multiprocessing_context=method)
    assert loaded(loader) == truth


def test_caches_threads_and_concatenation(truth, tmp_path):
    persistent = PersistentDataset(FILMS, CHAIN, cache_dir=tmp_path, hash_transform=pickle_hashing)
    for _ in range(2):  # the second time from disk
        assert loaded(DataLoader(seeded(persistent), batch_size=2)) == truth
    parts = ConcatDataset([Dataset(part, CHAIN) for part in partition_dataset(FILMS, num_partitions=2)])
    assert loaded(ThreadDataLoader(seeded(parts), batch_size=2, num_workers=0)) == truth


def test_pickling_order_and_interruption(truth):
    films = pickle.loads(pickle.dumps(seeded(Dataset(FILMS, CHAIN))))
    films[4], films[0]  # as an interrupted epoch leaves it
    assert digests(films[i] for i in (3, 1, 4, 0, 2)) == truth


def test_a_persistent_cache_notices_other_weights(tmp_path, monkeypatch):
    def hashed(sha256):
        transform = RandCounterfactuald("image", segmenter=None)
        transform.rand_counterfactual.loop.weights_sha256 = sha256
        return pickle_hashing(transform)

    assert hashed("aa") != hashed("bb")
    assert hashed("aa") == hashed("aa")


def test_a_cache_that_drops_metadata_changes_nothing(tmp_path):
    paths = []
    for seed in range(2):
        path = tmp_path / f"{seed}.png"
        Image.fromarray(phantom(seed=seed).image[0].numpy().astype(np.uint16)).save(path)
        paths.append({"image": str(path), "name": path.stem, "labels": [0.0] * 14, "mm": 0.6})
    load = [
        LoadRadiographd("image", spacing_key="mm"),
        Resized("image", (320, 320), mode="area"),
        SegmentAnatomyd("image", axes="HW"),
    ]
    films = seeded(PersistentDataset(paths, Compose([*load, *RANDOM]), cache_dir=tmp_path / "cache"))
    fresh = digests(films[i] for i in range(2))
    assert not isinstance(films[0]["anatomy"], MetaTensor)
    assert digests(films[i] for i in range(2)) == fresh
    edits = [json.loads(films[i]["counterfactual"])["edits"] for i in range(2)]
    assert any(edits)
    assert all(edit["spacing"] == pytest.approx([0.6 * 512 / 320] * 2, rel=1e-3) for some in edits for edit in some)
