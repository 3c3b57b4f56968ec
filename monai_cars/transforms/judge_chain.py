"""Judge a whole chain of edits by what it left: the film before, the film now, and the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from monai_cars.chest_xray.anatomy import Segmenter, contrast_unit
from monai_cars.chest_xray.checks.anatomy_preserved import AnatomyPreserved
from monai_cars.chest_xray.gate import default_gate
from monai_cars.chest_xray.measurement import measure
from monai_cars.edits.axes import INVERTED, to_standard
from monai_cars.edits.edit import Box, Edit, Quantity, Region
from monai_cars.edits.record import film_mask
from monai_cars.files.radiograph import Header
from monai_cars.gates import Context, Gate, Verdict, joined
from monai_cars.gates.judges import judges

WHOLE_CHAIN = ("outside_unchanged", "anatomy_preserved")  # judged on the film before all edits and after all of them
OF_MANY = (*WHOLE_CHAIN, "no_seam")  # decide also where edits meet
TOUCHING = 0.01  # share of the smaller support up to which two edits only touch, in feathers that are nearly zero
GateFor = Callable[[str, str], Gate]
Edited = Mapping[str, Any]  # an entry of the record


@dataclass(frozen=True)
class Judged:
    """What became of a chain.

    Args:
        accepted: every edit that was accepted when it was made still holds.
        reason: why not.
        checks: entries of all checks, each with the number of its edit.
        judges: models that the checks asked.
    """

    accepted: bool
    reason: str
    checks: tuple[dict[str, Any], ...]
    judges: tuple[dict[str, Any], ...] = ()


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

    Each is judged alone, on the film as it was when it was made: pixels of later edits are put back. Edits whose
    supports meet cannot be told apart any more: they are judged together, and only on what holds for them all, the
    film outside them and the seam around them.

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
    supports = [film_mask(edit, "support") for edit in made]
    whole = _whole_film(chain, made[0])
    gates = _common([gate_for(edit["finding"], edit["operation"]) for edit in made])
    verdicts = [_judge(chain, made, supports, number, gate, whole) for number, gate in enumerate(gates)]
    reason = "; ".join(
        f"{edit['finding']}: {v.reason}" for edit, v in zip(made, verdicts, strict=True) if not v.accepted
    )
    checks = tuple({"edit": number, **check.entry()} for number, v in enumerate(verdicts) for check in v.checks)
    asked = {judge["name"]: judge for gate in gates for judge in judges(gate)}
    return Judged(not reason, reason, checks, tuple(asked.values()))


def _stray(chain: Chain) -> int:
    return int(((chain.before[0] != chain.after[0]) & ~chain.support).sum())


def _common(gates: Sequence[Gate]) -> list[Gate]:
    """The gates of a chain's edits; what one of them may move, such as the heart's border, is moved for all."""
    anatomy = [check for gate in gates for check in gate.checks if isinstance(check, AnatomyPreserved)]
    hidden = tuple(dict.fromkeys(name for check in anatomy for name in check.hidden))
    return [
        replace(gate, checks=[replace(c, hidden=hidden) if isinstance(c, AnatomyPreserved) else c for c in gate.checks])
        for gate in gates
    ]


def _judge(
    chain: Chain, made: Sequence[Edited], supports: Sequence[torch.Tensor], number: int, gate: Gate, whole: Context
) -> Verdict:
    """One edit's verdict: checks of the whole film on the whole chain, the others on the edit itself."""
    group = [other for other, support in enumerate(supports) if other == number or _meet(support, supports[number])]
    before, after, support = _states(chain, supports, number, group)
    alone = len(group) == 1
    box = Box(*made[number]["box"]) if alone else _box_of(support)
    context = _context(chain, made[number], before, after, support, box)
    if len(group) == len(made):  # its films are the whole chain's: no model is asked about them twice
        context = replace(context, _made=whole._made)
    results = []
    for check in gate.checks:
        films = (chain.before, chain.after, replace(whole, edit=context.edit)) if check.name in WHOLE_CHAIN else None
        result = check(*films) if films else check(before, after, context)
        required = check.name not in gate.advisory and (alone or check.name in OF_MANY)
        results.append(replace(result, required=required))
    return joined(results)


def _meet(one: torch.Tensor, other: torch.Tensor) -> bool:
    shared = int((one & other).sum())
    return shared > TOUCHING * min(int(one.sum()), int(other.sum()))


def _states(
    chain: Chain, supports: Sequence[torch.Tensor], number: int, group: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The film before and after an edit and those that it meets, and their joint support (H, W)."""
    before = chain.before.clone()
    for other, support in enumerate(supports):
        if other < number and other not in group:
            before[0][support] = chain.after[0][support]
    joint = torch.stack([supports[member] for member in group]).any(0)
    after = before.clone()
    after[0][joint] = chain.after[0][joint]
    return before, after, joint


def _context(
    chain: Chain, edit: Edited, before: torch.Tensor, after: torch.Tensor, support: torch.Tensor, box: Box
) -> Context:
    operation, finding = edit["operation"], edit["finding"]
    spacing = tuple(edit["spacing"]) if edit["spacing"] else None
    unit = contrast_unit(before, chain.anatomy)  # of the film that the edit was made on
    measured = None
    if operation != "sham":
        measured = measure(finding, before, after, chain.anatomy, unit=unit, spacing=spacing, operation=operation)
    asked = edit["severity_asked"]
    return Context(
        edit=_edit(edit),
        anatomy=chain.anatomy,
        unit=unit,
        spacing=spacing,
        box=box,
        lesion=film_mask(edit, "lesion")[box.slices],
        support=support[box.slices],
        asked=Quantity(asked["value"], asked["unit"]) if asked else None,
        measured=measured,
        segmenter=chain.segmenter,
        source=chain.header.sha256,
    )


def _whole_film(chain: Chain, edit: Edited) -> Context:
    """What checks of the whole film look at; they share what a segmenter says of the film after the chain."""
    height, width = chain.support.shape
    return Context(
        edit=_edit(edit),
        anatomy=chain.anatomy,
        unit=contrast_unit(chain.before, chain.anatomy),
        spacing=tuple(edit["spacing"]) if edit["spacing"] else None,
        box=Box(0, 0, height, width),
        lesion=chain.support,
        support=chain.support,
        asked=None,
        measured=None,
        segmenter=chain.segmenter,
        source=chain.header.sha256,
    )


def _edit(edit: Edited) -> Edit:
    y0, x0, y1, x1 = map(float, edit["box"])
    region = Region(box=(y0, x0, y1, x1)) if edit["operation"] == "delete" else None
    return Edit(
        edit["operation"], edit["finding"], side=edit["side"], zone=edit["zone"], seed=edit["seed"], region=region
    )


def _box_of(mask: torch.Tensor) -> Box:
    rows, columns = (torch.nonzero(mask.any(axis)).flatten().tolist() for axis in (1, 0))
    return Box(rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) if rows else Box(0, 0, *mask.shape)
