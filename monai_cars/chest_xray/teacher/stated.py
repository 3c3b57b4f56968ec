"""What the bundle of a teacher's weights states of its probabilities: what they are worth, out of fold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from monai_cars.weights import records
from monai_cars.weights.records import WeightsRecord

STATED = "configs/{name}.json"
"""Place in the bundle of what was measured of weights, out of fold."""


@dataclass(frozen=True)
class Stated:
    """What was measured of a teacher on patients that the network had not seen.

    Args:
        temperature: divides the logit, by finding; 1 where not stated.
        auroc: out-of-fold area under the ROC curve, by finding.
    """

    temperature: Mapping[str, float] = field(default_factory=dict)
    auroc: Mapping[str, float] = field(default_factory=dict)


def read_stated(record: WeightsRecord) -> Stated:
    """What the bundle of some weights states of them; nothing for a file of the user's own.

    Example:
        >>> read_stated(WeightsRecord("mine", "", "mine.safetensors", "", "", "")).auroc
        {}
    """
    for place in records.PLACES if record.bundle else ():
        path = place / record.bundle / STATED.format(name=record.name)
        if path.is_file():
            found = json.loads(path.read_text(encoding="utf-8"))
            return Stated(found["temperature"], found["auroc"])
    return Stated()
