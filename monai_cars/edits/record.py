"""The record that every edit carries: what was asked, what was measured, by whom, and every check's verdict."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from monai_cars.echo import echo
from monai_cars.edits.edit import Box, Earlier, Edit, Proposal, Quantity
from monai_cars.edits.film import Film
from monai_cars.findings.registry import finding_of

DIGITS = 4  # significant; the last bits of a float differ between processors


class EditorLike(Protocol):
    """What the record says of an editor."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def weights(self) -> str | None:
        """Names and hashes of its weights."""
        ...


class CheckLike(Protocol):
    """What the record says of a check's result."""

    def entry(self) -> dict[str, Any]:
        """Its JSON form."""
        ...


class VerdictLike(Protocol):
    """What the record says of a gate's decision."""

    @property
    def accepted(self) -> bool:
        """Whether the edit holds."""
        ...

    @property
    def reason(self) -> str:
        """Why not."""
        ...

    @property
    def thresholds(self) -> str:
        """Where the thresholds come from."""
        ...

    @property
    def checks(self) -> Sequence[CheckLike]:
        """All results."""
        ...


def rounded(value: float | None) -> float | None:
    """Round to 4 significant digits; None and non-finite values become None, which JSON can carry.

    Example:
        >>> rounded(0.0123456)
        0.01235
    """
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DIGITS}g}")


def blank_record(operation: str, finding: str, seed: int, *, editor: str, reason: str = "") -> dict[str, Any]:
    """Every entry of the record of an edit, as it stands before anything is known: nothing was tried yet.

    This is the schema: no other entry is ever added, and none is ever left out.

    Example:
        >>> blank_record("insert", "nodule", 7, editor="attenuation")["accepted"]
        False
    """
    return {
        "operation": operation,
        "finding": finding,
        "side": None,
        "zone": None,
        "shape": None,
        "seed": seed,
        "attempts": 0,
        "editor": editor,
        "weights": None,
        "editor_data": None,
        "source_sha256": None,
        "laterality": None,
        "severity_asked": None,
        "severity_measured": None,
        "contrast_unit": {"value": None, "share": None},
        "spacing": None,
        "spacing_source": "unknown",
        "shared_model": None,
        "clipped_share": 0.0,
        "accepted": False,
        "reason": reason,
        "instance_only": operation == "delete",
        "note": "",
        "box": None,
        "lesion_rle": "",
        "support_rle": "",
        "thresholds": "",
        "judges": [],
        "checks": [],
    }


def edit_record(film: Film, edit: Edit, editor: EditorLike) -> dict[str, Any]:
    """The record before the first attempt."""
    stated = getattr(editor, "data", None)
    return {
        **blank_record(edit.operation, edit.finding, edit.seed, editor=editor.name),
        "side": edit.side,
        "zone": edit.zone,
        "shape": list(film.image.shape[1:]),
        "weights": weights_of(editor, edit),
        "editor_data": None if stated is None else sorted(stated),
        "source_sha256": film.header.sha256,
        "laterality": film.header.laterality,
        "severity_asked": severity_entry(edit, edit.asked),
        "contrast_unit": {"value": rounded(film.unit.value), "share": rounded(film.unit.share)},
        "spacing": [rounded(s) for s in film.spacing] if film.spacing else None,
        "spacing_source": film.scale.source,
        # What a patient has once, such as the heart, goes with its deletion; of tubes and wires some are not found.
        "instance_only": edit.operation == "delete"
        and (edit.region is not None or not finding_of(edit.finding).place.only_one),
    }


def fill_record(
    record: Mapping[str, Any],
    edit: Edit,
    proposal: Proposal,
    clipped_share: float,
    measured: Quantity | None,
    verdict: VerdictLike,
) -> dict[str, Any]:
    """The record after an attempt was composed and judged."""
    return {
        **record,
        "severity_asked": severity_entry(edit, edit.asked if edit.operation == "insert" else proposal.asked),
        "severity_measured": severity_entry(edit, measured),
        "clipped_share": rounded(clipped_share),
        "accepted": verdict.accepted,
        "reason": verdict.reason,
        "note": proposal.note,
        "weights": record["weights"] if proposal.weights is None else ", ".join(proposal.weights) or None,
        "box": list(proposal.box),
        "lesion_rle": run_lengths(proposal.lesion),
        "support_rle": run_lengths(proposal.support),
        "thresholds": verdict.thresholds,
        "checks": [check.entry() for check in verdict.checks],
    }


def weights_of(editor: EditorLike, edit: Edit) -> str | None:
    """The weights that an editor opens for an edit: what its `weights_for` says, else all that it has."""
    own = getattr(editor, "weights_for", None)
    return editor.weights if own is None else own(edit)


def read_record(text: str) -> dict[str, Any]:
    """The record of a sample; {"edits": [...]}.

    Raises:
        ValueError: the text is no such record.
    """
    try:
        record = json.loads(text)
    except json.JSONDecodeError:
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("edits"), list):
        raise ValueError(f"the record must be a JSON object with a list `edits` (got {echo(text)}).")
    return record


def dump_record(record: Mapping[str, Any]) -> str:
    """One JSON string, which collate functions, caches and trackers all carry."""
    return json.dumps(record, separators=(",", ":"), allow_nan=False)


def severity_entry(edit: Edit, amount: Quantity | None) -> dict[str, Any] | None:
    """``{value, unit, normalised}`` of an amount."""
    if amount is None or edit.operation == "sham":
        return None
    scale = edit.scale
    return {"value": rounded(amount.value), "unit": amount.unit, "normalised": rounded(scale.normalised(amount.value))}


def film_mask(entry: Mapping[str, Any], name: str) -> torch.Tensor:
    """The bool ``"lesion"`` or ``"support"`` of an accepted edit, upright; the whole box where none was kept."""
    box = Box(*entry["box"])
    full = torch.zeros(tuple(entry["shape"]), dtype=torch.bool)
    runs = entry.get(f"{name}_rle")
    full[box.slices] = mask_of(runs, box.shape) if runs else True
    return full


def earlier_edits(entries: Iterable[Mapping[str, Any]], shape: Sequence[int]) -> tuple[Earlier, ...]:
    """The accepted edits of a record that lie on a film of this shape; those made at another size are left out."""
    found = []
    for entry in entries:
        if entry.get("accepted") and entry.get("box") and tuple(entry.get("shape") or ()) == tuple(shape):
            found.append(Earlier(entry["operation"], entry["finding"], film_mask(entry, "lesion"), entry))
    return tuple(found)


def run_lengths(mask: torch.Tensor) -> str:
    """Row-major run lengths of a bool mask of any shape; the first counts zeros.

    Example:
        >>> run_lengths(torch.tensor([[0, 1, 1], [1, 0, 0]]).bool())
        '1 3 2'
    """
    flat = mask.reshape(-1).cpu().numpy().astype(np.int8)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat]))) if flat.size else np.array([], int)
    bounds = np.concatenate([[0], edges, [flat.size]])
    return " ".join(str(int(n)) for n in np.diff(bounds))


def mask_of(lengths: str, shape: Sequence[int]) -> torch.Tensor:
    """The bool mask of :func:`run_lengths`.

    Raises:
        ValueError: the lengths do not add up to the shape.

    Example:
        >>> mask_of('1 3 2', (2, 3)).int().tolist()
        [[0, 1, 1], [1, 0, 0]]
    """
    runs = [int(n) for n in lengths.split()]
    if sum(runs) != math.prod(shape):
        raise ValueError(f"run lengths add up to {sum(runs)}, a mask of shape {shape} needs {math.prod(shape)}")
    return torch.from_numpy(np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(tuple(shape)))
