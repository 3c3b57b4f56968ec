"""Random counterfactuals: what decides them, and what does not."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import CacheDataset, DataLoader, Dataset
from monai.transforms import Compose, OneOf, RandomOrder, SomeOf
from torch.utils.data import DataLoader as PlainLoader

from monai_cars.edits.edit import SEVERITY, Region
from monai_cars.edits.sample_seed import SampleSeedDataset
from monai_cars.features import load_vocabulary
from monai_cars.transforms import InsertFindingd, RandCounterfactual, RandCounterfactuald, ShamEditd
from monai_cars.transforms.choice import Choices, Draw, draw

NODULES = {"nodule": 1.0}


def record(sample):
    return json.loads(sample["counterfactual"])


def rand(prob=1.0, **options):
    return RandCounterfactuald("image", NODULES, prob=prob, **options)


def fingerprint(sample):
    return sample["image"].as_tensor().sum().item(), sample["counterfactual"]


weights = st.dictionaries(st.sampled_from(list(SEVERITY)), st.floats(0.01, 10), min_size=1)
unit = st.floats(0, 1, exclude_max=True)


@given(weights, unit, unit, unit, st.floats(0, 1), st.floats(0, 1))
def test_a_choice_stays_within_what_was_asked(findings, operation, finding, severity, one, two):
    low, high = sorted((one, two))
    choices = Choices(findings, {"insert": 1, "delete": 1, "sham": 1}, (low, high))
    chosen = choices.choose(Draw(operation, finding, severity, 3), deletable=("mass",))
    assert chosen.finding in findings
    assert chosen.seed == 3
    if chosen.operation == "insert":
        assert low <= chosen.severity <= high
    else:
        assert chosen.severity is None
    if chosen.operation == "delete":
        assert chosen.finding == "mass"


def test_weights_are_frequencies():
    choices = Choices({"nodule": 3, "mass": 1, "effusion": 0}, {"insert": 1})
    names = [choices.choose(Draw(0, (i + 0.5) / 400, 0, 0)).finding for i in range(400)]
    assert {name: names.count(name) for name in set(names)} == {"nodule": 300, "mass": 100}


def test_the_order_of_the_weights_decides_nothing():
    drawn = Draw(0.3, 0.6, 0.1, 5)
    one, two = {"nodule": 1, "mass": 2}, {"mass": 2, "nodule": 1}
    assert Choices(one, {"insert": 1}).choose(drawn) == Choices(two, {"insert": 1}).choose(drawn)


def test_a_draw_always_moves_the_state_alike():
    one, two = np.random.RandomState(5), np.random.RandomState(5)
    draw(one)
    two.rand(3)
    two.randint(2**31)
    assert one.rand() == two.rand()


def test_never_and_always(sample):
    out = rand(prob=0.0)(sample)
    assert record(out) == {"edits": [], "draws": 1}
    assert torch.equal(out["image"], sample["image"])
    assert not out["lesion"].any()
    assert {"support", "image_before", "anatomy_before"} <= set(out)
    assert record(rand()(sample))["edits"][0]["operation"] == "insert"


def test_the_random_state_decides(sample):
    one, two, other = (rand().set_random_state(seed)(sample) for seed in (1, 1, 2))
    assert fingerprint(one) == fingerprint(two) != fingerprint(other)
    assert fingerprint(Compose([rand()]).set_random_state(5)(sample)) == fingerprint(
        Compose([rand()]).set_random_state(5)(sample)
    )


def test_a_samples_seed_decides_alone(sample):
    chain = rand(seed_key="seed")
    seeded = [chain.set_random_state(i)({**sample, "seed": seed}) for i, seed in enumerate([7, 7, 8])]
    assert fingerprint(seeded[0]) == fingerprint(seeded[1]) != fingerprint(seeded[2])
    assert fingerprint(chain({**sample, "seed": torch.tensor(7)})) == fingerprint(seeded[0])
    assert record(chain({**sample, "seed": "a hash"}))["edits"]


def test_a_second_random_edit_draws_anew(sample):
    out = Compose([rand(seed_key="seed"), rand(seed_key="seed")])({**sample, "seed": 7})
    one, two = record(out)["edits"]
    assert one["seed"] != two["seed"]
    assert record(out)["draws"] == 2


def test_a_seed_key_without_a_seed_names_the_remedy(sample):
    with pytest.raises(KeyError, match=r"seed_key='seed' names no entry .* SampleSeedDataset"):
        rand(seed_key="seed")(sample)


def test_a_sample_seed_dataset_supplies_the_seed(sample):
    films = SampleSeedDataset(Dataset([sample, sample], rand(seed_key="sample_seed")), seed=1)
    first = [fingerprint(films[i]) for i in (0, 1)]
    assert first[0] != first[1]
    films.set_epoch(1)
    assert fingerprint(films[0]) != first[0]
    films.set_epoch(0)
    assert [fingerprint(films[i]) for i in (0, 1)] == first


def test_findings_follow(sample):
    vocabulary = load_vocabulary("carpa-19")
    labels = torch.zeros(19)
    labels[vocabulary.index("unremarkable")] = 1
    out = rand(findings_key="labels", vocabulary="carpa-19")({**sample, "labels": labels})
    assert out["labels"][vocabulary.index("nodule")] == record(out)["edits"][0]["accepted"]
    assert out["labels"][vocabulary.index("unremarkable")] == 0


def test_deletions_need_a_region_and_else_other_operations_take_their_place(sample):
    made = InsertFindingd("image", "nodule", severity=1.0, seed=2, keep_before=False)(sample)
    box = record(made)["edits"][0]["box"]
    film = {"image": made["image"], "anatomy": made["anatomy"]}
    both = rand(operations={"delete": 1e9, "insert": 1}, box_keys={"nodule": "boxes"})
    assert record(both({**film, "boxes": [box]}))["edits"][0]["operation"] == "delete"
    for absent in ({}, {"boxes": []}, {"boxes": None}):
        assert record(both({**film, **absent}))["edits"][0]["operation"] == "insert"
    only = rand(operations={"delete": 1}, mask_keys={"nodule": "mask"})
    assert record(only({**film, "mask": made["lesion"]}))["edits"][0]["operation"] == "delete"
    (nothing,) = record(only({**film, "mask": torch.zeros(1, 512, 512)}))["edits"]
    assert (nothing["operation"], nothing["reason"]) == ("delete", "no region of a finding on this film")


def test_the_array_class(sample):
    transform = RandCounterfactual(NODULES, {"insert": 1, "delete": 1}, prob=1.0)
    with pytest.raises(RuntimeError, match="call randomize"):
        transform.counterfactual(sample["image"], sample["anatomy"], randomize=False)
    region = {"nodule": Region(point=(200.0, 120.0))}
    first = transform.set_random_state(3).counterfactual(sample["image"], sample["anatomy"], region)
    again = transform.counterfactual(sample["image"], sample["anatomy"], region, randomize=False)
    assert first.record == again.record
    nothing = RandCounterfactual(prob=0.0).counterfactual(sample["image"], sample["anatomy"])
    assert nothing.record == {}
    assert torch.equal(nothing.image, sample["image"])


@pytest.mark.parametrize("chooser", [OneOf, RandomOrder, lambda parts: SomeOf(parts, num_transforms=1)])
def test_inside_monais_choosers(sample, chooser):
    out = chooser([rand(), ShamEditd("image", "nodule")])(sample)
    assert record(out)["edits"]


def test_missing_films_pass():
    assert rand(allow_missing_keys=True)({"labels": 1}) == {"labels": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"findings": {"gout": 1}}, "findings names 'gout'; known are nodule, mass"),
        ({"findings": {"nodule": -1}}, "findings must be weights >= 0, at least one of them > 0"),
        ({"findings": {}}, "findings must be weights"),
        ({"operations": {"insert": float("nan")}}, "operations must be weights"),
        ({"operations": {"remove": 1}}, "operations names 'remove'; known are insert, delete, sham"),
        ({"severity": (0.8, 0.2)}, r"severity must be \(low, high\) with 0 <= low <= high <= 1 \(got \(0.8, 0.2\)\)"),
        ({"operations": {"delete": 1}}, r"give mask_keys or box_keys, such as box_keys=.* \(got neither\)"),
    ],
)
def test_arguments_are_checked_when_the_chain_is_built(arguments, message):
    with pytest.raises(ValueError, match=message):
        RandCounterfactuald("image", **arguments)


def batches(loader):
    return [text for batch in loader for text in batch["counterfactual"]]


def test_monais_loader_draws_anew_in_every_worker_and_the_plain_one_is_warned_of(sample):
    films = CacheDataset([sample] * 4, rand(prob=1.0), progress=False)
    drawn = batches(DataLoader(films, batch_size=1, num_workers=2))
    assert len({json.loads(text)["edits"][0]["seed"] for text in drawn}) == 4
    # Warnings are errors here, so the worker's comes back as its failure.
    with pytest.raises(RuntimeError, match="under a plain torch DataLoader all workers repeat the same draws"):
        batches(PlainLoader(films, batch_size=1, num_workers=1))
