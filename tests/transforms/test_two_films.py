"""Two films in one sample: each has its own masks and record, and what belongs to one is never read for the other."""

import json
from dataclasses import replace

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, CopyItemsd, Lambdad

from monai_cars.files.radiograph import META_KEY, Header
from monai_cars.loop.one_film import require_one_film, source_of
from monai_cars.transforms import (
    InsertFindingd,
    LesionToBoxesd,
    RandCounterfactuald,
    SaveRadiographd,
    SegmentAnatomyd,
    ShamEditd,
    ValidityGated,
)


def another(image, sha256="cd" * 32):
    """The same pixels as another file would give them."""
    header = replace(Header.from_json(image.meta[META_KEY]), sha256=sha256, source="b.dcm")
    copied = image.clone()
    copied.meta[META_KEY] = header.to_json()
    return copied


@pytest.fixture
def two(sample):
    """Films a and b with masks of their own."""
    return {
        "a": sample["image"],
        "b": another(sample["image"]),
        "a_anatomy": sample["anatomy"],
        "b_anatomy": sample["anatomy"].clone(),
    }


def insert(key, **options):
    return InsertFindingd(key, "nodule", severity=0.4, seed=1, anatomy_key=f"{key}_anatomy", **options)


def own(key):
    return {"record_key": f"{key}_record", "lesion_key": f"{key}_lesion", "support_key": f"{key}_support"}


@pytest.mark.parametrize(
    "second",
    [
        insert("b"),
        ShamEditd("b", "nodule", anatomy_key="b_anatomy"),
        RandCounterfactuald("b", {"nodule": 1}, prob=0.0, anatomy_key="b_anatomy"),
        LesionToBoxesd("b", ["nodule"], anatomy_key="b_anatomy"),
        SaveRadiographd("b", "never", anatomy_key="b_anatomy"),
    ],
    ids=lambda transform: type(transform).__name__,
)
def test_a_record_of_one_film_is_not_read_for_another(two, second):
    with pytest.raises(ValueError, match=r"'counterfactual' tells of edits of the film 'a', not of the film 'b'.*"):
        second(insert("a")(two))


def test_films_in_memory_are_told_apart_by_their_keys(two):
    plain = {key: value.as_tensor() for key, value in two.items()}
    with pytest.raises(ValueError, match="give the edits and the gate of this one record_key='b_counterfactual'"):
        insert("b")(insert("a")(plain))


def test_a_gate_does_not_judge_one_films_edits_on_another(two):
    edited = insert("b", **own("b"))(insert("a")(two))
    with pytest.raises(ValueError, match="tells of edits of the film 'a', not of the film 'b'"):
        ValidityGated("b", anatomy_key="b_anatomy")(edited)


def test_another_file_under_the_same_key_is_another_film(two):
    edited = insert("a")(two)
    edited["a"] = another(edited["a"])
    with pytest.raises(ValueError, match="tells of edits of another file, not of the film 'a'"):
        insert("a")(edited)


def test_keys_of_their_own_keep_two_films_apart(two):
    chain = Compose([
        insert("a", **own("a")),
        insert("b", **own("b")),
        ValidityGated("a", anatomy_key="a_anatomy", **own("a")),
        ValidityGated("b", anatomy_key="b_anatomy", **own("b")),
    ])  # fmt: skip
    out = chain(two)
    for key in ("a", "b"):
        (edit,) = json.loads(out[f"{key}_record"])["edits"]
        assert edit["accepted"]
        assert edit["source_sha256"] == source_of(out[key])


def test_masks_that_a_shared_key_took_from_the_first_film_are_refused(two):
    segment = SegmentAnatomyd("a", "anatomy", segmenter=lambda film: two["a_anatomy"])
    with pytest.raises(ValueError, match="'anatomy' holds masks of another film than 'b'"):
        InsertFindingd("b", "nodule")(segment(two))


def test_what_the_first_film_was_is_not_taken_for_what_the_second_was(two):
    first = InsertFindingd("a", "nodule", severity=0.4, seed=1, anatomy_key="a_anatomy", **own("a"))
    second = InsertFindingd("b", "nodule", anatomy_key="a_anatomy", **own("b"))
    with pytest.raises(ValueError, match="the sample has an entry 'a_anatomy_before' of its own"):
        second(first(two))


def test_a_sample_with_an_earlier_film_of_the_patient_keeps_it(sample):
    prior = torch.zeros(1, 8, 8)
    with pytest.raises(ValueError, match=r"entry 'image_before' of its own.*keep_before=False"):
        InsertFindingd("image", "nodule")({**sample, "image_before": prior})
    out = InsertFindingd("image", "nodule", severity=0.4, keep_before=False)({**sample, "image_before": prior})
    assert torch.equal(out["image_before"], prior)


def test_a_renamed_film_is_still_its_own(two):
    edited = insert("a")(two)
    renamed = {("film" if key == "a" else key): value for key, value in edited.items() if key != "b"}
    out = InsertFindingd("film", "nodule", side="left", severity=0.4, seed=2, anatomy_key="a_anatomy")(renamed)
    assert len(json.loads(out["counterfactual"])["edits"]) == 2


def test_a_copy_of_the_unedited_film_is_not_saved_with_the_edits_record(sample, tmp_path):
    chain = Compose([CopyItemsd("image", names="original"), InsertFindingd("image", "nodule", severity=0.4, seed=1)])
    edited = chain(sample)
    with pytest.raises(ValueError, match="tells of edits of the film 'image', not of the film 'original'"):
        SaveRadiographd("original", tmp_path)(edited)
    assert not list(tmp_path.iterdir())


def test_what_happens_to_values_does_not_make_another_film(sample):
    chain = Compose([
        InsertFindingd("image", "nodule", severity=0.4, seed=1),
        Lambdad("image", lambda film: film / 2),
        InsertFindingd("image", "nodule", severity=0.4, seed=2, keep_before=False),
    ])  # fmt: skip
    assert len(json.loads(chain(sample)["counterfactual"])["edits"]) == 2


@pytest.mark.parametrize("image", [torch.zeros(1, 4, 4), MetaTensor(torch.zeros(1, 4, 4)), None])
def test_a_film_of_which_nobody_says_where_it_is_from_has_no_source(image):
    assert source_of(image) is None
    require_one_film({"image": image}, "image", {"edits": [{"source_sha256": "ab"}]}, "counterfactual")
