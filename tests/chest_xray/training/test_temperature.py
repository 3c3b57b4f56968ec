import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.chest_xray.training.temperature import WIDEST, expected_calibration_error, fit_temperature


@settings(deadline=None, max_examples=15)
@given(factor=st.floats(0.3, 3.0))
def test_the_temperature_undoes_a_factor(factor):
    logits = torch.linspace(-4, 4, 41)
    targets = logits.sigmoid()  # soft targets make the true logits the optimum
    assert fit_temperature(factor * logits, targets) == pytest.approx(factor, rel=1e-2)


def test_unknown_targets_count_for_nothing_and_one_class_says_nothing():
    logits, targets = torch.tensor([3.0, -3.0, 3.0, -1.0]), torch.tensor([1.0, 0.0, 0.0, 1.0])
    unknown = torch.full((2,), math.nan)
    assert fit_temperature(
        torch.cat([logits, torch.tensor([9.0, -9.0])]), torch.cat([targets, unknown])
    ) == pytest.approx(fit_temperature(logits, targets))
    assert fit_temperature(logits, torch.ones(4)) == 1.0
    assert fit_temperature(logits, unknown.repeat(2)) == 1.0


def test_a_temperature_stays_within_its_bounds():
    assert fit_temperature(torch.tensor([5.0, -5.0]), torch.tensor([0.0, 1.0])) <= WIDEST + 1e-6


def test_the_calibration_error_of_known_cases():
    targets = np.array([0, 0, 1, 1])
    assert expected_calibration_error(targets.astype(float), targets) == 0
    assert expected_calibration_error(1.0 - targets, targets) == 1
    assert expected_calibration_error(np.full(4, 0.8), targets, bins=1) == pytest.approx(0.3)
