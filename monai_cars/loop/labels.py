"""A film's labels after an edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from monai_cars.edits.record import film_mask
from monai_cars.features import Vocabulary, apply_edit

HIDDEN = 0.2  # share of a lesion under a later one from which it may no longer be read


def labels_after(
    vector: torch.Tensor,
    vocabulary: Vocabulary,
    record: Mapping[str, Any],
    earlier: Sequence[Mapping[str, Any]] = (),
) -> torch.Tensor:
    """The feature vector of a film after an accepted edit.

    Args:
        vector: before it.
        vocabulary: of the vector.
        record: the edit's entry.
        earlier: entries of edits that the film carried before it; findings inserted beside it stay known.

    Example:
        >>> from monai_cars.features import load_vocabulary, vector_of
        >>> carpa = load_vocabulary("carpa-19")
        >>> inserted = {"finding": "nodule", "operation": "insert", "instance_only": False}
        >>> labels_after(vector_of({}, carpa), carpa, inserted)[carpa.index("nodule")].item()
        1.0
    """
    kept = [name for name in inserted_beside(record, earlier) if vocabulary.names(name)]
    return apply_edit(
        vector, vocabulary, record["finding"], record["operation"], instance_only=record["instance_only"], kept=kept
    )


def inserted_beside(record: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> list[str]:
    """Findings inserted before an edit that it does not hide, since they lie beside it."""
    present = [edit for edit in earlier if edit["accepted"] and edit["operation"] == "insert" and edit["box"]]
    beside = [edit for edit in present if edit["shape"] == record["shape"] and hidden_share(edit, record) < HIDDEN]
    return [edit["finding"] for edit in beside]


def hidden_share(edit: Mapping[str, Any], later: Mapping[str, Any]) -> float:
    """Share of an edit's lesion under a later one's."""
    lesion = film_mask(edit, "lesion")
    return float((lesion & film_mask(later, "lesion")).sum()) / max(int(lesion.sum()), 1)
