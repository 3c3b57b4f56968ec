"""The severity that was measured on an edited film, as a target for regression."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends

from monai_cars.echo import echo
from monai_cars.edits.edit import SEVERITY
from monai_cars.edits.record import read_record
from monai_cars.findings.severity import canonical
from monai_cars.loop.keys import Sample, entry


class MeasuredSeverity(Transform):
    """The measured severity of a finding, read from a film's record.

    Args:
        finding: whose severity; None takes any.

    Raises:
        ValueError: an unknown finding.

    Example:
        >>> MeasuredSeverity("effusion")('{"edits": []}')
        (nan, nan)
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - as MONAI declares it

    def __init__(self, finding: str | None = None) -> None:
        self.finding = None if finding is None else canonical(finding)
        if self.finding is not None and self.finding not in SEVERITY:
            raise ValueError(f"finding must be one of {', '.join(SEVERITY)} (got {echo(finding)}).")

    def __call__(self, record: str) -> tuple[float, float]:
        """Normalised severity and amount in the finding's unit of the last accepted insertion; NaN where there is none.

        The normalised one may lie somewhat outside [0, 1], as what is measured may differ from what was asked.
        """
        found = [
            edit["severity_measured"]
            for edit in read_record(record)["edits"]
            if edit["accepted"] and edit["operation"] == "insert" and self.finding in (None, edit["finding"])
        ]
        if not found or found[-1] is None:
            return math.nan, math.nan
        return float(found[-1]["normalised"]), float(found[-1]["value"])


class MeasuredSeverityd(MapTransform):
    """Dictionary form of `MeasuredSeverity`.

    It writes `severity` (normalised) and `severity_amount` (in the unit of the finding's scale), each a float32 scalar;
    NaN where nothing was inserted, so that `MaskedMSELoss` passes over such films.

    Args:
        keys: key of the record.
        finding: see `MeasuredSeverity`.
        severity_key: key to write; the amount goes to `<severity_key>_amount`.
        allow_missing_keys: write NaN where a sample has no record.

    Example:
        >>> MeasuredSeverityd(finding="effusion")({"counterfactual": '{"edits": []}'})["severity"]
        tensor(nan)
    """

    backend = MeasuredSeverity.backend

    def __init__(
        self,
        keys: KeysCollection = "counterfactual",
        finding: str | None = None,
        *,
        severity_key: Hashable = "severity",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"MeasuredSeverityd reads one record: give one key (got {self.keys}).")
        self.severity_key = severity_key
        self.measured = MeasuredSeverity(finding)

    def __call__(self, data: Mapping[Hashable, Any]) -> Sample:
        """The sample with the measured severity."""
        sample = dict(data)
        key = self.keys[0]
        if key not in sample and self.allow_missing_keys:
            severity = amount = math.nan
        else:
            severity, amount = self.measured(entry(sample, key, "keys"))
        sample[self.severity_key] = torch.tensor(severity, dtype=torch.float32)
        sample[f"{self.severity_key}_amount"] = torch.tensor(amount, dtype=torch.float32)
        return sample


MeasuredSeverityD = MeasuredSeverityDict = MeasuredSeverityd
