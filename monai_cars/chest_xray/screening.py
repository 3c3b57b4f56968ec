"""Refuse from its pixels what is no frontal chest radiograph: limbs, sections, photographs, blank plates."""

from __future__ import annotations

import torch

from monai_cars.chest_xray.anatomy.structures import STRUCTURES, lung
from monai_cars.chest_xray.orientation import FRONTAL_LOG_ODDS, SMALLEST_SIDE, frontal_log_odds, orientation_logs
from monai_cars.files.header import RadiographError

LEAST_LUNG, MOST_LUNG = 0.01, 0.55  # share of the film's area that one field takes


def require_frontal(image: torch.Tensor, *, source: str = "the image") -> None:
    """Refuse an image that does not look like a frontal chest radiograph, in whatever orientation and polarity.

    A lateral view cannot be told from its pixels reliably: only a header that says so is refused.

    Args:
        image: `(1, H, W)`.
        source: names the film in the message.

    Raises:
        RadiographError: the image is blank, smaller than 96 pixels, not finite, or shows something else.

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
    return logs


def implausible(anatomy: torch.Tensor) -> str | None:
    """What is wrong with the masks of an upright film as those of a chest; None when nothing is.

    Example:
        >>> implausible(torch.zeros(3, 8, 8))
        'the right lung takes 0.0 % of the film'
    """
    centres = {}
    for side in ("right", "left"):
        field = lung(anatomy, side)
        share = float(field.float().mean())
        if not LEAST_LUNG <= share <= MOST_LUNG:
            return f"the {side} lung takes {100 * share:.1f} % of the film"
        centres[side] = torch.nonzero(field).float().mean(0)
    if centres["right"][1] >= centres["left"][1]:
        return f"the {STRUCTURES[0]} does not lie left of the {STRUCTURES[1]} in the image"
    return None
