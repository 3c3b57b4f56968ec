"""Which models a gate asks, what they were trained on, and whether the editor was trained on that too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from monai_cars.gates.contract import Check, Gate
from monai_cars.teachers import SharedDataError, independent
from monai_cars.weights_records import RECORDS

# What models on the Hub say that they were trained on, as far as radiographs go (their model cards; RoentGen: arXiv
# 2211.12737).
HUB_DATA = {
    "microsoft/radedit": ("mimic-cxr", "nih-chestxray14", "chexpert"),
    "microsoft/BiomedVLP-BioViL-T": ("mimic-cxr",),
    "StanfordAIMI/roent-gen-v1-0": ("mimic-cxr",),
}


def judges(gate: Gate) -> tuple[dict[str, Any], ...]:
    """Entries for the record: name, SHA-256 of the weights and training data of every model that a gate's checks hold.

    Example:
        >>> from monai_cars.gates import TargetMoved
        >>> from monai_cars.teachers import CallableTeacher
        >>> judges(Gate([TargetMoved(CallableTeacher("mean", lambda f, a: [f.mean()], ("Mass",), frozenset({"nih"})))]))
        ({'name': 'mean', 'sha256': '', 'data': ['nih']},)
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for check in gate.checks:
        for model in _models(check):
            sha256 = str(getattr(model, "sha256", ""))
            found[model.name, sha256] = {"name": model.name, "sha256": sha256, "data": sorted(model.data)}
    return tuple(found.values())


def learned_from(weights: str | None) -> frozenset[str] | None:
    """Training data of an editor, from what it (or the record) says of its weights; None when that is not known.

    Args:
        weights: such as "healthy_lung sha256:0123..." or "microsoft/radedit@0123..."; several are separated by commas.

    Example:
        >>> sorted(learned_from("healthy_lung sha256:0123"))
        ['nih-chestxray14:editor-patients']
        >>> learned_from("me/mine@0123") is None, learned_from(None)
        (True, frozenset())
    """
    names = [re.split("[@ ]", part.strip())[0] for part in (weights or "").split(",") if part.strip()]
    known = {**HUB_DATA, **{name: record.data for name, record in RECORDS.items()}}
    stated = frozenset(data for name in names for data in known.get(name, ()))
    return stated if stated or not names else None


def editor_data(editor: Any) -> frozenset[str] | None:
    """Training data of an editor: its own `data` when it has that, else what is known of its weights.

    Example:
        >>> from monai_cars.editors import AttenuationEditor
        >>> editor_data(AttenuationEditor())
        frozenset({'nih-chestxray14:editor-patients'})
    """
    own = getattr(editor, "data", None)
    return learned_from(editor.weights) if own is None else frozenset(own)


def require_independent(gate: Gate, data: frozenset[str] | None, *, strict: bool, editor: str = "the editor") -> None:
    """Warn, or refuse, when a model of the gate was trained on what the editor was trained on.

    Args:
        gate: whose models are looked at.
        data: identifiers of the editor's data (`editor_data`); None when not known, which only `strict` refuses.
        strict: refuse instead of warning.
        editor: name for the message.

    Raises:
        SharedDataError: with `strict`, they share data, or either does not state its own.

    Warns:
        SharedDataWarning: without `strict`, they share data.

    Example:
        >>> require_independent(Gate([]), frozenset({"nih-chestxray14"}), strict=True)
    """
    for judge in judges(gate):
        teacher = f"the gate's model {judge['name']!r}"
        if strict and data is None:
            raise SharedDataError(
                f"it is not known what {editor} was trained on, so that nobody can tell whether {teacher} shares it; "
                "give the editor an attribute data, identifiers such as 'mimic-cxr'"
            )
        independent(data or frozenset(), frozenset(judge["data"]), strict=strict, editor=editor, teacher=teacher)


def _models(check: Check) -> Iterator[Any]:
    """Models among a check's arguments; a bank of images is none: what it is compared with is meant to be shared."""
    if not is_dataclass(check):
        return
    for field in fields(check):
        value = getattr(check, field.name)
        for model in value if isinstance(value, list | tuple) else (value,):
            if callable(model) and hasattr(model, "name") and hasattr(model, "data"):
                yield model
