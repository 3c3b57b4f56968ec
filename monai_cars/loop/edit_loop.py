"""What all edit transforms share: the editor, the gate and the retry loop, applied to a film as a chain holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from monai.utils import convert_to_tensor

from monai_cars.editors import Editor
from monai_cars.edits.axes import Axes
from monai_cars.edits.edit import Edit
from monai_cars.edits.record import blank_record
from monai_cars.files.radiograph import Header
from monai_cars.gates import Gate
from monai_cars.loop.counterfactual import Counterfactual, make_counterfactual
from monai_cars.loop.segmentation import (
    laterality_of,
    lie_together,
    made_by,
    maker_of,
    named_by_masks,
    segmented,
    segmenter_on,
)
from monai_cars.loop.state import as_image, current_header, like, one_channel, plain_tensor
from monai_cars.modality import DEFAULT_ORGAN, PROFILES, Modality, Segmenter, modality_named
from monai_cars.networks.precision import single_precision
from monai_cars.weights import WeightsRecord, record_of

Earlier = Sequence[Mapping[str, Any]]


class EditLoop:
    """Propose, compose, gate, retry or abstain, on any film that a MONAI chain holds.

    It holds names, never weights: the segmenter is loaded once a process when it is first needed.

    Args:
        organ: name of the modality whose findings are edited.
        editor: proposes: "attenuation" (None), "stable_diffusion", "radedit", or an Editor of your own.
        weights: of a named diffusion editor: "owner/repo@commit" on the Hub, or a folder in diffusers' layout.
        gate: "cheap" (needs no network), "full" (segments the film again), or a Gate of your own.
        segmenter: None, weights ("cars_anatomy", "hub", or what `monai_cars.weights.record_of` takes), or any callable
            from (1, H, W) to (S, H, W) masks. It measures the anatomy after the edit (the full gate takes the organ's
            shipped weights when None) and segments films without masks. The record says `shared_model` where the masks
            that placed the edit are of the same segmenter; masks of which nobody says who made them are taken for
            those of the shipped one.
        device: where a named segmenter runs; None is the image's.
        max_attempts: proposals before abstaining, at least 1.
        strict: refuse a gate whose models were trained on what the editor was trained on, instead of warning.

    Raises:
        ValueError: an unknown gate profile, or max_attempts below 1.
    """

    def __init__(
        self,
        *,
        organ: str = DEFAULT_ORGAN,
        editor: str | Editor | None = None,
        weights: str | Path | None = None,
        gate: str | Gate | None = None,
        segmenter: str | Path | WeightsRecord | Segmenter | None = None,
        device: str | None = None,
        max_attempts: int = 4,
        strict: bool = False,
    ) -> None:
        if isinstance(gate, str) and gate not in PROFILES:
            raise ValueError(f"gate must be {' or '.join(PROFILES)}, or a Gate (got {gate!r}).")
        if max_attempts < 1:
            raise ValueError(f"max_attempts must be at least 1 (got {max_attempts}).")
        self.organ = organ
        self.editor = editor_of(self.modality, editor, weights)
        self.gate: str | Gate = gate or "cheap"
        self.segmenter = segmenter or (self.modality.weights if gate == "full" else None)
        self.device = device
        self.max_attempts = max_attempts
        self.strict = strict
        # In plain attributes, so that a cache keyed on the pickled transform notices other weights.
        named = self.segmenter
        self.segmenter_weights = None if named is None or callable(named) else record_of(named)
        self.weights_sha256 = self.segmenter_weights.sha256 if self.segmenter_weights else None
        self.weights_revision = self.segmenter_weights.revision if self.segmenter_weights else None

    @property
    def modality(self) -> Modality:
        """The organ whose findings are edited."""
        return modality_named(self.organ)

    @single_precision()
    def __call__(
        self,
        image: torch.Tensor,
        anatomy: torch.Tensor | None,
        edit: Edit,
        header: str | None = None,
        earlier: Earlier = (),
    ) -> Counterfactual:
        """Edit one film.

        Args:
            image: (1, H, W), or (3, H, W) with three equal channels, in any affine intensity scale and orientation.
            anatomy: (S, H, W) masks in the same axes; None segments the film with `segmenter`.
            edit: what is asked for, its region in the image's own axes.
            header: JSON of `<key>_header`, for an image that a cache has stripped of its metadata.
            earlier: entries of the record of edits that the image already carries.

        Returns:
            The counterfactual, its image like the one given (class, channels, dtype, device, metadata); lesion and
            support (1, H, W) uint8 with the image's metadata.

        Raises:
            ValueError: an image or masks of a shape that does not fit.
        """
        image = as_image(image)
        film = one_channel(image)
        if not bool(torch.isfinite(plain_tensor(film)).all()):
            return self.abstain(image, edit.operation, edit.finding, edit.seed, "the film holds NaN or infinity")
        result = self._run(film, anatomy, edit, header, earlier)
        written = result.image.to(image.device, image.dtype).expand(image.shape)
        return replace(
            result,
            image=like(written.contiguous(), image, history=True) if result.accepted else image,
            lesion=like(result.lesion.to(image.device), image),
            support=like(result.support.to(image.device), image),
        )

    def untouched(self, image: torch.Tensor) -> Counterfactual:
        """The film as it is, with zeros for masks and an empty record: nothing was asked for."""
        image = as_image(image)
        empty = torch.zeros((1, *image.shape[1:]), dtype=torch.uint8, device=image.device)
        return Counterfactual(image, like(empty, image), like(empty.clone(), image), {}, False)

    def abstain(self, image: torch.Tensor, operation: str, finding: str, seed: int, reason: str) -> Counterfactual:
        """The film as it is, with zeros for masks and a record that says why nothing was done."""
        record = blank_record(operation, finding, seed, reason=reason, editor=self.editor.name)
        return replace(self.untouched(image), record=record)

    def _run(
        self, film: torch.Tensor, anatomy: torch.Tensor | None, edit: Edit, text: str | None, earlier: Earlier
    ) -> Counterfactual:
        modality = self.modality
        placed = anatomy if anatomy is not None else self._segmented(film, text)
        masks = self.masks(film, placed)
        header = current_header(film, masks, text, modality)
        header = replace(header, laterality=self._laterality(film, placed, header, edit))
        gate = modality.gate(edit.operation, edit.finding, self.gate) if isinstance(self.gate, str) else self.gate
        return make_counterfactual(
            plain_tensor(film).detach().cpu().float(),
            masks,
            edit,
            header=header,
            editor=self.editor,
            gate=gate,
            segmenter=self.loaded_segmenter(film.device) if self.segmenter is not None else None,
            shared_model=self._shared(anatomy, header),
            max_attempts=self.max_attempts,
            earlier=earlier,
            strict=self.strict,
        )

    def _shared(self, anatomy: torch.Tensor | None, header: Header) -> bool | None:
        """Whether the masks are of the segmenter that measures; None where none measures, or nobody knows."""
        if self.segmenter is None:
            return None
        if anatomy is None:
            return True
        shipped = self.modality.weights
        places = made_by(anatomy, header.segmenter) or (maker_of(shipped) if shipped else None)
        return None if places is None else maker_of(self.segmenter_weights or self.segmenter) == places

    def _laterality(self, film: torch.Tensor, anatomy: torch.Tensor, header: Header, edit: Edit) -> str:
        """By whom the film's sides are known; looks at the film only where nobody says and the edit has a side."""
        said = laterality_of(anatomy, header)
        if said is not None or edit.side is None or film.ndim > 3:
            return said or "given"
        return named_by_masks(film, Axes.parse(header.axes).order, modality=self.modality)

    def masks(self, film: torch.Tensor, anatomy: torch.Tensor | None) -> torch.Tensor:
        """Masks (S, H, W) uint8 on the CPU: those given, else segmented anew.

        Raises:
            ValueError: masks that do not fit the film, or none and no segmenter.
        """
        anatomy = self._segmented(film) if anatomy is None else anatomy
        masks = plain_tensor(convert_to_tensor(anatomy, track_meta=False)).detach().cpu().to(torch.uint8)
        structures = self.modality.structures
        if masks.shape[1:] != film.shape[1:] or len(masks) < len(structures):
            raise ValueError(
                f"anatomy must have shape {(len(structures), *film.shape[1:])}, the image's with one mask each for "
                f"{', '.join(structures)} (got {tuple(masks.shape)}); give spatial transforms both keys, "
                "keys=['image', 'anatomy'], mode=['bilinear', 'nearest'], or put SegmentAnatomyd behind them."
            )
        if not lie_together(film, anatomy):
            raise ValueError(
                "anatomy must lie as its image does (got masks that were segmented before the image alone was flipped, "
                "turned or moved: their affines differ); give spatial transforms both keys, keys=['image', 'anatomy']."
            )
        return masks[: len(structures)]  # a segmenter may know more than the edits look at

    def _segmented(self, film: torch.Tensor, text: str | None = None) -> torch.Tensor:
        return segmented(film, self.loaded_segmenter(film.device), modality=self.modality, header=text)[0]

    def loaded_segmenter(self, device: torch.device) -> Segmenter:
        """The segmenter of this process.

        Raises:
            RuntimeError: it would start CUDA in a forked worker.
            ValueError: there is none.
        """
        if self.segmenter is None:
            raise ValueError(
                "There are no anatomy masks and no segmenter: put SegmentAnatomyd(keys='image', anatomy_key='anatomy') "
                "before the edit, or give the edit segmenter='cars_anatomy' or a callable of your own."
            )
        if callable(self.segmenter):
            return self.segmenter
        weights = self.segmenter_weights or record_of(self.segmenter)
        return segmenter_on(self.device or device, weights, self.modality)


def editor_of(modality: Modality, editor: str | Editor | None, weights: str | Path | None = None) -> Editor:
    """An editor of the user's own as it is, a named one from its organ.

    Raises:
        ValueError: no editor of that name, or weights for one that has its own.
    """
    if editor is None or isinstance(editor, str):
        return modality.editor(editor, weights)
    if weights is not None:
        raise ValueError(f"weights are for an editor given by name (got the editor {editor.name!r}, which has its own)")
    return editor
