"""Probabilities that mean what they say: one temperature for each finding, and how far off the mean is."""

from __future__ import annotations

import numpy as np
import torch
from scipy import optimize
from torch.nn import functional

BINS = 10
WIDEST = 8.0  # temperatures between its reciprocal and itself; beyond, logits are broken rather than overconfident


def fit_temperature(logits: torch.Tensor, targets: torch.Tensor) -> float:
    """The T > 0 for which sigmoid(logits / T) has the least cross-entropy (Guo et al., ICML 2017).

    Args:
        logits: (N,) of films that the network has not learned from.
        targets: (N,) 0, 1 or NaN where unknown.

    Returns:
        The temperature; 1 where one of the classes is missing.

    Example:
        >>> logits = torch.tensor([4.0, 4.0, 4.0, -4.0])
        >>> fit_temperature(logits, torch.tensor([1.0, 1.0, 0.0, 0.0])) > 2
        True
    """
    known = ~targets.isnan()
    logits, targets = logits[known].double(), targets[known].double()
    if len(targets.unique()) < 2:
        return 1.0

    def entropy(log_temperature: float) -> float:
        scaled = logits / float(np.exp(log_temperature))
        return float(functional.binary_cross_entropy_with_logits(scaled, targets))

    bound = float(np.log(WIDEST))
    return float(np.exp(optimize.minimize_scalar(entropy, bounds=(-bound, bound), method="bounded").x))


def expected_calibration_error(probabilities: np.ndarray, targets: np.ndarray, *, bins: int = BINS) -> float:
    """Mean distance of the share of positives from the mean probability, over bins of equal count.

    sum over bins of n_b / n * |mean probability - share of positives|; bins of equal width would hold nearly all films
    of a rare finding in the first.

    Args:
        probabilities: (N,) in [0, 1].
        targets: (N,) 0 or 1.
        bins: number of bins.

    Example:
        >>> expected_calibration_error(np.array([0.5, 0.5]), np.array([0, 1]), bins=1)
        0.0
    """
    order = np.argsort(probabilities, kind="stable")
    parts = [part for part in np.array_split(order, min(bins, len(order))) if len(part)]
    gaps = [len(part) * abs(probabilities[part].mean() - targets[part].mean()) for part in parts]
    return float(sum(gaps) / len(order))
