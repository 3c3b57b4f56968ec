"""What is said of how an image lies as a chain holds it: by its file, and by the affine that followed it since."""

from __future__ import annotations

import os

import numpy as np
import torch
from monai.data import MetaTensor

from monai_cars.edits.axes import ORDERS, Axes, then
from monai_cars.edits.claim import UNHEARD, Claim, claim_of_file
from monai_cars.files.header import Header, RadiographError
from monai_cars.files.radiograph import META_KEY, header_of
from monai_cars.files.said import said_by

NOTED_KEY = "axes_affine"
"""Key of ``MetaTensor.meta`` that holds the affine for which the header's axes hold, where that is not the original."""
TRANSPOSED = "WH"
PATH_KEY = "filename_or_obj"


def claim_of(image: torch.Tensor, text: str | None = None) -> Claim:
    """What is said of an image (1, H, W) as it stands in the chain.

    A film of our own reader lies as its header says, and was flipped and turned as its affine tells. MONAI's readers
    hand over the transpose of what is in the file, or the file's own rows where they are told to; its header is asked
    again. Of an image without metadata nobody says anything, unless its header stands beside it: that was ours, and
    what was done to it before its metadata were dropped nobody knows.

    Args:
        image: the image.
        text: what `<key>_header` says.
    """
    step = step_of(image)
    meta = image.meta if isinstance(image, MetaTensor) and step is not None else {}
    if META_KEY in meta:
        header = header_of(image)
        return (
            UNHEARD if header.format == "tensor" else claim_of_file(header.axes, header.laterality).laid(step or "HW")
        )
    if text is not None:
        header = Header.from_json(text)
        return Claim((Axes.parse(header.axes).order,), "doubtful").laid(step or "HW")
    if PATH_KEY not in meta:
        return UNHEARD  # no reader's
    file = _file_of(meta[PATH_KEY])
    orders = (then(file.orders[0], TRANSPOSED), file.orders[0])
    return Claim(orders, file.laterality, file.firm).laid(step or "HW")


def _file_of(path: object) -> Claim:
    """What the file says that MONAI's reader took the image from; it may be out of reach by now."""
    silent = claim_of_file("HW", "assumed")
    if not isinstance(path, (str, os.PathLike)):
        return silent
    try:
        said = said_by(path)
    except RadiographError:
        return silent
    return claim_of_file(said.axes, said.laterality)


def step_of(image: torch.Tensor) -> str | None:
    """How the array was flipped and turned since its header's axes held, one of `ORDERS`; None when it cannot be told.

    A rotation by other than quarter turns is told as the nearest.
    """
    if not isinstance(image, MetaTensor):
        return None
    # MONAI's PILReader starts from the identity and leaves no original.
    loaded = image.meta.get("original_affine", np.eye(4))
    first = np.asarray(image.meta.get(NOTED_KEY, loaded), dtype=np.float64)
    now = np.asarray(image.affine, dtype=np.float64)
    axes = min(len(first), len(now)) - 1
    first, now = first[:axes, :2], now[:axes, :2]
    if not np.isfinite(first).all() or not np.isfinite(now).all() or np.linalg.matrix_rank(first) < 2:
        return None
    step = np.linalg.lstsq(first, now, rcond=None)[0]  # columns: the array's axes now, in those it had
    transposed = abs(step[0, 1]) + abs(step[1, 0]) > abs(step[0, 0]) + abs(step[1, 1])
    down, across = (step[0, 1], step[1, 0]) if transposed else (step[0, 0], step[1, 1])
    return ORDERS[int(across < 0) + 2 * int(down < 0) + 4 * int(transposed)]
