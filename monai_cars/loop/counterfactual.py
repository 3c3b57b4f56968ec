"""The loop around every edit: propose, compose, gate, and accept, try again or abstain."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from monai.data import MetaTensor

from monai_cars.chest_xray.anatomy import STRUCTURES, ContrastUnit, Segmenter, contrast_unit, estimate_spacing
from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.editors.canvas.lesion import clean_lesion
from monai_cars.chest_xray.editors.canvas.protected import devices_of, protect, without_devices
from monai_cars.chest_xray.gate import default_gate
from monai_cars.chest_xray.measurement import measure
from monai_cars.editors import Editor
from monai_cars.edits.axes import INVERTED, from_standard, to_standard
from monai_cars.edits.compositor import Composite, compose
from monai_cars.edits.edit import Box, CannotEdit, Edit, Proposal, Region
from monai_cars.edits.film import Film
from monai_cars.edits.film_memory import MEMORY, film_key
from monai_cars.edits.record import earlier_edits, edit_record, fill_record
from monai_cars.files.radiograph import Header, header_of
from monai_cars.gates import Context, Gate
from monai_cars.gates.judges import editor_data, judges, require_independent

__all__ = ["Composite", "Counterfactual", "compose", "film_seed", "make_counterfactual"]

LEAST_CONTRAST = 0.08  # of the film's P1-P99 range; below it lung and mediastinum cannot be told apart
DEVICES = "support devices"  # the finding whose own edits see the devices
THORAX_MM = (50.0, 480.0)  # inner thoracic width; a header whose spacing gives another is wrong about it


@dataclass(frozen=True)
class Counterfactual:
    """What became of one edit of one film.

    Args:
        image: (1, H, W) the counterfactual, or the film itself when abstained.
        lesion: (1, H, W) uint8 what was inserted or deleted.
        support: (1, H, W) uint8 where pixels may differ.
        record: one entry of the record's ``edits``.
        accepted: False when abstained.
    """

    image: torch.Tensor
    lesion: torch.Tensor
    support: torch.Tensor
    record: dict[str, Any]
    accepted: bool


def make_counterfactual(
    image: torch.Tensor,
    anatomy: torch.Tensor,
    edit: Edit,
    *,
    header: Header | None = None,
    editor: Editor | None = None,
    gate: Gate | None = None,
    segmenter: Segmenter | None = None,
    shared_model: bool = True,
    max_attempts: int = 4,
    earlier: Sequence[Mapping[str, Any]] = (),
    strict: bool = False,
) -> Counterfactual:
    """Propose, compose, gate; accept, try again with a new seed, or abstain.

    Args:
        image: (1, H, W) film, bright = dense, in any affine scale and the axes that its header names.
        anatomy: (S, H, W) uint8 masks in the same axes.
        edit: what is asked for; a region is in the same axes.
        header: what is known of the film; read from the image's metadata when None.
        editor: proposes; the attenuation editor when None.
        gate: judges; the cheap profile of the finding when None.
        segmenter: measures the anatomy after the edit for checks that need it; they are unavailable without.
        shared_model: whether that segmenter also placed the edit.
        max_attempts: proposals before abstaining.
        earlier: entries of the record of edits that the image already carries.
        strict: refuse a gate whose models were trained on what the editor was trained on, instead of warning.

    Raises:
        ValueError: shapes that do not fit together, or max_attempts below 1.
        SharedDataError: with `strict`, a model of the gate shares data with the editor, or it cannot be told.
    """
    _check(image, anatomy, max_attempts)
    _check_region(edit.region, image)
    header = header or header_of(image)
    plain = image.as_tensor() if isinstance(image, MetaTensor) else image
    masks = anatomy.as_tensor() if isinstance(anatomy, MetaTensor) else anatomy
    # Two negations give back the same bits, so an inverted film is edited as its negative.
    sign = -1.0 if header.axes.endswith(INVERTED) else 1.0
    upright = sign * to_standard(plain, header.axes).contiguous().float()
    turned = replace(edit, region=_turned(edit.region, header.axes, plain)) if edit.region else edit
    gate, editor = gate or default_gate(edit.finding, edit.operation), editor or AttenuationEditor()
    gate.warn_beyond(max_attempts)
    require_independent(gate, editor_data(editor, strict=strict), strict=strict, editor=f"the editor {editor.name!r}")
    anatomy_up = to_standard(masks, header.axes).contiguous()
    key = film_key(upright, anatomy_up)
    film = _film(upright, _bright_is_dense(header, sign), anatomy_up, key)
    film = replace(film, earlier=earlier_edits(earlier, (upright.shape[1], upright.shape[2])))
    record, composite, proposal = _attempts(film, anatomy_up, turned, editor, gate, segmenter, max_attempts, key)
    record |= {"shared_model": shared_model, "judges": list(judges(gate))}
    if composite is None or proposal is None:
        empty = torch.zeros(plain.shape, dtype=torch.uint8, device=plain.device)
        return Counterfactual(plain, empty, empty.clone(), record, False)
    parts = (
        composite.image,
        _full(proposal.lesion, proposal.box, plain, upright),
        _full(proposal.support, proposal.box, plain, upright),
    )
    edited, lesion, support = (from_standard(part, header.axes).contiguous() for part in parts)
    # Outside the support the caller's own values are kept, whatever their type (float64 has more bits than the edit).
    after = torch.where(support > 0, (sign * edited).to(plain.dtype), plain)
    return Counterfactual(after, lesion, support, record, True)


def film_seed(seed: int, sha256: str, finding: str, attempt: int) -> int:
    """63-bit seed of one attempt: SHA-256 over what identifies it, so that neither workers nor order matter.

    Example:
        >>> film_seed(7, "ab", "effusion", 0) == film_seed(7, "ab", "effusion", 0) != film_seed(7, "ab", "effusion", 1)
        True
    """
    text = f"{seed}|{sha256}|{finding}|{attempt}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def _check(image: torch.Tensor, anatomy: torch.Tensor, max_attempts: int) -> None:
    if image.ndim != 3 or image.shape[0] != 1:
        raise ValueError(f"image must have shape (1, H, W), got {tuple(image.shape)}; take one channel of it")
    if anatomy.shape != (len(STRUCTURES), *image.shape[1:]):
        raise ValueError(
            f"anatomy must have shape {(len(STRUCTURES), *image.shape[1:])} for {', '.join(STRUCTURES)}, "
            f"got {tuple(anatomy.shape)}; segment this image with SegmentAnatomyd"
        )
    if not image.numel():
        raise ValueError(f"image must have pixels, got shape {tuple(image.shape)}")
    if max_attempts < 1:
        raise ValueError(f"max_attempts must be at least 1, got {max_attempts}")


def _check_region(region: Region | None, image: torch.Tensor) -> None:
    if region is None or region.mask is None:
        return
    if region.mask.numel() != image.numel() or region.mask.shape[-2:] != image.shape[-2:]:
        raise ValueError(
            f"region: a mask must have the film's shape {tuple(image.shape[-2:])}, got {tuple(region.mask.shape)}; "
            "resize it together with the film (nearest neighbour)"
        )


def _bright_is_dense(header: Header, sign: float) -> Header:
    return header if sign > 0 else replace(header, low=-header.high, high=-header.low)


def _film(image: torch.Tensor, header: Header, anatomy: torch.Tensor, key: bytes) -> Film:
    spacing, source = header.spacing, header.spacing_source
    if spacing is not None and header.axes.startswith("WH"):
        spacing = (spacing[1], spacing[0])
    if spacing is not None and not _plausible(spacing, anatomy):
        spacing = None
    if spacing is None:
        spacing = estimate_spacing(anatomy, header.age)
        source = "estimated" if spacing else "unknown"
    finite = bool(torch.isfinite(image.sum()))
    unit = ContrastUnit(*[float("nan")] * 4)
    if finite:
        unit = MEMORY.recall((key, "unit"), lambda: contrast_unit(image, anatomy))
    return Film(image, replace(header, spacing_source=source), unit, spacing)


def _plausible(spacing: tuple[float, float], anatomy: torch.Tensor) -> bool:
    """Whether the lungs' width in millimetres is that of a person, from a newborn to the largest adult."""
    columns = torch.nonzero(anatomy[:2].amax((0, 1))).flatten()
    if not len(columns):
        return True
    low, high = THORAX_MM
    return low <= float(columns.max() - columns.min() + 1) * spacing[1] <= high


def _attempts(
    film: Film,
    anatomy: torch.Tensor,
    edit: Edit,
    editor: Editor,
    gate: Gate,
    segmenter: Segmenter | None,
    max_attempts: int,
    key: bytes,
) -> tuple[dict[str, Any], Composite | None, Proposal | None]:
    """Run the loop; the composite and the proposal are None when it abstains."""
    record = edit_record(film, edit, editor)
    if not film.unit.share >= LEAST_CONTRAST:  # also when it is not a number
        reason = f"contrast unit is {film.unit.share:.1%} of the film's P1-P99 range, {LEAST_CONTRAST:.0%} are needed"
        return {**record, "reason": reason}, None, None
    devices = devices_of(film, anatomy, key)
    seen = film if edit.finding == DEVICES else without_devices(film, devices, key)
    last: Proposal | None = None
    for attempt in range(max_attempts):
        generator = torch.Generator().manual_seed(
            film_seed(edit.seed, film.header.sha256, f"{edit.operation} {edit.finding}", attempt)
        )
        try:
            proposal = protect(editor.propose(seen, anatomy, edit, generator), devices)
            if edit.finding != DEVICES:  # tubes and wires are as thin as crumbs, and drawn exactly
                proposal = clean_lesion(proposal, devices.mm * devices.factor)
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
        context = replace(_context(film, anatomy, edit, proposal, composite, segmenter), devices=devices)
        verdict = gate(film.image, composite.image, context)
        record = fill_record(record, edit, proposal, composite.clipped_share, context.measured, verdict)
        if verdict.accepted:
            return record, composite, proposal
    return record, None, None


def _same(one: Proposal, other: Proposal) -> bool:
    return one.box == other.box and torch.equal(one.residual, other.residual)


def _context(
    film: Film,
    anatomy: torch.Tensor,
    edit: Edit,
    proposal: Proposal,
    composite: Composite,
    segmenter: Segmenter | None,
) -> Context:
    measured = None
    if edit.operation != "sham":
        measured = measure(
            edit.finding,
            film.image,
            composite.image,
            anatomy,
            unit=film.unit,
            spacing=film.spacing,
            operation=edit.operation,
        )
    return Context(
        edit=edit,
        anatomy=anatomy,
        unit=film.unit,
        spacing=film.spacing,
        box=proposal.box,
        lesion=proposal.lesion,
        support=proposal.support,
        asked=proposal.asked,
        measured=measured,
        segmenter=segmenter,
        source=film.header.sha256,
    )


def _full(mask: torch.Tensor, box: Box, plain: torch.Tensor, upright: torch.Tensor) -> torch.Tensor:
    full = torch.zeros(upright.shape, dtype=torch.uint8, device=plain.device)
    full[0][box.slices] = mask.to(device=plain.device, dtype=torch.uint8)
    return full


def _turned(region: Region, axes: str, like: torch.Tensor) -> Region:
    """The region in upright axes: a box or point is drawn, turned with the film and read off again."""
    if axes == "HW":
        return region
    if region.mask is not None:
        return Region(mask=to_standard(region.mask.reshape(like.shape), axes)[0])
    y, x = region.point or (0.0, 0.0)
    box = region.box or (y, x, y + 1, x + 1)
    drawn = torch.zeros(like.shape, dtype=torch.bool)
    y0, x0, y1, x1 = (max(int(edge), 0) for edge in (box[0], box[1], math.ceil(box[2]), math.ceil(box[3])))
    drawn[0, y0:y1, x0:x1] = True
    rows, columns = torch.nonzero(to_standard(drawn, axes)[0], as_tuple=True)
    if not len(rows):
        return Region(point=(-1.0, -1.0))  # outside the film in any axes: the editor says so
    corner = (float(rows.min()), float(columns.min()))
    if region.point is not None:
        return Region(point=corner)
    return Region(box=(*corner, float(rows.max()) + 1, float(columns.max()) + 1))
