"""What checks found is kept by film and attempt."""

import numpy as np
import pytest
import torch
from phantom_film import context

from monai_cars.edits.edit import Edit
from monai_cars.gates import CheckResult, Gate, OutsideUnchanged, judged
from monai_cars.gates.trials import Trials, Witness, trials


def test_trials_of_results():
    good, none = judged("noise", 0.5, 1.0, at_most=True), CheckResult("moved", None, 0.1, "unavailable")
    found = trials([[(good, none)], [(good,), (good,)], []], ["a", "b", "c"])
    assert found.names == ("noise", "moved")
    assert found.values.shape == (3, 2, 2)
    assert np.isnan(found.of("moved")).all()
    assert np.isfinite(found.of("noise")).sum(1).ravel().tolist() == [1, 2, 0]
    with pytest.raises(
        ValueError, match=r"values of 1 checks on 2 films must have shape \(2, attempts, 1\), got \(2, 1\)"
    ):
        Trials(("noise",), np.zeros((2, 1)), np.array(["a", "b"]))


def test_a_witness_accepts_nothing_and_remembers_what_the_gate_decided():
    film, support = torch.zeros(1, 8, 8), torch.ones(8, 8, dtype=torch.bool)
    seen = context(Edit("insert", "nodule"), support)
    witness = Witness([OutsideUnchanged()])
    assert not witness(film, film, seen).accepted
    assert witness.verdicts == [Gate([OutsideUnchanged()])(film, film, seen)]
    assert witness.verdicts[0].accepted
    assert trials([[verdict.checks for verdict in witness.verdicts]], ["a"]).values.tolist() == [[[0.0]]]
