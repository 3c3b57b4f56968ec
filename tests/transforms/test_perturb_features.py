"""Perturbations in a chain: drawn by weight, reproducible, the film left alone."""

import pickle

import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.transforms import Compose

from monai_cars.edits.sample_seed import SampleSeedDataset
from monai_cars.features import load_vocabulary, vector_of
from monai_cars.transforms import PerturbFeatures, PerturbFeaturesd

CARPA = load_vocabulary("carpa-19")
NODULE = vector_of({"nodule": 1}, CARPA, otherwise=0)
NORMAL = vector_of({"unremarkable": 1}, CARPA, otherwise=0)


def test_the_random_state_decides():
    chain = Compose([PerturbFeaturesd("findings", CARPA)])
    one, two, other = (chain.set_random_state(seed)({"findings": NODULE}) for seed in (1, 1, 2))
    assert torch.equal(one["findings"], two["findings"])
    assert not torch.equal(one["findings"], other["findings"])
    assert not torch.equal(one["findings"], NODULE)
    assert one["findings_perturbation"] == two["findings_perturbation"] != ""


def test_a_kind_that_a_vector_does_not_allow_gives_way():
    transform = PerturbFeatures(CARPA, {"deletion": 1e9, "insertion": 1})
    assert transform(NORMAL)[1] == "insertion"
    assert transform(NODULE)[1] == "deletion"
    unchanged, kind = PerturbFeatures(CARPA, {"deletion": 1})(NORMAL)
    assert (kind, torch.equal(unchanged, NORMAL)) == ("", True)


def test_never_and_again():
    never = PerturbFeaturesd("findings", CARPA, prob=0.0)({"findings": NODULE.tolist()})
    assert never["findings_perturbation"] == ""
    assert torch.equal(never["findings"], NODULE)
    transform = PerturbFeatures(CARPA)
    assert torch.equal(transform(NODULE)[0], transform(NODULE, randomize=False)[0])


def test_a_samples_seed_decides_alone():
    chain = PerturbFeaturesd("findings", CARPA, seed_key="sample_seed")
    films = SampleSeedDataset(Dataset([{"findings": NODULE}] * 6, chain), seed=3)
    batch = next(iter(DataLoader(films, batch_size=6)))
    again = next(iter(DataLoader(films, batch_size=6, num_workers=2)))
    assert torch.equal(batch["findings"].nan_to_num(-1), again["findings"].nan_to_num(-1))
    assert len({tuple(vector.tolist()) for vector in batch["findings"]}) > 1
    seeded = [chain({"findings": NODULE, "sample_seed": seed})["findings"] for seed in (7, torch.tensor(7))]
    assert torch.equal(*seeded)
    with pytest.raises(KeyError, match="seed_key='sample_seed' names no entry of the sample"):
        chain({"findings": NODULE})


def test_keys_and_pickles():
    transform = PerturbFeaturesd(["one", "two"], CARPA, {"insertion": 1}, allow_missing_keys=True)
    out = transform({"one": NORMAL, "image": 3})
    assert set(out) == {"one", "one_perturbation", "image"}
    assert len(pickle.dumps(PerturbFeaturesd("findings", "nih-14"))) < 20_000


def test_arguments_are_checked_when_the_chain_is_built():
    with pytest.raises(ValueError, match="kinds names 'swap'; known are insertion, deletion, inter-class"):
        PerturbFeatures(CARPA, {"swap": 1})
    with pytest.raises(ValueError, match=r"kinds must be weights >= 0, at least one of them > 0 \(got"):
        PerturbFeatures(CARPA, {"random": 0})
