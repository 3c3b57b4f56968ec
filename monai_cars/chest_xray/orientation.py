"""Find out from its anatomy how a frontal chest film lies in its array, or that it is something else."""

from __future__ import annotations

import math
from functools import lru_cache

import torch

from monai_cars.chest_xray.anatomy.orientation_network import NOT_FRONTAL, class_log_probabilities, orientation_network
from monai_cars.edits.axes import ORDERS, Axes
from monai_cars.files.header import RadiographError
from monai_cars.networks.precision import single_precision
from monai_cars.networks.threads import one_thread
from monai_cars.weights import load_record, load_state

ORIENTATION_WEIGHTS = "cars_orientation"
# How likely each order is before looking: films come as given or transposed by MONAI's readers.
PRIOR = {"HW": 0.0, "HW-flip": 0.0, "WH": -0.5, "WH-flip": -0.5}
PRIOR_OTHER, PRIOR_INVERTED = -4.0, -0.3
# A mirror is a deliberate augmentation and the heart its only sure sign: log-odds that a mirrored reading needs. None
# of the 1,256 real films reaches it unmirrored.
MIRROR_LOG_ODDS = 2.8
PAIRS = tuple((plain, plain ^ 1) for plain in (ORDERS.index(k) for k in ("HW", "HW-turn", "WH", "WH-turn")))
"""Orders that differ by a mirror alone: (as a person sees it, mirrored)."""
SURE = 0.8
FRONTAL_LOG_ODDS = 0.5
SMALLEST_SIDE = 96  # pixels: what the network looks at; less is not enough to tell a chest


@lru_cache(maxsize=1)
@single_precision()
def _network(sha256: str) -> torch.nn.Module:
    network = orientation_network()
    network.load_state_dict(load_state(ORIENTATION_WEIGHTS))
    return network.eval()


@single_precision()
def _log_probabilities(image: torch.Tensor) -> torch.Tensor:
    plain = image.as_tensor() if hasattr(image, "as_tensor") else image
    with one_thread():
        return class_log_probabilities(_network(load_record(ORIENTATION_WEIGHTS).sha256), plain[:1].detach().cpu())


def frontal_log_odds(image: torch.Tensor) -> float:
    """Log-odds that an image `(1, H, W)` is a frontal chest film, in any orientation and polarity."""
    logs = _log_probabilities(image)
    return float(logs[:NOT_FRONTAL].logsumexp(0) - logs[NOT_FRONTAL])


def _prior() -> torch.Tensor:
    table = [PRIOR.get(order, PRIOR_OTHER) + PRIOR_INVERTED * inverted for order in ORDERS for inverted in (0, 1)]
    return torch.tensor(table)


def recognise_axes(image: torch.Tensor) -> Axes:
    """Find out how a frontal chest film lies in its array.

    Args:
        image: `(1, H, W)` or `(3, H, W)` with equal channels, any affine intensity scale.

    Returns:
        The most probable reading. The orders as given and transposed need little evidence, a mirror much.

    Raises:
        RadiographError: the image is no frontal chest film, or its orientation stays unsure; the message names the
            remedy.
    """
    if min(image.shape[-2:]) < SMALLEST_SIDE:
        raise RadiographError(
            f"an image of {tuple(image.shape[-2:])} pixels is too small to see how a film lies ({SMALLEST_SIDE} are "
            "needed on each side); pass axes= (for example axes='HW')"
        )
    logs = _log_probabilities(image)
    odds = float(logs[:NOT_FRONTAL].logsumexp(0) - logs[NOT_FRONTAL])
    if not odds >= FRONTAL_LOG_ODDS:
        raise RadiographError(
            f"the image does not look like a frontal chest radiograph (log-odds {odds:.1f}, at least "
            f"{FRONTAL_LOG_ODDS} are needed); if it is one, pass axes= (for example axes='HW')"
        )
    return _decide(logs[:NOT_FRONTAL])


def _decide(logs: torch.Tensor) -> Axes:
    """The reading of `(16,)` log-probabilities: first which way is down, then whether the film is mirrored."""
    probability = (logs + _prior()).softmax(0).reshape(len(ORDERS), 2)
    pairs = torch.stack([probability[plain] + probability[mirrored] for plain, mirrored in PAIRS])
    best = int(pairs.argmax())
    (plain, mirrored), inverted = PAIRS[best // 2], best % 2
    odds = float(logs[2 * mirrored + inverted] - logs[2 * plain + inverted])
    upright_film = ORDERS[plain] in PRIOR
    confidence = float(pairs.flatten()[best])
    if not upright_film:  # upside down, nothing speaks for a turn rather than a mirror but the film itself
        confidence *= 1 / (1 + math.exp(-abs(odds)))
    if confidence < SURE:
        readings = ", ".join(
            f"{Axes(ORDERS[k // 2], bool(k % 2))} {probability.flatten()[k]:.2f}"
            for k in probability.flatten().topk(2).indices.tolist()
        )
        raise RadiographError(
            f"the orientation of the film is unsure ({readings}; at least {SURE} is needed); pass axes= to say how it "
            f"lies, one of {', '.join(ORDERS)}"
        )
    order = mirrored if odds > (MIRROR_LOG_ODDS if upright_film else 0.0) else plain
    return Axes(ORDERS[order], bool(inverted), math.floor(confidence * 1e4) / 1e4)
