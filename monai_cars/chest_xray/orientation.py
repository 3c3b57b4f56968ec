"""Find out from its anatomy how a frontal chest film lies in its array, or that it is something else."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NoReturn

import torch

from monai_cars.chest_xray.anatomy.orientation_network import NOT_FRONTAL, class_log_probabilities, orientation_network
from monai_cars.edits.axes import ORDERS, TURNS, Axes, mirror_of
from monai_cars.edits.claim import Claim
from monai_cars.files.header import RadiographError
from monai_cars.networks.precision import single_precision
from monai_cars.networks.threads import one_thread
from monai_cars.weights import load_record, load_state

ORIENTATION_WEIGHTS = "cars_orientation"
SMALLEST_SIDE = 96  # pixels: what the network looks at; less is not enough to tell a chest
PAIRS = tuple((plain, plain ^ 1) for plain in (ORDERS.index(k) for k in ("HW", "HW-turn", "WH", "WH-turn")))
"""Orders that differ by a mirror alone: (as a person sees it, mirrored)."""

# --- what decides; all thresholds of orientation stand here and go with the weights ---
FRONTAL_LOG_ODDS = -0.35  # that it is a frontal chest film at all; drawn phantoms lie about 0, real films above 2
SURE = 0.8  # probability of which way is down, and of the polarity
# How likely each order is before looking, of an image of which nobody says anything: films come as given or transposed
# by MONAI's readers.
PRIOR = {"HW": 0.0, "HW-flip": 0.0, "WH": -0.5, "WH-flip": -0.5}
PRIOR_OTHER, PRIOR_INVERTED = -4.0, -0.3
# The heart is the only sure sign of a mirror. Log-odds of a film as it lies over its mirror, on 1,256 real films that
# the judging network had not seen: three are below -2.8, nine below -1.8, three quarters above 3.4.
MIRROR_LOG_ODDS = 2.8  # clear: such a film is read as its heart says, or contradicts who says otherwise
DOUBT_LOG_ODDS = 1.8  # against the usual view, or what the file says: an edit of one side is refused
NEEDED_LOG_ODDS = 1.5  # for it, where a film was turned or nobody says anything: else an edit of one side is refused


@lru_cache(maxsize=1)
@single_precision()
def _network(sha256: str) -> torch.nn.Module:
    network = orientation_network()
    network.load_state_dict(load_state(ORIENTATION_WEIGHTS))
    return network.eval()


@single_precision()
def orientation_logs(image: torch.Tensor) -> torch.Tensor:
    """Log-probabilities `(17,)` of the sixteen readings of an image `(1, H, W)`, and of no frontal chest."""
    plain = image.as_tensor() if hasattr(image, "as_tensor") else image
    with one_thread():
        return class_log_probabilities(_network(load_record(ORIENTATION_WEIGHTS).sha256), plain[:1].detach().cpu())


def frontal_log_odds(logs: torch.Tensor) -> float:
    """Log-odds of a frontal chest film, in any orientation and polarity, from `orientation_logs`."""
    return float(logs[:NOT_FRONTAL].logsumexp(0) - logs[NOT_FRONTAL])


def recognise_axes(image: torch.Tensor) -> Axes:
    """Find out how a frontal chest film lies in its array, where nobody says anything of it.

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
    logs = orientation_logs(image)
    odds = frontal_log_odds(logs)
    if not odds >= FRONTAL_LOG_ODDS:
        raise RadiographError(
            f"the image does not look like a frontal chest radiograph (log-odds {odds:.1f}, at least "
            f"{FRONTAL_LOG_ODDS} are needed); if it is one, pass axes= (for example axes='HW')"
        )
    return _decide(logs[:NOT_FRONTAL])


def _decide(logs: torch.Tensor) -> Axes:
    """The reading of `(16,)` log-probabilities: first which way is down, then whether the film is mirrored."""
    table = [PRIOR.get(order, PRIOR_OTHER) + PRIOR_INVERTED * inverted for order in ORDERS for inverted in (0, 1)]
    probability, pair, inverted, confidence = _down(logs, torch.tensor(table))
    plain, mirrored = (ORDERS[order] for order in PAIRS[pair])
    odds = _odds(logs, mirrored, inverted)
    upright_film = plain in PRIOR
    if not upright_film:  # upside down, nothing speaks for a turn rather than a mirror but the film itself
        confidence *= 1 / (1 + math.exp(-abs(odds)))
    _require_sure(probability, confidence)
    order = mirrored if odds > (MIRROR_LOG_ODDS if upright_film else 0.0) else plain
    laterality = _laterality("assumed", _odds(logs, order, inverted), NEEDED_LOG_ODDS)
    return Axes(order, bool(inverted), math.floor(confidence * 1e4) / 1e4, laterality)


def held_against(logs: torch.Tensor, claim: Claim, *, source: str) -> Axes:
    """What is said of how a film lies, held against what it shows.

    Where somebody said it, the film must not show otherwise. Where nobody did, a film that lies on its side or head
    down was turned: our reader does not transpose, so that of the two readings with the head there it is the one that
    turning leads to. A side of the patient is only as sure as `Axes.laterality` tells.

    Args:
        logs: `(17,)`, from `orientation_logs`.
        claim: what is said, at least one order.
        source: names the film in messages.

    Raises:
        RadiographError: it is unsure which way is down, or what the film shows contradicts what was said.
    """
    logs = logs[:NOT_FRONTAL]
    table = torch.tensor([PRIOR_INVERTED * inverted for _ in ORDERS for inverted in (0, 1)])
    probability, pair, inverted, confidence = _down(logs, table)
    _require_sure(probability, confidence, f"{source}: ")
    shown = {ORDERS[order] for order in PAIRS[pair]}
    said = next((order for order in claim.orders if order in shown), None)
    if said is None and claim.firm:
        _contradicted(source, claim, max(shown, key=lambda order: _odds(logs, order, inverted)))
    least = -DOUBT_LOG_ODDS if said is not None and claim.laterality != "doubtful" else NEEDED_LOG_ODDS
    order = said if said is not None else _turned(claim, shown, lambda order: _odds(logs, order, inverted))
    odds = _odds(logs, order, inverted)
    if odds < -MIRROR_LOG_ODDS:
        if claim.firm:
            _contradicted(source, claim, mirror_of(order))
        return Axes(mirror_of(order), bool(inverted), confidence, "doubtful")
    return Axes(order, bool(inverted), confidence, _laterality(claim.laterality, odds, least))


def _down(logs: torch.Tensor, prior: torch.Tensor) -> tuple[torch.Tensor, int, int, float]:
    """Probabilities `(8, 2)` of orders and polarities, then the likeliest of `PAIRS` and polarity, with theirs."""
    probability = (logs + prior).softmax(0).reshape(len(ORDERS), 2)
    pairs = torch.stack([probability[plain] + probability[mirrored] for plain, mirrored in PAIRS])
    best = int(pairs.argmax())
    return probability, best // 2, best % 2, float(pairs.flatten()[best])


def _odds(logs: torch.Tensor, order: str, inverted: int) -> float:
    """Log-odds of an order over its mirror."""
    return float(logs[2 * ORDERS.index(order) + inverted] - logs[2 * ORDERS.index(mirror_of(order)) + inverted])


def _turned(claim: Claim, shown: set[str], odds: Callable[[str], float]) -> str:
    """Which of two mirrored orders a turned film has: the one that turning leads to, or the heart says."""
    if len(claim.orders) > 1:  # transposed or not, nobody knows: turning leads to both
        return max(shown, key=odds)
    return next(order for order in shown if (order in TURNS) == (claim.orders[0] in TURNS))


def _laterality(said: str, odds: float, least: float) -> str:
    if odds < least:
        return "doubtful"
    if said in ("stated", "recognised"):
        return said
    return "recognised" if odds >= MIRROR_LOG_ODDS else "assumed"


def _require_sure(probability: torch.Tensor, confidence: float, source: str = "") -> None:
    if confidence >= SURE:
        return
    readings = ", ".join(
        f"{Axes(ORDERS[k // 2], bool(k % 2))} {probability.flatten()[k]:.2f}"
        for k in probability.flatten().topk(2).indices.tolist()
    )
    raise RadiographError(
        f"{source}the orientation of the film is unsure ({readings}; at least {SURE} is needed); pass axes= to say how "
        f"it lies, one of {', '.join(ORDERS)}"
    )


def _contradicted(source: str, claim: Claim, shown: str) -> NoReturn:
    raise RadiographError(
        f"{source}: a film must lie as is said of it (got {' or '.join(claim.orders)} by its file or its affine, and "
        f"{shown} by what it shows); correct what the file says, or pass axes= to say how it lies"
    )
