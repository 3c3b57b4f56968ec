"""The loop around every edit: propose, compose, gate, and accept, try again or abstain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from monai.data import MetaTensor

from monai_cars.editors.contract import Editor
from monai_cars.edits.axes import INVERTED, from_standard, to_standard
from monai_cars.edits.change import Change
from monai_cars.edits.compositor import Composite, check_proposal, compose
from monai_cars.edits.edit import CannotEdit, Edit, Proposal
from monai_cars.edits.film import Film
from monai_cars.edits.film_memory import MEMORY, film_key
from monai_cars.edits.record import earlier_edits, edit_record, fill_record
from monai_cars.edits.region import check_region, turned
from monai_cars.edits.seeds import film_seed, seeded
from monai_cars.edits.square_pixels import SquarePixels
from monai_cars.files.header import Header
from monai_cars.files.padding import without_padding
from monai_cars.files.radiograph import header_of
from monai_cars.gates import Context, Gate
from monai_cars.gates.judges import editor_data, judges, require_independent
from monai_cars.modality import Modality, Segmenter, modality_of
from monai_cars.networks.precision import single_precision
from monai_cars.networks.threads import one_blas_thread, one_thread

__all__ = ["Composite", "Counterfactual", "compose", "film_seed", "make_counterfactual"]

# A mask of what changed lies where something changed. Of the edits drawn here a fracture's covers least, 0.6: between
# its fragments the rib stays.
LEAST_CHANGED = 1 / 3
DOUBTFUL = (
    "which side of the film is the patient's {side} is in doubt: its heart does not bear out what is said or assumed "
    "of it; keep the image's metadata, say how the film lies (axes=, or in its file), or ask for no side"
)


@dataclass(frozen=True)
class Counterfactual:
    """What became of one edit of one film.

    Args:
        image: (1, H, W) the counterfactual, or the film itself when abstained; a volume is (1, D, H, W).
        lesion: uint8 of the same shape, what was inserted or deleted.
        support: uint8 of the same shape, where pixels may differ.
        record: one entry of the record's ``edits``.
        accepted: False when abstained.
    """

    image: torch.Tensor
    lesion: torch.Tensor
    support: torch.Tensor
    record: dict[str, Any]
    accepted: bool


@single_precision()
def make_counterfactual(
    image: torch.Tensor,
    anatomy: torch.Tensor,
    edit: Edit,
    *,
    header: Header | None = None,
    editor: Editor | None = None,
    gate: Gate | None = None,
    segmenter: Segmenter | None = None,
    shared_model: bool | None = None,
    max_attempts: int = 4,
    earlier: Sequence[Mapping[str, Any]] = (),
    strict: bool = False,
) -> Counterfactual:
    """Propose, compose, gate; accept, try again with a new seed, or abstain.

    Args:
        image: (1, H, W) film, bright = dense, in any affine scale and the axes that its header names; or a volume
            (1, D, H, W) where the finding's organ has volumes.
        anatomy: (S, ...) uint8 masks in the same axes, in the order of the organ's structures.
        edit: what is asked for; a region is in the same axes.
        header: what is known of the film; read from the image's metadata when None.
        editor: proposes; the organ's own editor when None.
        gate: judges; the cheap profile of the finding when None.
        segmenter: measures the anatomy after the edit for checks that need it; they are unavailable without.
        shared_model: whether that segmenter also made `anatomy`, which placed the edit; None when nobody knows, or when
            nothing is measured anew.
        max_attempts: proposals before abstaining.
        earlier: entries of the record of edits that the image already carries.
        strict: refuse a gate whose models were trained on what the editor was trained on, instead of warning.

    Raises:
        ValueError: shapes that do not fit together, those of a proposal among them, or max_attempts below 1.
        SharedDataError: with `strict`, a model of the gate shares data with the editor, or it cannot be told.
    """
    modality = modality_of(edit.finding)
    _check(modality, image, anatomy, max_attempts)
    check_region(edit.region, image)
    header = header or header_of(image)
    plain = image.as_tensor() if isinstance(image, MetaTensor) else image
    masks = anatomy.as_tensor() if isinstance(anatomy, MetaTensor) else anatomy
    gate = gate or modality.gate(edit.operation, edit.finding, "cheap")
    editor = editor or modality.editor()
    gate.warn_beyond(max_attempts)
    data = editor_data(editor, edit, strict=strict)
    require_independent(gate, data, strict=strict, editor=f"the editor {editor.name!r}")
    with one_blas_thread():
        film = upright_film(modality, plain, masks, header, earlier)
    asked = replace(edit, region=turned(edit.region, header.axes, plain)) if edit.region else edit
    asked = asked.with_severity(seeded(edit.seed, header.sha256, f"severity {edit.finding}"))
    with one_blas_thread():
        record, composite, proposal = _attempts(modality, film, asked, editor, gate, segmenter, max_attempts)
    record |= {"shared_model": shared_model, "judges": list(judges(gate))}
    if composite is None or proposal is None:
        empty = torch.zeros(plain.shape, dtype=torch.uint8, device=plain.device)
        return Counterfactual(plain, empty, empty.clone(), record, False)
    parts = (composite.image, *(_full(mask, proposal, film, plain) for mask in (proposal.lesion, proposal.support)))
    edited, lesion, support = (from_standard(part, header.axes).contiguous() for part in parts)
    # Outside the support the caller's own values are kept, whatever their type (float64 has more bits than the edit).
    after = torch.where(support > 0, (_sign(header) * edited).to(plain.dtype), plain)
    return Counterfactual(after, lesion, support, record, True)


def upright_film(
    modality: Modality,
    image: torch.Tensor,
    anatomy: torch.Tensor,
    header: Header,
    earlier: Sequence[Mapping[str, Any]] = (),
) -> Film:
    """A film's one home: upright, bright = dense, with its unit and scale.

    Args:
        modality: the organ.
        image: (1, ...) plain tensor in the axes that the header names.
        anatomy: (S, ...) masks in the same axes.
        header: what is known of it.
        earlier: entries of the record of edits that it already carries.
    """
    upright = upright_values(image, header)
    masks = to_standard(anatomy, header.axes).contiguous()
    dense = header if _sign(header) > 0 else _turned_over(header)
    upright, padded = without_padding(upright, dense)
    key = film_key(upright, masks)
    with one_thread():
        unit = MEMORY.recall((key, modality.name, "unit"), lambda: modality.unit(upright, masks))
    carried = earlier_edits(earlier, upright.shape[1:])
    film = Film(upright, masks, dense, unit, modality.scale(header, masks), carried, padded)
    film.__dict__["key"] = key  # worked out above; a film made of this one by `replace` works out its own
    return film


def upright_values(image: torch.Tensor, header: Header) -> torch.Tensor:
    """(1, ...) float32 values upright, bright = dense; two negations give back the same bits."""
    return _sign(header) * to_standard(image, header.axes).contiguous().float()


def _turned_over(header: Header) -> Header:
    padding = None if header.padding is None else (-header.padding[1], -header.padding[0])
    return replace(header, low=-header.high, high=-header.low, padding=padding)


def _sign(header: Header) -> float:
    return -1.0 if header.axes.endswith(INVERTED) else 1.0


def _check(modality: Modality, image: torch.Tensor, anatomy: torch.Tensor, max_attempts: int) -> None:
    if image.ndim - 1 not in modality.dimensions or image.shape[0] != 1:
        shapes = " or ".join({2: "(1, H, W)", 3: "(1, D, H, W)"}[axes] for axes in modality.dimensions)
        raise ValueError(f"image must have shape {shapes}, got {tuple(image.shape)}; take one channel of it")
    expected = (len(modality.structures), *image.shape[1:])
    if anatomy.shape != expected:
        raise ValueError(
            f"anatomy must have shape {expected} for {', '.join(modality.structures)}, "
            f"got {tuple(anatomy.shape)}; segment this image with SegmentAnatomyd"
        )
    if not image.numel():
        raise ValueError(f"image must have pixels, got shape {tuple(image.shape)}")
    if max_attempts < 1:
        raise ValueError(f"max_attempts must be at least 1, got {max_attempts}")


def _attempts(
    modality: Modality,
    film: Film,
    edit: Edit,
    editor: Editor,
    gate: Gate,
    segmenter: Segmenter | None,
    max_attempts: int,
) -> tuple[dict[str, Any], Composite | None, Proposal | None]:
    """Run the loop; the composite and the proposal are None when it abstains."""
    record = edit_record(film, edit, editor)
    least = modality.least_contrast
    if not film.unit.share >= least:  # also when it is not a number
        reason = f"contrast unit is {film.unit.share:.1%} of the film's P1-P99 range, {least:.0%} are needed"
        return {**record, "reason": reason}, None, None
    if edit.side is not None and film.header.laterality == "doubtful":
        return {**record, "reason": DOUBTFUL.format(side=edit.side)}, None, None
    grid = SquarePixels.of(film.image.shape[1:], film.scale)
    squared, edit = grid.film(film), grid.edit(edit)
    protection = modality.protect(squared, edit)
    # An editor that writes into what it is shown must not write into what it is judged against.
    shown = protection.seen
    seen = replace(shown, image=shown.image.clone(), anatomy=shown.anatomy.clone())
    last: Proposal | None = None
    for attempt in range(max_attempts):
        generator = seeded(edit.seed, film.header.sha256, f"{edit.operation} {edit.finding}", attempt)
        try:
            proposed = editor.propose(seen, seen.anatomy, edit, generator)
            check_proposal(proposed, squared.image, editor.name)
            proposal = _spared(grid.brought_back(protection.settled(proposed)), film.padded)
        except CannotEdit as refusal:
            record["attempts"] = attempt + 1
            # An attempt that was judged says more than one that could not be made.
            record["reason"] = record["reason"] if record["checks"] else str(refusal)
            if edit.operation == "delete":
                break
            continue
        if last is not None and _same(last, proposal):
            break  # nothing in this edit is drawn at random: another seed changes nothing
        last = proposal
        record["attempts"] = attempt + 1
        composite = compose(film.image, proposal, film.unit.value, header=film.header)
        judged = replace(composite, image=grid.image(composite.image))
        context = _context(modality, squared, edit, grid.seen(proposal), judged, segmenter)
        with one_thread():
            verdict = gate(squared.image, judged.image, context)
        share = changed_share(film.image, composite.image, proposal)
        if verdict.accepted and not share >= LEAST_CHANGED:
            reason = f"only {share:.0%} of the lesion's mask lies where anything changed"
            verdict = replace(verdict, accepted=False, reason=reason)
        record = fill_record(record, edit, proposal, composite.clipped_share, context.measured, verdict)
        if verdict.accepted:
            return record, composite, proposal
    return record, None, None


def _spared(proposal: Proposal, padded: torch.Tensor | None) -> Proposal:
    """The proposal without what lies on padding, which is written back as it came."""
    if padded is None:
        return proposal
    free = ~padded[0][proposal.box.slices].to(proposal.support.device)
    support = proposal.support & free
    if not bool(support.any()):
        raise CannotEdit("nothing but padding is left to change where the edit was asked for")
    return replace(proposal, support=support, lesion=proposal.lesion & free, residual=proposal.residual * support)


def changed_share(before: torch.Tensor, after: torch.Tensor, proposal: Proposal) -> float:
    """Share of a proposal's lesion in which the film (1, ...) differs; 1 where no lesion was drawn."""
    lesion = proposal.lesion.to(before.device)
    if not bool(lesion.any()):
        return 1.0
    changed = (before[0] != after[0])[proposal.box.slices]
    return float((changed & lesion).sum() / lesion.sum())


def _same(one: Proposal, other: Proposal) -> bool:
    return one.box == other.box and torch.equal(one.residual, other.residual)


def _context(
    modality: Modality,
    film: Film,
    edit: Edit,
    proposal: Proposal,
    composite: Composite,
    segmenter: Segmenter | None,
) -> Context:
    measured = None
    if edit.operation != "sham":
        measured = modality.measure(Change(film, composite.image, edit.operation, edit.finding))
    return Context(
        edit=edit,
        film=film,
        box=proposal.box,
        lesion=proposal.lesion,
        support=proposal.support,
        # What was asked of an insertion is what it is held against, whatever its editor says that it aimed at.
        asked=edit.asked if edit.operation == "insert" else proposal.asked,
        measured=measured,
        segmenter=segmenter,
    )


def _full(mask: torch.Tensor, proposal: Proposal, film: Film, plain: torch.Tensor) -> torch.Tensor:
    full = torch.zeros(film.image.shape, dtype=torch.uint8, device=plain.device)
    full[0][proposal.box.slices] = mask.to(device=plain.device, dtype=torch.uint8)
    return full
