"""Acceptance while a model trains: what the edits of a chain let through, epoch by epoch, as an Ignite handler."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monai.utils import min_version, optional_import

from monai_cars.edits.record import read_record
from monai_cars.evaluation.acceptance import Key, acceptance_by

Events, HAS_IGNITE = optional_import("ignite.engine", "0.4.11", min_version, "Events")
if TYPE_CHECKING:
    from ignite.engine import Engine
else:
    Engine, _ = optional_import("ignite.engine", "0.4.11", min_version, "Engine")


class AcceptanceLog:
    """Count accepted and abstained edits of every batch, and state their rates at the end of an epoch.

    The rates go into `engine.state.metrics` ("acceptance", and "acceptance/<group>" for each group), where MONAI's
    handlers for TensorBoard, MLflow and CSV find them, and as one line an epoch to the logger. An edit that stops being
    accepted for one group of patients (bedside films, the old) is a selection that training would not notice.

    Args:
        record_key: entry of the batch that holds the records, JSON strings.
        by: what to group by, as in `monai_cars.evaluation.acceptance.acceptance_by`.
        with_keys: entries of the batch, such as "view" or "sex", that each sample's edits are given to be grouped by.
        name: of the logger.

    Raises:
        RuntimeError: Ignite is not installed.
        KeyError: in use, a batch without the record.

    Example:
        >>> log = AcceptanceLog(by=["finding", "view"], with_keys=["view"])
        >>> log.count({"counterfactual": ['{"edits": []}'], "view": ["PA"]})
        0
    """

    def __init__(
        self,
        record_key: Hashable = "counterfactual",
        *,
        by: str | Key | Sequence[str | Key] = "finding",
        with_keys: Sequence[Hashable] = (),
        name: str = "acceptance",
    ) -> None:
        if not HAS_IGNITE:
            raise RuntimeError("AcceptanceLog needs Ignite; pip install 'monai-cars[bundle]'")
        self.record_key = record_key
        self.by = by
        self.with_keys = tuple(with_keys)
        self.logger = logging.getLogger(name)
        self.edits: list[dict[str, Any]] = []

    def attach(self, engine: Engine) -> None:
        """Count after every iteration of an engine, state the rates after every epoch."""
        engine.add_event_handler(Events.EPOCH_STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: self.count(engine.state.batch))
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.state)

    def start(self, engine: Engine) -> None:
        """Forget the last epoch."""
        self.edits = []

    def count(self, batch: Mapping[Hashable, Any] | Iterable[Mapping[Hashable, Any]]) -> int:
        """Add the edits of a batch, collated or a list of samples; returns how many there are by now."""
        for sample in self._samples(batch):
            known = {str(key): sample[key] for key in self.with_keys}
            self.edits += [{**known, **edit} for edit in read_record(sample[self.record_key])["edits"]]
        return len(self.edits)

    def state(self, engine: Engine) -> None:
        """Write the rates of the epoch."""
        if not self.edits:
            return
        (overall,) = acceptance_by(self.edits, ())
        rates = {"acceptance": overall.rate}
        for found in acceptance_by(self.edits, self.by):
            rates["acceptance/" + "/".join(map(str, found.group))] = found.rate
        engine.state.metrics.update(rates)
        text = ", ".join(f"{name.partition('/')[2] or 'all'} {rate:.0%}" for name, rate in rates.items())
        self.logger.info(f"epoch {engine.state.epoch}: {len(self.edits)} edits, accepted: {text}")

    def _samples(self, batch: Mapping[Hashable, Any] | Iterable[Mapping[Hashable, Any]]) -> list[dict[Hashable, Any]]:
        if not isinstance(batch, Mapping):
            return [sample for one in batch for sample in self._samples({key: [value] for key, value in one.items()})]
        missing = [key for key in (self.record_key, *self.with_keys) if key not in batch]
        if missing:
            raise KeyError(
                f"the batch has no entry {missing[0]!r} (it has {', '.join(map(str, batch))}); name the edits' record "
                "with record_key=, and groups with with_keys="
            )
        columns = {key: list(batch[key]) for key in (self.record_key, *self.with_keys)}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
