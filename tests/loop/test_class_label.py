"""Class numbers and short vectors of labels, kept in step with an edit."""

import numpy as np
import pytest
import torch

from monai_cars.loop.class_label import class_numbers, label_after, warn_of_labels

NUMBERS = class_numbers({"no finding": 0, "nodule": 1, "Cardiomegaly": 2})


def edit(operation, finding="nodule", instance_only=False):
    return {"operation": operation, "finding": finding, "instance_only": instance_only}


@pytest.mark.parametrize(
    "kind", [int, float, np.int64, np.float32, torch.tensor, lambda n: np.array([n]), lambda n: [n]]
)
def test_a_class_number_follows_the_finding_and_stays_what_it_was(kind):
    inserted = label_after(kind(0), NUMBERS, edit("insert"))
    assert type(inserted) is type(kind(1))
    assert np.array_equal(np.asarray(inserted), np.asarray(kind(1)))
    assert np.array_equal(np.asarray(label_after(inserted, NUMBERS, edit("delete"))), np.asarray(kind(0)))


@pytest.mark.parametrize("kind", [list, np.array, lambda v: np.array(v, dtype=np.uint8), torch.tensor])
def test_a_vector_has_a_place_for_each(kind):
    inserted = label_after(kind([1.0, 0.0, 0.0]), NUMBERS, edit("insert"))
    assert np.asarray(inserted).tolist() == [0, 1, 0]
    both = label_after(inserted, NUMBERS, edit("insert", "enlarged heart"))
    assert np.asarray(both).tolist() == [0, 1, 1]
    one = label_after(both, NUMBERS, edit("delete"))
    assert np.asarray(one).tolist() == [0, 0, 1]
    assert np.asarray(label_after(one, NUMBERS, edit("delete", "enlarged heart"))).tolist() == [1, 0, 0]


@pytest.mark.parametrize("label", [0, 1, 2, [0, 1, 0]])
@pytest.mark.parametrize(
    "silent", [edit("sham"), edit("insert", "effusion"), edit("delete", instance_only=True), edit("delete", "effusion")]
)
def test_what_says_nothing_of_the_classes_changes_nothing(label, silent):
    assert label_after(label, NUMBERS, silent) == label


def test_the_label_given_is_not_changed():
    label = torch.tensor([1, 0, 0])
    label_after(label, NUMBERS, edit("insert"))
    assert label.tolist() == [1, 0, 0]


def test_what_one_number_cannot_say_is_refused():
    with pytest.raises(ValueError, match="one class number says 'enlarged heart' and now shows a nodule too"):
        label_after(2, NUMBERS, edit("insert"))
    with pytest.raises(ValueError, match=r"the nodule was deleted, and label_of does not say .*'no finding'"):
        label_after(1, {"nodule": 1}, edit("delete"))
    with pytest.raises(ValueError, match=r"a label must be one class number or a vector .*\(2,\)"):
        label_after([0, 1], NUMBERS, edit("insert"))
    with pytest.raises(ValueError, match=r"a label must be a number or a vector of numbers, no text \(got '0'\)"):
        label_after("0", NUMBERS, edit("insert"))
    with pytest.raises(ValueError, match=r"shape \(1, 8, 8\)"):
        label_after(torch.zeros(1, 8, 8), NUMBERS, edit("insert"))


@pytest.mark.parametrize(
    ("label_of", "reason"),
    [
        ({"gout": 1}, "must name findings of .*got 'gout'"),
        ({"nodule": "1"}, "its class number, from 0"),
        ({"nodule": True}, "its class number, from 0"),
        ({"nodule": -1}, "its class number, from 0"),
        ({}, "numbers other than that of 'no finding'"),
        ({"normal": 0}, "numbers other than that of 'no finding'"),
        ({"normal": 1, "nodule": 1}, "numbers other than that of 'no finding'"),
    ],
)
def test_a_mapping_that_says_nothing_is_refused(label_of, reason):
    with pytest.raises(ValueError, match=reason):
        class_numbers(label_of)


@pytest.mark.parametrize("label", [1, 0.0, np.int64(1), [0, 1], torch.tensor([0.0, 1.0]), torch.tensor(3), True])
def test_a_label_that_is_left_alone_is_told(label):
    with pytest.warns(UserWarning, match=r"'label' is left as it was, .*label_of=\{'nodule': 1\}"):
        warn_of_labels({"label": label}, (None,), edit("insert"))


@pytest.mark.parametrize(
    "sample",
    [
        {"label": torch.zeros(1, 8, 8)},  # a mask
        {"label": "film-7"},
        {"label": None},
        {"label": []},
        {"findings": {"mass": 1}},
        {"label": [0, 1], "box": [[1, 2, 3, 4], [5, 6, 7, 8]]},  # classes of boxes
        {"age": 63},
    ],
)
def test_what_is_no_label_of_the_film_is_not(sample, recwarn):
    warn_of_labels(sample, (None,), edit("insert"))
    warn_of_labels({"label": 1}, ("label",), edit("insert"))
    warn_of_labels({"label": 1}, (None,), edit("sham"))
    assert not recwarn
