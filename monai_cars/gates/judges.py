"""Which models a gate asks, what they were trained on, and whether the editor was trained on that too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from monai_cars.edits.edit import Edit
from monai_cars.edits.record import weights_of
from monai_cars.gates.checks.change_seen import OneSees
from monai_cars.gates.contract import Check, Gate
from monai_cars.teachers import SharedDataError, independent
from monai_cars.weights.records import RECORDS

# What models on the Hub say that they were trained on, as far as radiographs go (their model cards; RoentGen: arXiv
# 2211.12737).
HUB_DATA = {
    "microsoft/radedit": ("mimic-cxr", "nih-chestxray14", "chexpert"),
    "microsoft/BiomedVLP-BioViL-T": ("mimic-cxr",),
    "StanfordAIMI/roent-gen-v1-0": ("mimic-cxr",),
    "stabilityai/sdxl-vae": (),  # photographs
}


def judges(gate: Gate) -> tuple[dict[str, Any], ...]:
    """Entries for the record: name, SHA-256 of the weights and training data of every model that a gate's checks hold.

    Example:
        >>> from monai_cars.gates import TargetMoved
        >>> from monai_cars.teachers import CallableTeacher
        >>> judges(Gate([TargetMoved(CallableTeacher("mean", lambda f, a: [f.mean()], ("Mass",), frozenset({"nih"})))]))
        ({'name': 'mean', 'sha256': '', 'data': ['nih']},)
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for model in (held for check in gate.checks for held in _callables(check) if hasattr(held, "data")):
        name, sha256, data = _name(model), str(getattr(model, "sha256", "")), sorted(model.data)
        found[name, sha256, *data] = {"name": name, "sha256": sha256, "data": data}
    return tuple(found.values())


def learned_from(weights: str | None, *, strict: bool = False) -> frozenset[str] | None:
    """Training data of an editor, from what it (or the record) says of its weights; None when that is not known.

    Args:
        weights: such as "healthy_lung sha256:0123..." or "microsoft/radedit@0123..."; several are separated by commas.
        strict: also None when it is not known of one of several.

    Example:
        >>> sorted(learned_from("healthy_lung sha256:0123"))
        ['nih-chestxray14:editor-patients']
        >>> learned_from("me/mine@0123") is None, learned_from(None)
        (True, frozenset())
        >>> learned_from("healthy_lung sha256:0123, me/mine@0123", strict=True) is None
        True
    """
    names = [re.split("[@ ]", part.strip())[0] for part in (weights or "").split(",") if part.strip()]
    known = {**HUB_DATA, **{name: record.data for name, record in RECORDS.items()}}
    told = [known[name] for name in names if known.get(name) or name in HUB_DATA]
    if names and (not told or (strict and len(told) < len(names))):
        return None
    return frozenset(data for part in told for data in part)


def editor_data(editor: Any, edit: Edit | None = None, *, strict: bool = False) -> frozenset[str] | None:
    """Training data of an editor: its own `data` when it has that, else what is known of its weights (`learned_from`).

    Args:
        editor: asked for `data`.
        edit: what it is asked for: an editor need not open its weights for every edit; None takes all that it has.
        strict: as for `learned_from`.

    Example:
        >>> from types import SimpleNamespace
        >>> editor_data(SimpleNamespace(weights="microsoft/BiomedVLP-BioViL-T"))
        frozenset({'mimic-cxr'})
    """
    own = getattr(editor, "data", None)
    weights = editor.weights if edit is None else weights_of(editor, edit)
    return learned_from(weights, strict=strict) if own is None else frozenset(own)


def recorded_data(edit: Mapping[str, Any], *, strict: bool = False) -> frozenset[str] | None:
    """`editor_data` of the editor of an edit, from its entry in the record.

    Example:
        >>> recorded_data({"weights": "me/mine@0123", "editor_data": ["mimic-cxr"]})
        frozenset({'mimic-cxr'})
    """
    own = edit.get("editor_data")
    return learned_from(edit["weights"], strict=strict) if own is None else frozenset(own)


def require_independent(gate: Gate, data: frozenset[str] | None, *, strict: bool, editor: str = "the editor") -> None:
    """Warn, or refuse, when a model of the gate was trained on what the editor was trained on.

    Args:
        gate: whose models are looked at.
        data: identifiers of the editor's data (`editor_data`); None when not known, which only `strict` refuses.
        strict: refuse instead of warning.
        editor: name for the message.

    Raises:
        SharedDataError: with `strict`, they share data, or either does not state its own; any callable that a check
            holds counts as a model.

    Warns:
        SharedDataWarning: without `strict`, they share data.

    Example:
        >>> require_independent(Gate([]), frozenset({"nih-chestxray14"}), strict=True)
    """
    for check in gate.checks if strict else ():
        _require_stated(check, editor)
    for judge in judges(gate):
        teacher = f"the gate's model {judge['name']!r}"
        if strict and data is None:
            raise SharedDataError(
                f"it is not known what {editor} was trained on, so that nobody can tell whether {teacher} shares it; "
                "give the editor an attribute data, identifiers such as 'mimic-cxr'"
            )
        independent(data or frozenset(), frozenset(judge["data"]), strict=strict, editor=editor, teacher=teacher)


def _require_stated(check: Check, editor: str) -> None:
    for held in _callables(check):
        if not hasattr(held, "data"):
            raise SharedDataError(
                f"{_name(held)!r}, which the check {check.name!r} asks, states no training data, so that nobody can "
                f"tell whether {editor} shares it; give it an attribute data, frozenset({{'nothing'}}) if it learned "
                "nothing"
            )


def _callables(check: Check) -> Iterator[Any]:
    """Models and functions that a check holds; a bank of images is none: what is compared with it may be shared."""
    if isinstance(check, OneSees):
        yield from (held for part in check.checks for held in _callables(part))
        return
    if is_dataclass(check):
        held = [getattr(check, field.name) for field in fields(check)]
    else:
        held = list(getattr(check, "__dict__", {}).values())
    for value in held:
        parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else (value,)
        yield from (part for part in parts if callable(part))


def _name(model: Any) -> str:
    return str(getattr(model, "name", getattr(model, "__name__", type(model).__name__)))
