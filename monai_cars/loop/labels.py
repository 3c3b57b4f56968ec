"""A film's labels after an edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from monai_cars.features import Vocabulary, apply_edit


def labels_after(
    vector: torch.Tensor, vocabulary: Vocabulary, record: Mapping[str, Any], kept: Sequence[str] = ()
) -> torch.Tensor:
    """The feature vector of a film after an accepted edit.

    Args:
        vector: before it.
        vocabulary: of the vector.
        record: the edit's entry.
        kept: findings that the edit does not hide, since they lie beside it.

    Example:
        >>> from monai_cars.features import load_vocabulary, vector_of
        >>> carpa = load_vocabulary("carpa-19")
        >>> inserted = {"finding": "nodule", "operation": "insert", "instance_only": False}
        >>> labels_after(vector_of({}, carpa), carpa, inserted)[carpa.index("nodule")].item()
        1.0
    """
    return apply_edit(
        vector, vocabulary, record["finding"], record["operation"], instance_only=record["instance_only"], kept=kept
    )
