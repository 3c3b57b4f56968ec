"""The last line of a chain: an edited film that does not hold goes back to what it was."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends

from monai_cars.edits.record import dump_record, read_record
from monai_cars.gates import Gate
from monai_cars.gates.judges import recorded_data, require_independent
from monai_cars.loop.edit_loop import EditLoop
from monai_cars.loop.judge_chain import GateFor, Judged, judge_chain, upright_chain
from monai_cars.loop.keys import EditKeys, Sample
from monai_cars.loop.one_film import require_one_film
from monai_cars.loop.state import current_header, like, one_channel, plain_tensor
from monai_cars.modality import DEFAULT_ORGAN, Segmenter, modality_of, shared_modality
from monai_cars.networks.precision import single_precision

OnFail = Literal["restore", "flag", "raise"]


class ValidityGate(Transform):
    """Judge a film after all its edits against the film before them; no retries.

    Args:
        gate: "cheap", "full" (segments the film again), a Gate for all edits, or (finding, operation) -> Gate.
        segmenter: as for `monai_cars.loop.edit_loop.EditLoop`.
        device: where a named segmenter runs.
        strict: refuse a gate whose models were trained on what an edit's editor was trained on, instead of warning.

    Example:
        >>> ValidityGate("cheap").gate
        'cheap'
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - as MONAI declares it

    def __init__(
        self,
        gate: str | Gate | GateFor = "cheap",
        *,
        segmenter: str | Segmenter | None = None,
        device: str | None = None,
        strict: bool = False,
    ) -> None:
        self.gate = gate
        self.strict = strict
        self.segmenter, self.device = segmenter, device
        self.loop = self._loop(DEFAULT_ORGAN)

    @single_precision()
    def __call__(  # type: ignore[override] # MONAI's array transforms take one image, a judge needs two
        self,
        before: torch.Tensor,
        after: torch.Tensor,
        anatomy: torch.Tensor | None,
        support: torch.Tensor,
        edits: list[dict[str, Any]],
        header: str | None = None,
    ) -> Judged:
        """Judge `after` against `before`, both (1 or 3, H, W), with the record's `edits` and, if known, its header."""
        film = one_channel(before)
        loop = self._loop_of(edits)
        masks = loop.masks(film, anatomy)
        chain = upright_chain(
            loop.modality,
            plain_tensor(film).detach().cpu(),
            plain_tensor(one_channel(after)).detach().cpu(),
            masks,
            plain_tensor(support).cpu(),
            header=current_header(film, masks, header, loop.modality),
            segmenter=None if loop.segmenter is None else loop.loaded_segmenter(before.device),
        )
        for edit in (edit for edit in edits if edit["accepted"]):
            gate, data = self._gate_for(edit["finding"], edit["operation"]), recorded_data(edit, strict=self.strict)
            require_independent(gate, data, strict=self.strict, editor=f"the editor {edit['editor']!r}")
        return judge_chain(chain, edits, self._gate_for)

    def _loop_of(self, edits: Sequence[Mapping[str, Any]]) -> EditLoop:
        """The loop of the organ that the edits are of."""
        organ = shared_modality(edit["finding"] for edit in edits).name if edits else self.loop.organ
        return self.loop if organ == self.loop.organ else self._loop(organ)

    def _loop(self, organ: str) -> EditLoop:
        profile = self.gate if isinstance(self.gate, str) else None
        return EditLoop(organ=organ, gate=profile, segmenter=self.segmenter, device=self.device)

    def _gate_for(self, finding: str, operation: str) -> Gate:
        if isinstance(self.gate, Gate):
            return self.gate
        if isinstance(self.gate, str):
            return modality_of(finding).gate(operation, finding, self.gate)
        return self.gate(finding, operation)


class ValidityGated(MapTransform):
    """Dictionary form of `ValidityGate`: judges what the edits before it left, and removes their `..._before` keys.

    Put it right behind the edits: before intensity transforms and before spatial ones, which move what it compares.

    Args:
        keys: key of the film.
        gate: see `ValidityGate`, as are `segmenter`, `device` and `strict`.
        on_fail: "restore" image, labels and masks together; "flag" in the record only; or "raise".
        anatomy_key: as the edits before it, as are `lesion_key`, `support_key` and `record_key`; the labels' key is
            in the record.
        allow_missing_keys: pass samples without the film on as they are.
        allow_unedited: where no edit came before (it was turned off), leave an empty record and empty masks; else that
            is an error, since the gate may stand in the wrong place.

    Raises:
        ValueError: more than one key, another `on_fail`; in use, a film that was moved or rescaled since it was
            edited, or, with "raise", one that does not hold.
        KeyError: in use, no edit came before, or it had keep_before=False.

    Example:
        >>> ValidityGated("image", on_fail="flag").on_fail
        'flag'
    """

    backend = ValidityGate.backend

    def __init__(
        self,
        keys: KeysCollection,
        gate: str | Gate | GateFor = "cheap",
        *,
        segmenter: str | Segmenter | None = None,
        device: str | None = None,
        strict: bool = False,
        on_fail: OnFail = "restore",
        anatomy_key: Hashable = "anatomy",
        lesion_key: Hashable = "lesion",
        support_key: Hashable = "support",
        record_key: Hashable = "counterfactual",
        allow_missing_keys: bool = False,
        allow_unedited: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"ValidityGated judges one film: give one key (got {self.keys}).")
        if on_fail not in ("restore", "flag", "raise"):
            raise ValueError(f"on_fail must be restore, flag or raise (got {on_fail!r}).")
        self.names = EditKeys(self.keys[0], anatomy_key, lesion_key, support_key, record_key)
        self.validity_gate = ValidityGate(gate, segmenter=segmenter, device=device, strict=strict)
        self.on_fail = on_fail
        self.allow_unedited = allow_unedited

    def __call__(self, data: Mapping[Hashable, Any]) -> Sample:
        """Judge the sample's film, restore it where it does not hold."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            sample = self._gated(sample, key)
        return sample

    def _gated(self, sample: Sample, key: Hashable) -> Sample:
        names = self.names
        if self.allow_unedited and names.before(key) not in sample and names.record not in sample:
            sample = names.start(sample)
        if names.before(key) not in sample or names.record not in sample:
            raise KeyError(
                f"ValidityGated found no {names.before(key)!r} and {names.record!r} in the sample: put it behind an "
                "edit such as InsertFindingd that has keep_before=True and the same record_key, or give it "
                "allow_unedited=True where the edits may be turned off."
            )
        record = read_record(sample[names.record])
        require_one_film(sample, key, record, str(names.record))
        before, after = sample[names.before(key)], sample[key]
        _refuse_moved(before, after, sample[names.support], names.before(key))
        judged = Judged(True, "", ())
        if any(edit["accepted"] for edit in record["edits"]):
            anatomy = sample.get(names.before(names.anatomy), sample.get(names.anatomy))
            header = names.header(sample)
            judged = self.validity_gate(before, after, anatomy, sample[names.support], record["edits"], header)
        if not judged.accepted and self.on_fail == "raise":
            raise ValueError(f"the edits of this film do not hold: {judged.reason}.")
        record["gate"] = {
            "accepted": judged.accepted,
            "reason": judged.reason,
            "checks": list(judged.checks),
            "judges": list(judged.judges),
        }
        if not judged.accepted and self.on_fail == "restore":
            sample = self._restored(sample, record)
        sample = {**sample, names.record: dump_record(record)}
        befores = [names.before(name) for name in (key, names.anatomy, *_labels(record))]
        return {name: value for name, value in sample.items() if name not in befores}

    def _restored(self, sample: Sample, record: dict[str, Any]) -> Sample:
        names = self.names
        for edit in record["edits"]:
            if edit["accepted"]:
                edit.update(accepted=False, reason=f"validity gate: {record['gate']['reason']}")
        sample = dict(sample)
        for name in (names.image, names.anatomy, *_labels(record)):
            if names.before(name) in sample:
                sample[name] = sample[names.before(name)]
        for name in (names.lesion, names.support):
            sample[name] = like(torch.zeros_like(plain_tensor(sample[name])), sample[name], history=True)
        return sample


def _labels(record: Mapping[str, Any]) -> tuple[Any, Any]:
    """Keys of the labels that the edits kept in step, None where there are none."""
    return record.get("findings_key"), record.get("label_key")


def _refuse_moved(before: torch.Tensor, after: torch.Tensor, support: torch.Tensor, name: str) -> None:
    if before.shape != after.shape or _operations(before) != _operations(after):
        raise ValueError(
            f"the film was moved since it was edited ({tuple(before.shape)} before, {tuple(after.shape)} now): put the "
            f"gate before spatial transforms, right behind the edits, or give those the key {name!r} too."
        )
    outside = plain_tensor(support)[:1] == 0
    changed = (plain_tensor(before)[:1] != plain_tensor(after)[:1]) & outside
    if changed.sum() > 0.5 * outside.sum():
        raise ValueError(
            "the film's values changed everywhere since it was edited: put the gate before intensity transforms, right "
            "behind the edits."
        )


def _operations(image: torch.Tensor) -> list[Any]:
    """Spatial transforms that MONAI traced on the image."""
    if not isinstance(image, MetaTensor):
        return []
    return [operation.get("id") for operation in (*image.applied_operations, *image.pending_operations)]


ValidityGateD = ValidityGateDict = ValidityGated
