"""The masked loss equals the plain one where everything is known, and unknown targets leave no trace."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from monai_cars.evaluation import losses as documented
from monai_cars.features.losses import MaskedBCEWithLogitsLoss, MaskedMSELoss

LOGITS = torch.tensor([[0.3, -2.0, 5.0], [1.0, 0.0, -0.5]])
TARGETS = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 1.0]])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 3.0, 0.5])])
def test_equals_the_plain_loss_without_unknowns(reduction, weight):
    plain = functional.binary_cross_entropy_with_logits(LOGITS, TARGETS, pos_weight=weight, reduction=reduction)
    torch.testing.assert_close(MaskedBCEWithLogitsLoss(pos_weight=weight, reduction=reduction)(LOGITS, TARGETS), plain)


@given(st.lists(st.booleans(), min_size=6, max_size=6))
def test_the_mean_is_over_the_known_and_the_unknown_get_no_gradient(unknown):
    hidden = torch.tensor(unknown).view(2, 3)
    logits = LOGITS.clone().requires_grad_()
    loss = MaskedBCEWithLogitsLoss()(logits, torch.where(hidden, torch.tensor(math.nan), TARGETS))
    loss.backward()
    expected = functional.binary_cross_entropy_with_logits(LOGITS, TARGETS, reduction="none")[~hidden]
    assert loss.item() == pytest.approx(expected.mean().item() if len(expected) else 0.0)
    assert (logits.grad[hidden] == 0).all()
    assert logits.grad.isfinite().all()


def test_infinite_logits_at_unknown_targets_leave_no_trace():
    logits = torch.tensor([[math.inf, 0.0]], requires_grad=True)
    MaskedBCEWithLogitsLoss()(logits, torch.tensor([[math.nan, 1.0]])).backward()
    assert logits.grad.tolist() == [[0.0, -0.5]]


def test_half_precision_and_metatensors_pass():
    loss = MaskedBCEWithLogitsLoss()(LOGITS.bfloat16(), TARGETS.double())
    assert loss.dtype == torch.bfloat16


def test_errors():
    with pytest.raises(ValueError, match=r"reduction must be mean, sum or none \(got 'median'"):
        MaskedBCEWithLogitsLoss(reduction="median")
    with pytest.raises(ValueError, match=r"one shape \(got \(2, 3\) and \(3,\)\)"):
        MaskedBCEWithLogitsLoss()(LOGITS, TARGETS[0])


@given(st.lists(st.booleans(), min_size=6, max_size=6))
def test_the_squared_error_is_over_the_known(unknown):
    hidden = torch.tensor(unknown).view(2, 3)
    given_ = LOGITS.clone().requires_grad_()
    loss = MaskedMSELoss()(given_, torch.where(hidden, torch.tensor(math.nan), TARGETS))
    loss.backward()
    expected = (LOGITS - TARGETS).square()[~hidden]
    assert loss.item() == pytest.approx(expected.mean().item() if len(expected) else 0.0)
    assert (given_.grad[hidden] == 0).all()


def test_shapes_of_the_squared_error():
    with pytest.raises(ValueError, match=r"predictions and targets must have one shape \(got \(2, 3\) and \(2,\)\)"):
        MaskedMSELoss()(LOGITS, torch.zeros(2))


def test_configurations_name_the_losses_of_the_evaluation():
    assert documented.MaskedBCEWithLogitsLoss is MaskedBCEWithLogitsLoss
    assert documented.MaskedMSELoss is MaskedMSELoss
