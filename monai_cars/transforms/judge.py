"""Judge a whole chain of edits by what it left: the film before, the film now, and the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from monai_cars.anatomy import ContrastUnit, Segmenter, contrast_unit
from monai_cars.axes import INVERTED, to_standard
from monai_cars.edit import Box, Edit, Quantity, Region
from monai_cars.gates import Context, Gate, Verdict, default_gate
from monai_cars.measurement import measure
from monai_cars.radiograph import Header
from monai_cars.record import mask_of

WHOLE_CHAIN = ("outside_unchanged", "anatomy_preserved")  # checks that need no edit to be told from another
GateFor = Callable[[str, str], Gate]


@dataclass(frozen=True)
class Judged:
    """What became of a chain.

    Args:
        accepted: every edit that was accepted when it was made still holds.
        reason: why not.
        checks: entries of all checks, each with the number of its edit.
    """

    accepted: bool
    reason: str
    checks: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Chain:
    """A film before and after a chain of edits, upright, bright = dense.

    Args:
        before: (1, H, W).
        after: (1, H, W).
        anatomy: (S, H, W) before the first edit.
        support: (H, W) bool, the union of the supports.
        header: of the film.
        segmenter: measures the anatomy after the chain; None leaves checks that need it unavailable.
    """

    before: torch.Tensor
    after: torch.Tensor
    anatomy: torch.Tensor
    support: torch.Tensor
    header: Header
    segmenter: Segmenter | None = None


def upright_chain(
    before: torch.Tensor,
    after: torch.Tensor,
    anatomy: torch.Tensor,
    support: torch.Tensor,
    *,
    header: Header,
    segmenter: Segmenter | None,
) -> Chain:
    """A `Chain` from tensors in the axes that the header names."""
    turned = [to_standard(array, header.axes).contiguous() for array in (before, after, anatomy, support)]
    sign = -1.0 if header.axes.endswith(INVERTED) else 1.0
    return Chain(sign * turned[0].float(), sign * turned[1].float(), turned[2], turned[3][0] > 0, header, segmenter)


def judge_chain(chain: Chain, edits: Sequence[Mapping[str, Any]], gate_for: GateFor = default_gate) -> Judged:
    """Judge every edit that was accepted when it was made.

    Each is measured alone: its box is put back to what it was before and compared. Edits whose boxes meet cannot be
    told apart any more; of those, only the checks of the whole film decide.

    Args:
        chain: the film before and after.
        edits: entries of the record.
        gate_for: (finding, operation) -> Gate.
    """
    stray = _stray(chain)
    if stray:
        return Judged(False, f"{stray} pixels outside the support changed since the film was edited", ())
    made = [edit for edit in edits if edit["accepted"]]
    if not made:
        return Judged(True, "", ())
    unit = contrast_unit(chain.before, chain.anatomy)
    verdicts = [_judge(chain, edit, made, gate_for(edit["finding"], edit["operation"]), unit) for edit in made]
    reason = "; ".join(
        f"{edit['finding']}: {v.reason}" for edit, v in zip(made, verdicts, strict=True) if not v.accepted
    )
    checks = tuple({"edit": number, **check.entry()} for number, v in enumerate(verdicts) for check in v.checks)
    return Judged(not reason, reason, checks)


def _stray(chain: Chain) -> int:
    return int(((chain.before[0] != chain.after[0]) & ~chain.support).sum())


def _judge(chain: Chain, edit: Mapping[str, Any], made: Sequence[Mapping], gate: Gate, unit: ContrastUnit) -> Verdict:
    box = Box(*edit["box"])
    before = chain.after.clone()
    before[(slice(None), *box.slices)] = chain.before[(slice(None), *box.slices)]
    if any(_meet(box, Box(*other["box"])) for other in made if other is not edit):
        gate = replace(gate, advisory=tuple(name for name in gate.names if name not in WHOLE_CHAIN))
    return gate(before, chain.after, _context(chain, edit, box, before, unit))


def _meet(one: Box, other: Box) -> bool:
    return one.y0 < other.y1 and other.y0 < one.y1 and one.x0 < other.x1 and other.x0 < one.x1


def _context(chain: Chain, edit: Mapping[str, Any], box: Box, before: torch.Tensor, unit: ContrastUnit) -> Context:
    operation, finding = edit["operation"], edit["finding"]
    spacing = tuple(edit["spacing"]) if edit["spacing"] else None
    measured = None
    if operation != "sham":
        measured = measure(finding, before, chain.after, chain.anatomy, unit=unit, spacing=spacing, operation=operation)
    region = Region(box=(float(box.y0), float(box.x0), float(box.y1), float(box.x1))) if operation == "delete" else None
    asked = edit["severity_asked"]
    return Context(
        edit=Edit(operation, finding, side=edit["side"], zone=edit["zone"], seed=edit["seed"], region=region),
        anatomy=chain.anatomy,
        unit=unit,
        spacing=spacing,
        box=box,
        lesion=mask_of(edit["lesion_rle"], (box.y1 - box.y0, box.x1 - box.x0)),
        support=chain.support[box.slices],
        asked=Quantity(asked["value"], asked["unit"]) if asked else None,
        measured=measured,
        segmenter=chain.segmenter,
    )
