"""Zones of the lung fields, derived from the masks alone."""

import torch

from monai_cars.chest_xray.anatomy.structures import SIDES, lung

APEX = 0.15  # share of a field's height above which it is apex
COSTOPHRENIC_TOP, COSTOPHRENIC_WIDTH = 0.72, 0.45  # lowest part of the height, lateral part of each row
HILAR_TOP, HILAR_BOTTOM, HILAR_WIDTH = 0.35, 0.62, 0.4  # part of the height, medial part of each row


def _heights(field: torch.Tensor) -> torch.Tensor:
    """Place of each row between the top (0) and the bottom (1) of a field, `(H, 1)`; NaN where the field is empty."""
    rows = torch.nonzero(field.any(1)).flatten()
    if not len(rows):
        return torch.full((field.shape[0], 1), torch.nan)
    centres = torch.arange(field.shape[0], device=field.device) + 0.5
    return ((centres - rows[0]) / (rows[-1] + 1 - rows[0]))[:, None]


def _medial_share(field: torch.Tensor, medial_is_right: bool) -> torch.Tensor:
    """Place of each pixel in its row of the field, 0 at the medial border and 1 at the lateral one, `(H, W)`."""
    width = field.shape[1]
    first = field.int().argmax(1)[:, None]
    last = width - 1 - field.flip(1).int().argmax(1)[:, None]
    columns = torch.arange(width, device=field.device)[None]
    share = (columns + 0.5 - first) / (last + 1 - first)
    return 1 - share if medial_is_right else share


def zones(anatomy: torch.Tensor) -> dict[tuple[str, str], torch.Tensor]:
    """Zones of both lung fields of an upright film.

    Upper, middle and lower are thirds of each field's height and fill it. The apex is its top 15 %. The costophrenic
    zone is the lateral 45 % of the lowest 28 %, the hilar zone the medial 40 % between 35 and 62 % of the height.

    Args:
        anatomy: `(S, H, W)` masks ordered as `STRUCTURES`.

    Returns:
        `{(side, zone): (H, W) bool}` for both sides and every zone of the chest; empty masks where a lung is missing.

    Example:
        >>> masks = torch.zeros(3, 90, 60)
        >>> masks[0, :, 5:25] = masks[1, :, 35:55] = 1
        >>> found = zones(masks)
        >>> [int(found["right", zone].sum()) for zone in ("upper", "middle", "lower")]
        [600, 600, 600]
    """
    found = {}
    for side in SIDES:
        field = lung(anatomy, side)
        high = _heights(field).to(field.device)
        medial = _medial_share(field, medial_is_right=side == "right")
        parts = {
            "upper": high < 1 / 3,
            "middle": (high >= 1 / 3) & (high < 2 / 3),
            "lower": high >= 2 / 3,
            "apex": high < APEX,
            "costophrenic": (high >= COSTOPHRENIC_TOP) & (medial >= 1 - COSTOPHRENIC_WIDTH),
            "hilar": (high >= HILAR_TOP) & (high < HILAR_BOTTOM) & (medial < HILAR_WIDTH),
        }
        found.update({(side, zone): field & part for zone, part in parts.items()})
    return found
