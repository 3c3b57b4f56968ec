"""Judge a whole chain of edits by what it left: the film before, the film now, and the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

import torch

from monai_cars.edits.axes import to_standard
from monai_cars.edits.change import Change
from monai_cars.edits.edit import Box, Edit, Quantity, Region
from monai_cars.edits.film import Film, Scale
from monai_cars.edits.record import film_mask
from monai_cars.edits.square_pixels import SquarePixels
from monai_cars.files.radiograph import Header
from monai_cars.gates import Check, Context, Gate, Verdict, joined
from monai_cars.gates.judges import judges
from monai_cars.loop.counterfactual import upright_film, upright_values
from monai_cars.modality import Modality, Segmenter
from monai_cars.networks.threads import one_thread

ANATOMY = "anatomy_preserved"
WHOLE_CHAIN = ("outside_unchanged", ANATOMY)  # judged on the film before all edits and after all of them
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
        modality: the organ.
        film: before the first edit.
        after: (1, ...) after the last.
        support: bool without the channel, the union of the supports.
        segmenter: measures the anatomy after the chain; None leaves checks that need it unavailable.
        grid: from the record's pixels to these, where those are not square; None where they are.
    """

    modality: Modality
    film: Film
    after: torch.Tensor
    support: torch.Tensor
    segmenter: Segmenter | None = None
    grid: SquarePixels | None = None

    def mask(self, edit: Edited, name: str) -> torch.Tensor:
        """The bool "support" or "lesion" of an edit."""
        mask = film_mask(edit, name)
        if self.grid is None:
            return mask
        return self.grid.touched(mask) if name == "support" else self.grid.mask(mask)

    @property
    def before(self) -> torch.Tensor:
        """(1, ...) the film before the first edit."""
        return self.film.image


def upright_chain(
    modality: Modality,
    before: torch.Tensor,
    after: torch.Tensor,
    anatomy: torch.Tensor,
    support: torch.Tensor,
    *,
    header: Header,
    segmenter: Segmenter | None,
) -> Chain:
    """A `Chain` from tensors in the axes that the header names."""
    film = upright_film(modality, before, anatomy, header)
    turned, now = to_standard(support, header.axes).contiguous()[0] > 0, upright_values(after, header)
    if film.padded is not None:  # seen as before the edits, wherever it is still what it was
        now = torch.where(film.padded & (now == upright_values(before, header)), film.image, now)
    grid = SquarePixels.of(film.image.shape[1:], film.scale)
    if grid.same:
        return Chain(modality, film, now, turned, segmenter)
    return Chain(modality, grid.film(film), grid.image(now), grid.touched(turned), segmenter, grid)


def judge_chain(chain: Chain, edits: Sequence[Mapping[str, Any]], gate_for: GateFor) -> Judged:
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
    supports = [chain.mask(edit, "support") for edit in made]
    whole = _whole_film(chain, made[0])
    gates = _common([gate_for(edit["finding"], edit["operation"]) for edit in made])
    with one_thread():
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
    anatomy = [check for gate in gates for check in gate.checks if check.name == ANATOMY]
    hidden = tuple(dict.fromkeys(name for check in anatomy for name in getattr(check, "hidden", ())))
    return [replace(gate, checks=[_hiding(check, hidden) for check in gate.checks]) for gate in gates]


def _hiding(check: Check, hidden: tuple[str, ...]) -> Check:
    return replace(check, hidden=hidden) if check.name == ANATOMY and is_dataclass(check) else check


def _judge(
    chain: Chain, made: Sequence[Edited], supports: Sequence[torch.Tensor], number: int, gate: Gate, whole: Context
) -> Verdict:
    """One edit's verdict: checks of the whole film on the whole chain, the others on the edit itself."""
    group = [other for other, support in enumerate(supports) if other == number or _meet(support, supports[number])]
    before, after, support = _states(chain, supports, number, group)
    alone = len(group) == 1
    box = Box(*made[number]["box"]) if alone and chain.grid is None else Box.around(support)
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
    film = _film(chain, edit, before)
    measured = None
    if edit["operation"] != "sham":
        measured = chain.modality.measure(Change(film, after, edit["operation"], edit["finding"]))
    asked = edit["severity_asked"]
    return Context(
        edit=_edit(chain, edit),
        film=film,
        box=box,
        lesion=chain.mask(edit, "lesion")[box.slices],
        support=support[box.slices],
        asked=Quantity(asked["value"], asked["unit"]) if asked else None,
        measured=measured,
        segmenter=chain.segmenter,
    )


def _film(chain: Chain, edit: Edited, before: torch.Tensor) -> Film:
    """The film that an edit was made on, with the scale that its record tells."""
    spacing = tuple(edit["spacing"]) if edit["spacing"] else None
    scale = Scale(spacing, edit["spacing_source"], chain.film.scale.usual)
    scale = scale if chain.grid is None else replace(chain.grid.scale(scale), usual=chain.film.scale.usual)
    unit = chain.modality.unit(before, chain.film.anatomy)
    return Film(before, chain.film.anatomy, chain.film.header, unit, scale)


def _whole_film(chain: Chain, edit: Edited) -> Context:
    """What checks of the whole film look at; they share what a segmenter says of the film after the chain."""
    return Context(
        edit=_edit(chain, edit),
        film=_film(chain, edit, chain.before),
        box=Box.whole(chain.support.shape),
        lesion=chain.support,
        support=chain.support,
        asked=None,
        measured=None,
        segmenter=chain.segmenter,
    )


def _edit(chain: Chain, edit: Edited) -> Edit:
    region = Region(box=tuple(map(float, edit["box"]))) if edit["operation"] == "delete" else None
    made = Edit(
        edit["operation"], edit["finding"], side=edit["side"], zone=edit["zone"], seed=edit["seed"], region=region
    )
    return made if chain.grid is None else chain.grid.edit(made)
