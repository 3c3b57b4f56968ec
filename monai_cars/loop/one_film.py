"""One record tells of one film: two films of a sample must not share lesions, records and masks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.data import MetaTensor

from monai_cars.files.radiograph import HEADER_POSTFIX, META_KEY, Header, header_of
from monai_cars.loop.segmentation import MAKER_KEY

IMAGE_KEY = "image_key"
"""Entry of a sample's record that says which key its film had."""


def require_one_film(sample: Mapping[Hashable, Any], key: Hashable, record: Mapping[str, Any], named: str) -> None:
    """Refuse a record, such as an edit or a gate finds it, that tells of another film than the one under `key`.

    Args:
        sample: with the film under `key`.
        key: of the film.
        record: what the sample holds of earlier edits.
        named: the key of that record, for the message.

    Raises:
        ValueError: it was written for another key that the sample still has, or for another file.

    Example:
        >>> film = torch.zeros(1, 4, 4)
        >>> require_one_film({"image": film}, "image", {"edits": [], "image_key": "image"}, "counterfactual")
    """
    first = record.get(IMAGE_KEY)
    elsewhere = first is not None and first != str(key) and first in map(str, sample)
    source = source_of(sample.get(key), sample.get(f"{key}{HEADER_POSTFIX}"))
    made = [edit["source_sha256"] for edit in record["edits"] if edit.get("source_sha256")]
    if elsewhere or (source and made and made[-1] != source):
        told = f"the film {first!r}" if elsewhere else "another file"
        raise ValueError(
            f"{named!r} tells of edits of {told}, not of the film {key!r}: two films of a sample need keys of their "
            f"own; give the edits and the gate of this one record_key='{key}_{named}', lesion_key='{key}_lesion', "
            f"support_key='{key}_support' and anatomy_key='{key}_anatomy'."
        )


def require_own_masks(sample: Mapping[Hashable, Any], key: Hashable, masks_key: Hashable) -> None:
    """Refuse masks that `SegmentAnatomyd` made of another file than the film under `key`.

    Raises:
        ValueError: naming both keys.
    """
    masks = sample.get(masks_key)
    if not isinstance(masks, MetaTensor) or MAKER_KEY not in masks.meta:
        return  # nobody says of which film they are
    theirs, source = source_of(masks), source_of(sample.get(key), sample.get(f"{key}{HEADER_POSTFIX}"))
    if theirs and source and theirs != source:
        raise ValueError(
            f"{masks_key!r} holds masks of another film than {key!r}: give SegmentAnatomyd and the edits of this film "
            f"anatomy_key='{key}_anatomy'."
        )


def source_of(image: Any, text: str | None = None) -> str | None:
    """Hash of the file that a film was read from; None where nobody says, since a hash of values changes with an edit.

    Example:
        >>> source_of(torch.zeros(1, 4, 4)) is None
        True
    """
    if isinstance(image, MetaTensor) and META_KEY in image.meta:
        text = image.meta[META_KEY]
    if text is None or not isinstance(image, torch.Tensor):
        return None
    header: Header = header_of(image, text)
    return header.sha256 if header.format != "tensor" else None
