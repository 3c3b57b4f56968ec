"""Refuse from its pixels what is no frontal chest radiograph: limbs, sections, photographs, blank plates."""

from __future__ import annotations

import torch

from monai_cars.chest_xray.anatomy.structures import STRUCTURES, lung
from monai_cars.chest_xray.orientation import FRONTAL_LOG_ODDS, SMALLEST_SIDE, frontal_log_odds, orientation_logs
from monai_cars.chest_xray.sharpness import LEAST_DETAIL, fine_detail
from monai_cars.files.header import RadiographError

LEAST_LUNG, MOST_LUNG = 0.01, 0.55  # share of the film's area that one field takes
# A lung that the picture's border cuts lies along it: share of its width (top, bottom) or of its height (sides) from
# which on a part of the chest is missing. Of 250 real films none reaches the first (at most 0.42) and one, of half a
# chest, comes near the second (0.73).
MOST_CUT, MOST_CUT_SIDE = 0.7, 0.85
# Higher over lower lung field: none of 1,256 real films reaches 1.8; of two films, one above the other, a mask takes
# both.
MOST_UNEVEN = 1.85
EDGE = 0.01  # of the film's side: what counts as its border


def require_frontal(image: torch.Tensor, *, source: str = "the image") -> None:
    """Refuse an image that does not look like a frontal chest radiograph, in whatever orientation and polarity.

    A lateral view cannot be told from its pixels reliably: only a header that says so is refused.

    Args:
        image: `(1, H, W)`.
        source: names the film in the message.

    Raises:
        RadiographError: the image is blank, smaller than 96 pixels, not finite, blurred, or shows something else.

    Example:
        >>> require_frontal(torch.zeros(1, 128, 128))
        Traceback (most recent call last):
            ...
        monai_cars.files.header.RadiographError: the image: a film must show something (every pixel is 0); ...
    """
    screened(image, source=source)


def screened(image: torch.Tensor, *, source: str = "the image") -> torch.Tensor:
    """What the orientation network says of a film that `require_frontal` lets pass: log-probabilities `(17,)`.

    Raises:
        RadiographError: see `require_frontal`.
    """
    plain = image.as_tensor() if hasattr(image, "as_tensor") else image
    if plain.ndim != 3 or plain.shape[0] not in (1, 3):
        raise RadiographError(
            f"{source}: a film must have shape (1, H, W) (got {tuple(plain.shape)}); take one channel"
        )
    if min(plain.shape[1:]) < SMALLEST_SIDE:
        raise RadiographError(
            f"{source}: a film must have {SMALLEST_SIDE} pixels or more on each side (got {tuple(plain.shape[1:])}); "
            "give the original file"
        )
    low, high = float(plain.min()), float(plain.max())
    if not low <= high or abs(low) == float("inf") or abs(high) == float("inf"):
        raise RadiographError(f"{source}: a film must be finite (got NaN or infinity); repair the file")
    if low == high:
        raise RadiographError(f"{source}: a film must show something (every pixel is {low:g}); give another file")
    logs = orientation_logs(plain)
    odds = frontal_log_odds(logs)
    if not odds >= FRONTAL_LOG_ODDS:
        raise RadiographError(
            f"{source}: it does not look like a frontal chest radiograph (log-odds {odds:.1f}, at least "
            f"{FRONTAL_LOG_ODDS:.1f} are needed); give a frontal chest film"
        )
    if (detail := fine_detail(plain)) < LEAST_DETAIL:
        raise RadiographError(
            f"{source}: a film must show fine detail (got {100 * detail:.2f} % of its range, at least "
            f"{100 * LEAST_DETAIL:.2f} % is needed: it is blurred); give the original film"
        )
    return logs


def require_whole(anatomy: torch.Tensor, *, source: str = "the image") -> None:
    """Refuse an upright film whose masks are not those of a whole chest.

    Args:
        anatomy: `(3, H, W)`, ordered as `STRUCTURES`.
        source: names the film in the message.

    Raises:
        RadiographError: see `implausible`.

    Example:
        >>> require_whole(torch.zeros(3, 8, 8))
        Traceback (most recent call last):
            ...
        monai_cars.files.header.RadiographError: the image: both lungs must be seen whole (the right lung takes 0.0 ...
    """
    if (wrong := implausible(anatomy)) is not None:
        raise RadiographError(
            f"{source}: both lungs must be seen whole ({wrong}); leave the film out, or pass axes= if it is a frontal "
            "chest film all the same"
        )


def implausible(anatomy: torch.Tensor) -> str | None:
    """What is wrong with the masks of an upright film as those of a chest; None when nothing is.

    Example:
        >>> implausible(torch.zeros(3, 8, 8))
        'the right lung takes 0.0 % of the film'
    """
    centres, heights = {}, {}
    for side in ("right", "left"):
        field = lung(anatomy, side)
        share = float(field.float().mean())
        if not LEAST_LUNG <= share <= MOST_LUNG:
            return f"the {side} lung takes {100 * share:.1f} % of the film"
        if (edge := _cut_by(field)) is not None:
            return f"the {side} lung is cut off by the {edge} border of the film"
        centres[side] = torch.nonzero(field).float().mean(0)
        rows = torch.nonzero(field.any(1))
        heights[side] = int(rows[-1] - rows[0]) + 1
    higher, lower = sorted(heights, key=lambda side: -heights[side])
    if heights[higher] > MOST_UNEVEN * heights[lower]:
        return f"the {higher} lung is {heights[higher] / heights[lower]:.1f} times as high as the {lower} one"
    if centres["right"][1] >= centres["left"][1]:
        return f"the {STRUCTURES[0]} does not lie left of the {STRUCTURES[1]} in the image"
    return None


def _cut_by(field: torch.Tensor) -> str | None:
    """Which border of the film cuts a lung field `(H, W)` off; None when none does."""
    inside = field > 0
    rows, columns = (max(1, round(EDGE * side)) for side in inside.shape)
    width, height = float(inside.sum(1).max()), float(inside.sum(0).max())
    shares = {
        "upper": float(inside[:rows].any(0).sum()) / width / MOST_CUT,
        "lower": float(inside[-rows:].any(0).sum()) / width / MOST_CUT,
        "left": float(inside[:, :columns].any(1).sum()) / height / MOST_CUT_SIDE,
        "right": float(inside[:, -columns:].any(1).sum()) / height / MOST_CUT_SIDE,
    }
    worst = max(shares, key=lambda edge: shares[edge])
    return worst if shares[worst] > 1 else None
