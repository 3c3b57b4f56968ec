"""A short label of a film after an edit: one class number, or a vector with a place for each class."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Hashable, Mapping
from typing import Any

import numpy as np
import torch

from monai_cars.findings.registry import SEVERITY
from monai_cars.findings.severity import canonical

NORMAL = "no finding"
"""Name in a mapping of labels of the class of films without any of its findings."""
LABEL_LIKE = ("label", "labels", "target", "targets", "class", "classes", "y", "finding", "findings")
BOXES = ("box", "boxes")  # beside them, a label is the boxes'


def class_numbers(label_of: Mapping[str, int]) -> dict[str, int]:
    """Finding -> class number, by the findings' own names.

    Raises:
        ValueError: an unknown finding, a number below 0 or none, or two findings and the normal class alike.

    Example:
        >>> class_numbers({"No Finding": 0, "Cardiomegaly": 1})
        {'no finding': 0, 'enlarged heart': 1}
    """
    numbers: dict[str, int] = {}
    for name, number in label_of.items():
        plain = " ".join(str(name).lower().replace("_", " ").split())
        found = NORMAL if plain in (NORMAL, "normal") else canonical(name)
        if found != NORMAL and found not in SEVERITY:
            raise ValueError(f"label_of must name findings of {', '.join(SEVERITY)}, or {NORMAL!r} (got {name!r}).")
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 0:
            raise ValueError(f"label_of must give each finding its class number, from 0 (got {name!r}: {number!r}).")
        numbers[found] = int(number)
    if not set(numbers) - {NORMAL} or (NORMAL in numbers and list(numbers.values()).count(numbers[NORMAL]) > 1):
        raise ValueError(f"label_of must give findings numbers other than that of {NORMAL!r} (got {dict(label_of)}).")
    return numbers


def label_after(label: Any, numbers: Mapping[str, int], record: Mapping[str, Any]) -> Any:
    """The label of a film after an accepted edit, of the same kind (int, NumPy scalar, array, tensor) as before.

    A number becomes that of the finding inserted, and that of the normal class where the finding was deleted and no
    instance is left. In a vector the finding's place becomes 1 or 0; the normal class's becomes 0, or 1 where no other
    is left. Edits of findings that `numbers` does not name, and shams, change nothing.

    Args:
        label: one class number, or a vector (C,).
        numbers: of `class_numbers`.
        record: the edit's entry.

    Raises:
        ValueError: a label that is neither, a number that already says another of the findings, or a deletion where no
            normal class is named.

    Example:
        >>> inserted = {"operation": "insert", "finding": "nodule", "instance_only": False}
        >>> label_after(0, {"nodule": 1}, inserted)
        1
    """
    finding, operation = record["finding"], record["operation"]
    if operation == "sham" or finding not in numbers or (operation == "delete" and record["instance_only"]):
        return label
    if isinstance(label, str):
        raise ValueError(f"a label must be a number or a vector of numbers, no text (got {label!r}); convert it first.")
    values = torch.as_tensor(label).clone()
    if values.numel() == 1:
        values.fill_(_number(int(values), numbers, finding, operation))
    elif values.ndim == 1 and max(numbers.values()) < len(values):
        values[numbers[finding]] = operation == "insert"
        if NORMAL in numbers:
            values[numbers[NORMAL]] = 0
            values[numbers[NORMAL]] = not bool(values.any())
    else:
        raise ValueError(
            f"a label must be one class number or a vector with a place for each class of {dict(numbers)} (got the "
            f"shape {tuple(values.shape)})."
        )
    return _like(values, label)


def _number(label: int, numbers: Mapping[str, int], finding: str, operation: str) -> int:
    if operation == "delete":
        if label != numbers[finding]:
            return label
        if NORMAL not in numbers:
            raise ValueError(
                f"the {finding} was deleted, and label_of does not say which class films without it have: add "
                f"{NORMAL!r}: its number."
            )
        return numbers[NORMAL]
    others = [name for name, number in numbers.items() if name not in (finding, NORMAL) and number == label]
    if others and numbers[finding] != label:
        raise ValueError(
            f"the film's one class number says {others[0]!r} and now shows a {finding} too: keep a vector with a place "
            "for each class, or insert into normal films only."
        )
    return numbers[finding]


def _like(values: torch.Tensor, label: Any) -> Any:
    if isinstance(label, torch.Tensor):
        return values.to(label.dtype)
    if isinstance(label, np.ndarray | np.generic):
        found = values.numpy().astype(label.dtype)
        return found if isinstance(label, np.ndarray) else label.dtype.type(found)
    return values.tolist()


def warn_of_labels(
    sample: Mapping[Hashable, Any], kept: Collection[Hashable | None], record: Mapping[str, Any]
) -> None:
    """Warn of entries that look like labels and are left as they were by an accepted edit."""
    if record["operation"] == "sham" or any(key in sample for key in BOXES):
        return
    stale = [key for key in LABEL_LIKE if key in sample and key not in kept and _is_label(sample[key])]
    if stale:
        warnings.warn(
            f"{stale[0]!r} is left as it was, though the film's {record['finding']} was changed "
            f"({record['operation']}): give the edit findings_key={stale[0]!r} and vocabulary=, or "
            f"label_key={stale[0]!r} and label_of={{{record['finding']!r}: 1}}.",
            stacklevel=4,
        )


def _is_label(value: Any) -> bool:
    if isinstance(value, str) or value is None:
        return False
    try:
        values = np.asarray(value if not isinstance(value, torch.Tensor) else value.cpu().float())
    except (TypeError, ValueError):
        return False
    return values.ndim <= 1 and values.size > 0 and values.dtype.kind in "biuf"
