"""Insertion, deletion and sham in a chain: what they write, and what they leave alone."""

import json

import numpy as np
import pytest
import torch
from monai.data import MetaTensor, set_track_meta
from monai.transforms import Compose, EnsureTyped, Flipd, Resized, ScaleIntensityd, Transposed

from monai_cars.edits.edit import Region
from monai_cars.edits.record import mask_of
from monai_cars.features import load_vocabulary, present_findings, vector_of
from monai_cars.gates import Gate, judged
from monai_cars.transforms import DeleteFinding, DeleteFindingd, InsertFinding, InsertFindingd, ShamEditd

NIH = load_vocabulary("nih-14")
KEYS = {"image", "anatomy", "lesion", "support", "counterfactual", "image_before", "anatomy_before"}


class Never:
    """A check that nothing passes."""

    name = "never"

    def __call__(self, before, after, context):
        return judged("never", 0, 1, at_most=False, reason="nothing passes")


def edits(sample):
    return json.loads(sample["counterfactual"])["edits"]


def insert(**options):
    return InsertFindingd("image", "nodule", severity=0.4, seed=1, **options)


def same(one, two):
    return torch.equal(torch.as_tensor(one), torch.as_tensor(two))


def test_an_insertion_writes_every_key_and_changes_nothing_outside_its_support(sample):
    out = insert()(sample)
    assert set(out) == KEYS
    assert edits(out)[0]["accepted"]
    image, support, lesion = out["image"].as_tensor(), out["support"].as_tensor(), out["lesion"].as_tensor()
    assert support.dtype == lesion.dtype == torch.uint8
    assert lesion.shape == support.shape == (1, 512, 512)
    changed = image != sample["image"].as_tensor()
    assert changed.any()
    assert not (changed & (support == 0)).any()
    assert (lesion <= support).all()
    assert (image == image.round()).all()
    assert same(out["image_before"], sample["image"])


def test_masks_carry_the_images_affine_and_the_image_its_meta(sample):
    out = insert()(sample)
    assert out["image"].meta["radiograph"] == sample["image"].meta["radiograph"]
    for key in ("lesion", "support"):
        assert same(out[key].affine, sample["image"].affine)
        assert out[key].applied_operations == []


def test_the_record_holds_its_own_lesion(sample):
    out = insert()(sample)
    record = edits(out)[0]
    y0, x0, y1, x1 = record["box"]
    lesion = mask_of(record["lesion_rle"], (y1 - y0, x1 - x0))
    assert same(out["lesion"][0, y0:y1, x0:x1], lesion.to(torch.uint8))


def test_the_same_seed_gives_the_same_film_and_another_seed_another(sample):
    one, two = insert()(sample), insert()(sample)
    assert same(one["image"], two["image"])
    assert one["counterfactual"] == two["counterfactual"]
    other = InsertFindingd("image", "nodule", severity=0.4, seed=2)(sample)
    assert not same(one["image"], other["image"])


def test_the_sample_given_is_not_changed(sample):
    before = {key: value.clone() for key, value in sample.items()}
    insert()(sample)
    assert set(sample) == set(before)
    assert all(same(sample[key], before[key]) for key in before)


def test_abstention_leaves_film_and_labels_and_says_why(sample):
    sample["labels"] = vector_of({}, NIH, otherwise=0)
    out = insert(gate=Gate([Never()]), max_attempts=2, findings_key="labels", vocabulary="nih-14")(sample)
    assert same(out["image"], sample["image"])
    assert not out["lesion"].any()
    assert not out["support"].any()
    assert same(out["labels"], sample["labels"])
    (record,) = edits(out)
    assert (record["accepted"], record["attempts"]) == (False, 2)
    assert "nothing passes" in record["reason"]


@pytest.mark.parametrize("broken", [lambda x: x * 0, lambda x: x * float("nan"), lambda x: x.fill_(float("inf"))])
def test_a_film_that_cannot_be_edited_is_no_exception(sample, broken):
    sample["image"] = broken(sample["image"].clone())
    (record,) = edits(insert()(sample))
    assert not record["accepted"]
    assert record["reason"]


def test_masks_without_lungs_are_no_exception(sample):
    sample["anatomy"] = torch.zeros_like(sample["anatomy"])
    assert not edits(insert()(sample))[0]["accepted"]


def test_an_abstention_without_a_try_has_the_same_entries(sample):
    tried = InsertFinding("nodule").counterfactual(sample["image"], sample["anatomy"]).record
    untried = DeleteFinding("nodule").counterfactual(sample["image"], sample["anatomy"]).record
    assert set(untried) == set(tried)


def test_findings_are_kept_in_step(sample):
    sample["labels"] = [0.0] * 14
    out = InsertFindingd("image", "mass", severity=0.1, findings_key="labels", vocabulary="nih-14")(sample)
    assert present_findings(out["labels"], NIH) == ("Mass",)
    assert out["labels"].dtype == torch.float32
    assert same(out["labels_before"], torch.zeros(14))
    sham = ShamEditd("image", "nodule", findings_key="labels", vocabulary="nih-14")(sample)
    assert same(sham["labels"], torch.zeros(14))


def test_a_second_edit_adds_to_the_first(sample):
    one = InsertFindingd("image", "nodule", side="right", severity=0.4, seed=1)
    two = InsertFindingd("image", "nodule", side="left", severity=0.4, seed=1)
    first = one(sample)
    both = two(first)
    assert [edit["side"] for edit in edits(both)] == ["right", "left"]
    assert all(edit["accepted"] for edit in edits(both))
    assert (first["lesion"] <= both["lesion"]).all()
    assert both["lesion"].sum() > first["lesion"].sum()
    assert same(both["image_before"], sample["image"])


@pytest.mark.parametrize("scale", [(0.0, 1.0), (-3.0, 5.0)])
def test_scaled_films_are_edited_alike(sample, scale):
    native = insert()(sample)
    scaled = Compose([ScaleIntensityd("image", *scale), insert()])(sample)
    assert same(scaled["lesion"], native["lesion"])
    steps = (scaled["image"] - scaled["image_before"]) * 4095 / (scale[1] - scale[0])
    native_steps = native["image"] - native["image_before"]
    # The native film is rounded to integers; the phantom's own range is not quite 0 to 4095.
    assert torch.corrcoef(torch.stack([steps.flatten(), native_steps.flatten()]))[0, 1] > 0.999


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_films_laid_down_otherwise_are_edited_in_their_own_axes(sample, transposed, axis):
    lay = [Transposed(["image", "anatomy"], (0, 2, 1))] if transposed else []
    lay += [Flipd(["image", "anatomy"], axis)] if axis is not None else []
    chain = Compose([*lay, InsertFindingd("image", "nodule", side="left", severity=0.4, seed=1)])
    if axis is None:
        out = chain(sample)
    else:
        with pytest.warns(UserWarning, match="mirrored left to right"):
            out = chain(sample)
    assert edits(out)[0]["accepted"]
    left = out["anatomy"][1] > 0
    assert (left & (out["lesion"][0] > 0)).sum() > 0.8 * out["lesion"].sum()


def test_an_inverted_film_gets_a_dark_nodule(sample):
    out = insert()({"image": 1 - sample["image"].as_tensor() / 4095, "anatomy": sample["anatomy"]})
    assert edits(out)[0]["accepted"]
    change = out["image"] - out["image_before"]
    assert change[out["lesion"] > 0].mean() < -0.02


def test_three_equal_channels_stay_equal_and_unequal_ones_are_refused(sample):
    one = insert()(sample)
    rgb = sample["image"].as_tensor().expand(3, -1, -1)
    out = insert()({"image": MetaTensor(rgb, meta=sample["image"].meta), "anatomy": sample["anatomy"]})
    assert out["image"].shape == (3, 512, 512)
    assert all(same(channel, one["image"][0]) for channel in out["image"])
    assert out["lesion"].shape == (1, 512, 512)
    photograph = rgb * torch.tensor([1.0, 0.9, 0.8])[:, None, None]
    with pytest.raises(ValueError, match="the three channels of image differ"):
        insert()({"image": photograph, "anatomy": sample["anatomy"]})


@pytest.mark.parametrize("kind", ["numpy", "half", "uint8", "untracked"])
def test_what_comes_in_goes_out(sample, kind):
    image = sample["image"].as_tensor()
    given = {"numpy": image.numpy(), "half": (image / 2).half(), "uint8": (image / 16).to(torch.uint8)}.get(kind, image)
    try:
        set_track_meta(kind != "untracked")
        out = insert()({"image": given, "anatomy": sample["anatomy"].as_tensor()})
    finally:
        set_track_meta(True)
    assert isinstance(out["image"], MetaTensor) == (kind != "untracked")
    assert out["image"].dtype == torch.as_tensor(given).dtype
    outside = torch.as_tensor(out["support"]) == 0
    assert same(torch.as_tensor(out["image"])[outside], torch.as_tensor(given)[outside])
    assert edits(out)[0]["accepted"]


def test_resized_films_are_measured_in_millimetres(sample):
    chain = Compose([Resized(["image", "anatomy"], (384, 448), mode=["bilinear", "nearest"]), insert()])
    (record,) = edits(chain(sample))
    assert record["accepted"]
    assert record["spacing"] == pytest.approx([0.7 * 512 / 384, 0.7 * 512 / 448], rel=0.02)


def test_later_spatial_transforms_carry_the_masks(sample):
    out = Compose([insert(), Flipd(["image", "lesion"], 1)])(sample)
    assert same(out["lesion"].flip(-1), insert()(sample)["lesion"])


def test_lazy_chains_and_inversion(sample):
    keys = ["image", "anatomy"]
    chain = [Resized(keys, (448, 448), mode=["bilinear", "nearest"]), insert()]
    eager, lazy = Compose(chain)(sample), Compose(chain, lazy=True)(sample)
    assert edits(lazy)[0]["accepted"] == edits(eager)[0]["accepted"]
    back = Compose(chain).inverse({key: eager[key] for key in keys})
    assert back["image"].shape == (1, 512, 512)


def test_missing_keys(sample):
    with pytest.raises(KeyError, match="image"):
        insert()({"anatomy": sample["anatomy"]})
    assert insert(allow_missing_keys=True)({"anatomy": 1}) == {"anatomy": 1}


def test_masks_that_are_missing_or_do_not_fit_name_the_remedy(sample):
    with pytest.raises(ValueError, match=r"put SegmentAnatomyd\(keys='image', anatomy_key='anatomy'\) before the edit"):
        insert()({"image": sample["image"]})
    with pytest.raises(ValueError, match=r"anatomy must have shape \(3, 512, 512\).*got \(3, 256, 256\)"):
        insert()({"image": sample["image"], "anatomy": sample["anatomy"][:, ::2, ::2]})
    with pytest.raises(ValueError, match=r"image must have shape \(1, H, W\).*EnsureChannelFirstd"):
        insert()({"image": sample["image"][0], "anatomy": sample["anatomy"]})


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64, torch.int16])
def test_an_image_of_any_type_comes_back_in_its_type(film, kind):
    image = (film.image / 4095 * 255).round().to(kind)
    out = insert()({"image": image, "anatomy": film.anatomy})
    assert edits(out)[0]["accepted"]
    assert out["image"].dtype == kind
    outside = out["support"].as_tensor() == 0
    assert torch.equal(out["image"].as_tensor()[outside], image[outside])


def test_masks_of_more_structures_than_the_organ_has_are_taken_by_their_first(sample):
    three = sample["anatomy"].as_tensor() if isinstance(sample["anatomy"], MetaTensor) else sample["anatomy"]
    more = torch.cat([three, torch.ones_like(three)])
    known, extra = insert()({**sample, "anatomy": three}), insert()({**sample, "anatomy": more})
    assert edits(known) == edits(extra)
    assert same(known["image"], extra["image"])
    assert len(extra["anatomy"]) == len(more)


def test_a_segmenter_of_ones_own_stands_in_for_masks(sample, film):
    out = insert(segmenter=lambda image: film.anatomy)({"image": sample["image"]})
    assert same(out["lesion"], insert()(sample)["lesion"])


def test_arguments_are_checked_when_the_chain_is_built():
    with pytest.raises(ValueError, match="finding must be one of nodule, mass"):
        InsertFindingd("image", "gout")
    with pytest.raises(ValueError, match=r"give one key \(got \('image', 'prior'\)\)"):
        InsertFindingd(["image", "prior"], "nodule")
    with pytest.raises(ValueError, match="findings_key needs vocabulary="):
        InsertFindingd("image", "nodule", findings_key="labels")
    with pytest.raises(ValueError, match=r"gate must be cheap or full, or a Gate \(got 'strict'\)"):
        InsertFindingd("image", "nodule", gate="strict")
    with pytest.raises(ValueError, match="max_attempts must be at least 1"):
        InsertFindingd("image", "nodule", max_attempts=0)


def test_a_users_own_entries_are_not_overwritten(sample):
    with pytest.raises(ValueError, match=r"an entry 'lesion' of its own.*lesion_key='edited_lesion'"):
        insert()({**sample, "lesion": torch.zeros(1)})
    with pytest.raises(ValueError, match="record must be a JSON object with a list `edits`"):
        insert()({**sample, "counterfactual": "{}"})
    with pytest.raises(KeyError, match=r"findings_key='labels' names no entry of the sample .it has anatomy, image"):
        insert(findings_key="labels", vocabulary="nih-14")(sample)


def test_masks_of_an_earlier_edit_must_have_moved_along(sample):
    moved = Compose([insert(), Resized(["image", "anatomy"], (400, 400), mode=["bilinear", "nearest"]), insert()])
    with pytest.raises((ValueError, RuntimeError)) as caught:
        moved(sample)
    assert "'lesion' of an earlier edit has shape (1, 512, 512)" in str(caught.value.__cause__ or caught.value)


@pytest.fixture
def with_mass(sample):
    out = InsertFindingd("image", "mass", side="right", severity=0.2, seed=7, keep_before=False)(sample)
    assert edits(out)[0]["accepted"]
    y0, x0, y1, x1 = edits(out)[0]["box"]
    return {"image": out["image"], "anatomy": out["anatomy"], "box": [y0, x0, y1, x1], "mask": out["lesion"]}


@pytest.mark.parametrize("where", [{"box_key": "box"}, {"mask_key": "mask"}])
def test_a_deletion_makes_the_opacity_fainter(with_mass, where):
    out = DeleteFindingd("image", "mass", **where)(with_mass)
    (record,) = edits(out)
    assert record["accepted"], record["reason"]
    assert record["instance_only"]
    inside = with_mass["mask"] > 0
    assert out["image"][inside].mean() < with_mass["image"][inside].mean()


def test_a_deletion_follows_its_box_through_a_chain(with_mass):
    y0, x0, y1, x1 = with_mass["box"]
    with_mass["box"] = torch.tensor([[y0, x0, y1 - y0, x1 - x0]])
    delete = DeleteFindingd("image", "mass", box_key="box", box_mode="xywh")
    smaller = Resized(["image", "anatomy"], (448, 448), mode=["bilinear", "nearest"])
    lesion = Compose([smaller, delete])(with_mass)["lesion"]
    if lesion.any():
        rows, columns = lesion[0].nonzero(as_tuple=True)
        room = 0.2 * max(y1 - y0, x1 - x0)  # an outline is looked for a little beyond its box
        assert y0 * 448 / 512 - room <= rows.min()
        assert columns.max() <= x1 * 448 / 512 + room


@pytest.mark.parametrize(("complete", "boxes", "label"), [(False, 1, 1.0), (True, 1, 0.0), (True, 2, 1.0)])
def test_the_label_goes_only_with_the_last_known_instance(with_mass, complete, boxes, label):
    with_mass["labels"] = vector_of({"Mass": 1}, NIH)
    with_mass["box"] = [with_mass["box"], [10, 10, 20, 20]][:boxes]
    delete = DeleteFindingd(
        "image", "mass", box_key="box", complete=complete, findings_key="labels", vocabulary="nih-14"
    )
    out = delete(with_mass)
    assert edits(out)[0]["accepted"]
    assert out["labels"][NIH.index("Mass")] == label
    assert edits(out)[0]["instance_only"] == (label == 1)


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ({"box": []}, {"box_key": "box"}),
        ({"box": [[1, 2, 3, 4]]}, {"box_key": "box", "instance": 1}),
        ({"mask": np.zeros((1, 512, 512))}, {"mask_key": "mask"}),
        ({}, {"point": (900, 3)}),
    ],
)
def test_a_film_without_the_finding_is_left_alone(sample, entry, where):
    out = DeleteFindingd("image", "mass", **where)({**sample, **entry})
    (record,) = edits(out)
    assert record["reason"] == "no region of the finding on this film"
    assert same(out["image"], sample["image"])


def test_a_deletion_must_be_told_where():
    with pytest.raises(ValueError, match=r"by exactly one of mask_key, box_key and point \(got none"):
        DeleteFindingd("image", "mass")
    with pytest.raises(ValueError, match=r"exactly one of .* \(got mask_key, point\)"):
        DeleteFindingd("image", "mass", mask_key="mask", point=(1, 2))
    with pytest.raises(ValueError, match="finding must be one of"):
        DeleteFindingd("image", "gout", point=(1, 2))
    with pytest.raises(KeyError, match="box_key='boxes' names no entry"):
        DeleteFindingd("image", "mass", box_key="boxes")({"image": torch.zeros(1, 8, 8)})


def test_a_point_is_enough(with_mass):
    rows, columns = with_mass["mask"][0].nonzero(as_tuple=True)
    point = (float(rows.float().mean()), float(columns.float().mean()))
    (record,) = edits(DeleteFindingd("image", "mass", point=point)(with_mass))
    assert record["accepted"] or record["reason"]
    region = Region(point=point)
    assert (
        DeleteFinding("mass").counterfactual(with_mass["image"], with_mass["anatomy"], region).record["box"]
        == record["box"]
    )


def test_devices_of_the_image_are_kept(sample):
    out = Compose([EnsureTyped("image", device="cpu"), insert()])(sample)
    assert out["image"].device == out["lesion"].device == torch.device("cpu")


def test_cuda_in_a_forked_worker_is_refused_by_name(sample, monkeypatch):
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    with pytest.raises(RuntimeError, match=r"use num_workers=0, monai.data.ThreadDataLoader, or device='cpu'"):
        insert(gate="full", device="cuda:0")(sample)


def test_a_named_segmenter_is_loaded_once_a_process_and_not_held(sample):
    full = insert(gate="full")
    out = full(sample)
    assert "anatomy_preserved" in {check["name"] for check in edits(out)[0]["checks"]}
    assert full.insert.loop.segmenter == "cars_anatomy"
    assert len(full.insert.loop.weights_sha256) == 64
    assert full.insert.loop.loaded_segmenter(torch.device("cpu")) is full.insert.loop.loaded_segmenter("cpu")
