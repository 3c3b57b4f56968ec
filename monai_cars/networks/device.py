"""A device that a network can run on here, or one sentence that says why not."""

from __future__ import annotations

import torch


def usable_device(device: torch.device | str | int) -> torch.device:
    """The device of a name.

    Args:
        device: "cpu", "cuda", "cuda:1", "mps", or what else torch calls one.

    Raises:
        ValueError: no device is called so, or this machine or this build of torch has none.

    Example:
        >>> usable_device("cpu").type
        'cpu'
    """
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device must be the name of one, such as 'cpu' or 'cuda:0' (got {device!r}).") from error
    if found.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={str(device)!r} needs CUDA, which torch {torch.__version__} does not find here; use device='cpu', "
            "or install a build of torch for CUDA."
        )
    count = torch.cuda.device_count() if found.type == "cuda" else 0
    if found.type == "cuda" and (found.index or 0) >= count:
        raise ValueError(f"device={str(device)!r} is not here: CUDA finds {count} device(s), counted from 0.")
    if found.type not in ("cpu", "cuda"):
        _try(found)
    return found


def _try(device: torch.device) -> None:
    """Refuse what torch has a name for and this machine or build cannot compute on, such as "mps" off a Mac."""
    try:
        torch.zeros(1, device=device).tolist()
    except (RuntimeError, AssertionError, ImportError) as error:
        raise ValueError(
            f"device={str(device)!r} is not here: torch {torch.__version__} cannot use it; use device='cpu'."
        ) from error
