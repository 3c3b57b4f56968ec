"""The record that every edit carries: what was asked, what was measured, by whom, and every check's verdict."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from monai_cars.editors import Editor
from monai_cars.edits.edit import Box, Earlier, Edit, Proposal, Quantity
from monai_cars.edits.film import Film
from monai_cars.gates import Verdict

DIGITS = 4  # significant; the last bits of a float differ between processors


def rounded(value: float | None) -> float | None:
    """Round to 4 significant digits; None and non-finite values become None, which JSON can carry.

    Example:
        >>> rounded(0.0123456)
        0.01235
    """
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DIGITS}g}")


def edit_record(film: Film, edit: Edit, editor: Editor) -> dict[str, Any]:
    """The part of the record that is known before the first attempt."""
    return {
        "operation": edit.operation,
        "finding": edit.finding,
        "side": edit.side,
        "zone": edit.zone,
        "shape": list(film.image.shape[1:]),
        "seed": edit.seed,
        "attempts": 0,
        "editor": editor.name,
        "weights": editor.weights,
        "editor_data": None if (stated := getattr(editor, "data", None)) is None else sorted(stated),
        "source_sha256": film.header.sha256,
        "severity_asked": severity_entry(edit, edit.asked),
        "severity_measured": None,
        "contrast_unit": {"value": rounded(film.unit.value), "share": rounded(film.unit.share)},
        "spacing": [rounded(s) for s in film.spacing] if film.spacing else None,
        "spacing_source": film.header.spacing_source,
        "shared_model": True,
        "clipped_share": 0.0,
        "accepted": False,
        "reason": "",
        # What the anatomy itself shows, such as the heart, a film has once: with it the finding goes. Of tubes
        # and wires some are not found.
        "instance_only": edit.operation == "delete" and (edit.region is not None or edit.finding == "support devices"),
        "note": "",
        "box": None,
        "lesion_rle": "",
        "support_rle": "",
        "thresholds": "",
        "checks": [],
    }


def fill_record(
    record: dict[str, Any],
    edit: Edit,
    proposal: Proposal,
    clipped_share: float,
    measured: Quantity | None,
    verdict: Verdict,
) -> dict[str, Any]:
    """The record after an attempt was composed and judged."""
    return {
        **record,
        "severity_asked": severity_entry(edit, proposal.asked),
        "severity_measured": severity_entry(edit, measured),
        "clipped_share": rounded(clipped_share),
        "accepted": verdict.accepted,
        "reason": verdict.reason,
        "note": proposal.note,
        "box": list(proposal.box),
        "lesion_rle": run_lengths(proposal.lesion),
        "support_rle": run_lengths(proposal.support),
        "thresholds": verdict.thresholds,
        "checks": [check.entry() for check in verdict.checks],
    }


def read_record(text: str) -> dict[str, Any]:
    """The record of a sample; {"edits": [...]}.

    Raises:
        ValueError: the text is no such record.
    """
    record = json.loads(text)
    if not isinstance(record, dict) or not isinstance(record.get("edits"), list):
        raise ValueError(f"the record must be a JSON object with a list `edits` (got {text[:80]!r}).")
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
    """The (H, W) bool ``"lesion"`` or ``"support"`` of an accepted edit, upright; the whole box where none was kept."""
    box = Box(*entry["box"])
    full = torch.zeros(tuple(entry["shape"]), dtype=torch.bool)
    runs = entry.get(f"{name}_rle")
    full[box.slices] = mask_of(runs, (box.y1 - box.y0, box.x1 - box.x0)) if runs else True
    return full


def earlier_edits(entries: Iterable[Mapping[str, Any]], shape: tuple[int, int]) -> tuple[Earlier, ...]:
    """The accepted edits of a record that lie on a film of this shape; those made at another size are left out."""
    found = []
    for entry in entries:
        if entry.get("accepted") and entry.get("box") and tuple(entry.get("shape") or ()) == tuple(shape):
            found.append(Earlier(entry["operation"], entry["finding"], film_mask(entry, "lesion"), entry))
    return tuple(found)


def run_lengths(mask: torch.Tensor) -> str:
    """Row-major run lengths of a (h, w) bool mask; the first counts zeros.

    Example:
        >>> run_lengths(torch.tensor([[0, 1, 1], [1, 0, 0]]).bool())
        '1 3 2'
    """
    flat = mask.reshape(-1).cpu().numpy().astype(np.int8)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat]))) if flat.size else np.array([], int)
    bounds = np.concatenate([[0], edges, [flat.size]])
    return " ".join(str(int(n)) for n in np.diff(bounds))


def mask_of(lengths: str, shape: tuple[int, int]) -> torch.Tensor:
    """The (h, w) bool mask of :func:`run_lengths`.

    Raises:
        ValueError: the lengths do not add up to the shape.

    Example:
        >>> mask_of('1 3 2', (2, 3)).int().tolist()
        [[0, 1, 1], [1, 0, 0]]
    """
    runs = [int(n) for n in lengths.split()]
    if sum(runs) != shape[0] * shape[1]:
        raise ValueError(f"run lengths add up to {sum(runs)}, a mask of shape {shape} needs {shape[0] * shape[1]}")
    return torch.from_numpy(np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(shape))
