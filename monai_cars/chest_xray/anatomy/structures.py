"""Names and order of the anatomical structures, and access to one of them in a stack of masks."""

import numpy as np
import torch

STRUCTURES = ("right_lung", "left_lung", "heart")
"""Channel order. `right` is the patient's right: the left side of the image on a standard film."""

SIDES = ("right", "left")


def structure(anatomy: torch.Tensor, name: str) -> torch.Tensor:
    """One structure of a stack of masks.

    Args:
        anatomy: masks `(S, H, W)`, any dtype, non-zero inside; S is at least the number of named structures.
        name: one of `STRUCTURES`.

    Returns:
        The mask `(H, W)`, bool, a plain tensor.

    Raises:
        ValueError: the name is unknown, or the masks have another shape.

    Example:
        >>> structure(torch.ones(3, 4, 4), "heart").sum().item()
        16
    """
    return _channel(anatomy, name) > 0


def structure_array(anatomy: torch.Tensor, name: str) -> np.ndarray:
    """The same mask as a bool array on the CPU, where NumPy compares and counts masks many times faster than torch.

    Args:
        anatomy: masks `(S, H, W)`, as of `structure`.
        name: one of `STRUCTURES`.

    Raises:
        ValueError: as `structure`.

    Example:
        >>> int(np.count_nonzero(structure_array(torch.ones(3, 4, 4), "heart")))
        16
    """
    mask: np.ndarray = _channel(anatomy, name).detach().cpu().numpy() > 0
    return mask


def _channel(anatomy: torch.Tensor, name: str) -> torch.Tensor:
    if name not in STRUCTURES:
        raise ValueError(f"structure must be one of {STRUCTURES} (got {name!r})")
    if anatomy.ndim != 3 or anatomy.shape[0] < len(STRUCTURES):
        raise ValueError(
            f"anatomy must be masks of shape (S >= {len(STRUCTURES)}, H, W) in the order {STRUCTURES} "
            f"(got shape {tuple(anatomy.shape)})"
        )
    plain = anatomy.as_tensor() if hasattr(anatomy, "as_tensor") else anatomy
    return plain[STRUCTURES.index(name)]


def lung(anatomy: torch.Tensor, side: str) -> torch.Tensor:
    """The whole lung field of one side, `(H, W)` bool.

    Example:
        >>> lung(torch.zeros(3, 4, 4), "left").any().item()
        False
    """
    if side not in SIDES:
        raise ValueError(f"side must be 'right' or 'left', the patient's (got {side!r})")
    return structure(anatomy, f"{side}_lung")


def heart(anatomy: torch.Tensor) -> torch.Tensor:
    """The cardiac silhouette, `(H, W)` bool.

    Example:
        >>> heart(torch.zeros(3, 4, 4)).any().item()
        False
    """
    return structure(anatomy, "heart")
