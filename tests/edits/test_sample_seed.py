"""Per-sample seeds: the same under every dataset, loader and order, another in every epoch."""

import multiprocessing
import pickle

import pytest
import torch
from monai.data import CacheDataset, DataLoader, PersistentDataset, ThreadDataLoader
from monai.data import Dataset as TransformedDataset
from monai.transforms import Compose, MapTransform, RandomizableTransform
from torch.utils.data import ConcatDataset, Subset

from monai_cars.edits.sample_seed import SampleSeedDataset, current_sample_seed, derive_seed

SOURCES = [{"image": f"film-{i}", "value": float(i)} for i in range(5)]


class DrawD(RandomizableTransform, MapTransform):
    """Writes down the seed that a random transform sees."""

    def __init__(self):
        MapTransform.__init__(self, "value")

    def __call__(self, data):
        return {**data, "seen": current_sample_seed()}


def seeds(dataset):
    return [dataset[i]["sample_seed"] for i in range(len(dataset))]


def test_values_never_change_between_versions():
    assert derive_seed(7, 0, 3) == 9201173860917148152
    assert derive_seed("1") != derive_seed(1)


def test_seeds_differ_between_samples_epochs_and_runs():
    films = SampleSeedDataset(SOURCES, 1)
    first = seeds(films)
    films.set_epoch(1)
    assert len({*first, *seeds(films), *seeds(SampleSeedDataset(SOURCES, 2))}) == 15
    films.set_epoch(0)
    assert seeds(films) == first
    assert films[-1]["sample_seed"] == first[-1]
    with pytest.raises(IndexError):
        films[5]


@pytest.mark.parametrize("kind", ["plain", "cache", "persistent", "concat", "subset"])
def test_random_transforms_see_the_seed_in_every_dataset(kind, tmp_path):
    chain = Compose([DrawD()])
    inner = {
        "plain": lambda: TransformedDataset(SOURCES, chain),
        "cache": lambda: CacheDataset(SOURCES, chain, progress=False),
        "persistent": lambda: PersistentDataset(SOURCES, chain, cache_dir=tmp_path),
        "concat": lambda: ConcatDataset(
            [TransformedDataset(SOURCES[:2], chain), TransformedDataset(SOURCES[2:], chain)]
        ),
        "subset": lambda: Subset(TransformedDataset(SOURCES[::-1] + SOURCES, chain), range(5, 10)),
    }[kind]()
    films = SampleSeedDataset(inner, 1, identity="image")
    for epoch in (0, 3):
        films.set_epoch(epoch)
        expected = [derive_seed(1, epoch, source["image"]) for source in SOURCES]
        assert [films[i]["seen"] for i in range(5)] == expected == seeds(films)
    assert current_sample_seed() is None


def test_a_files_content_is_its_identity(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"same film")
    films = SampleSeedDataset([{"image": str(tmp_path / name)} for name in ("a.png", "b.png")], identity="image")
    first, second = seeds(films)
    assert first == second


# A forkserver's workers get the data set pickled, as spawned ones do.
@pytest.mark.parametrize("method", ["fork", pytest.param("forkserver", marks=pytest.mark.slow), "spawn"])
def test_set_epoch_reaches_persistent_workers(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {method}")
    films = SampleSeedDataset(SOURCES, 1)
    loader = DataLoader(films, batch_size=5, num_workers=1, persistent_workers=True, multiprocessing_context=method)
    for epoch in (0, 5):
        films.set_epoch(epoch)
        assert next(iter(loader))["sample_seed"].tolist() == [derive_seed(1, epoch, i) for i in range(5)]


def test_thread_loader_and_pickle_keep_seeds():
    films = SampleSeedDataset(SOURCES, 1)
    films.set_epoch(2)
    assert seeds(pickle.loads(pickle.dumps(films))) == seeds(films)
    batch = next(iter(ThreadDataLoader(films, batch_size=5, num_workers=0)))
    assert torch.equal(batch["sample_seed"], torch.tensor(seeds(films)))


def test_several_samples_of_one_source_get_seeds_of_their_own():
    films = SampleSeedDataset(TransformedDataset([{"value": 1}], lambda item: [item, item]), 1)
    one, two = films[0]
    assert one["sample_seed"] != two["sample_seed"]


def test_errors():
    with pytest.raises(TypeError, match=r"needs a dictionary a sample to add 'sample_seed' to \(got int\)"):
        SampleSeedDataset([1, 2])[0]
    with pytest.raises(KeyError, match=r"identity='film' names no entry of the source \(it has \['image', 'value'\]\)"):
        SampleSeedDataset(SOURCES, identity="film")[0]
    with pytest.raises(TypeError, match="_Bare has no `data` list; leave identity=None"):
        SampleSeedDataset(_Bare(), identity="image")[0]


class _Bare:
    def __len__(self):
        return 1
