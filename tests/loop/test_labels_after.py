"""What a run and a chain say of a film after an edit is what its record says was done, and no more."""

import math

import pytest
import torch

from monai_cars.features import load_vocabulary, vector_of
from monai_cars.loop.labels import labels_after

CARPA = load_vocabulary("carpa-19")
KNOWN = {"nodule": 1, "effusion": 1, "unremarkable": 0}


def placed(operation, finding, columns, *, instance_only=False):
    """An accepted entry of a record whose lesion takes some columns of a film of 4 x 10."""
    return {
        "operation": operation,
        "finding": finding,
        "instance_only": instance_only,
        "accepted": True,
        "shape": [4, 10],
        "box": [0, columns.start, 4, columns.stop],
        "lesion_rle": "",
    }


def after(operation, finding, *, instance_only=False, earlier=(), known=KNOWN):
    record = placed(operation, finding, slice(0, 5), instance_only=instance_only)
    return labels_after(vector_of(known, CARPA), CARPA, record, earlier)


def value(vector, finding):
    return vector[CARPA.index(CARPA.term(finding))].item()


def test_a_deletion_of_the_finding_clears_it_and_one_of_an_instance_leaves_it():
    assert value(after("delete", "effusion"), "effusion") == 0
    assert value(after("delete", "effusion", instance_only=True), "effusion") == 1


def test_an_insertion_hides_what_lies_under_it_and_not_what_lies_beside():
    hidden = sorted(CARPA.unsettles["effusion"])[0]
    known = {hidden: 1}
    assert math.isnan(value(after("insert", "effusion", known=known), hidden))
    beneath, beside = (placed("insert", hidden, slice(start, start + 5)) for start in (1, 5))
    assert math.isnan(value(after("insert", "effusion", earlier=[beneath], known=known), hidden))
    assert value(after("insert", "effusion", earlier=[beside], known=known), hidden) == 1
    assert value(after("insert", "effusion", known=known), "effusion") == 1


@pytest.mark.parametrize("finding", ["nodule", "effusion"])
def test_a_sham_says_nothing(finding):
    known = vector_of(KNOWN, CARPA)
    assert torch.equal(after("sham", finding).nan_to_num(-1.0), known.nan_to_num(-1.0))
