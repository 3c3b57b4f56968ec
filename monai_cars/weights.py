"""Pinned weights: a frozen record of each file, found in the checkout or the wheel, checked, read as safetensors."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load

PACKAGE = Path(__file__).resolve().parent
PLACES = (PACKAGE.parent / "bundles", PACKAGE / "_bundles")
"""Where bundles lie: beside the package in a checkout, inside it in a wheel."""


class WeightsError(RuntimeError):
    """Weights that are unknown, missing or not the ones recorded."""


@dataclass(frozen=True)
class WeightsRecord:
    """What is known of one file of weights.

    Args:
        name: how code asks for it.
        bundle: folder of the bundle that ships it.
        file: its place in the bundle.
        sha256: of the file's bytes.
        licence: terms of the weights.
        trained_on: what they have seen.
        repo_id: repository on the Hub; empty until published.
        revision: commit there; empty until published.
    """

    name: str
    bundle: str
    file: str
    sha256: str
    licence: str
    trained_on: str
    repo_id: str = ""
    revision: str = ""


RECORDS = {
    record.name: record
    for record in (
        WeightsRecord(
            name="cars_anatomy",
            bundle="cars_chest_xray",
            file="models/cars_anatomy.safetensors",
            sha256="99df112e8fd44d8ac39881a6f0905985016087a782a08a03760d967c315d742b",
            licence="Apache-2.0",
            trained_on="83 V7 Labs lung masks on CC BY films; engineer-drawn contours on NIH and Hannover films",
        ),
        WeightsRecord(
            name="cars_orientation",
            bundle="cars_chest_xray",
            file="models/cars_orientation.safetensors",
            sha256="05a8be3facdfc7148dfcd5302afe23bcf3df335239befcded61068222f71148f",
            licence="Apache-2.0",
            trained_on="1,256 frontal films of NIH ChestX-ray14, Hannover and the Cohen collection, without labels",
        ),
    )
}


def load_record(name: str) -> WeightsRecord:
    """The record of some weights.

    Raises:
        WeightsError: the name is unknown.

    Example:
        >>> load_record("cars_anatomy").bundle
        'cars_chest_xray'
    """
    if name not in RECORDS:
        raise WeightsError(f"no weights are named {name!r}; known are {', '.join(sorted(RECORDS))}")
    return RECORDS[name]


def find_weights(record: WeightsRecord) -> Path:
    """The shipped file of a record.

    Raises:
        WeightsError: it is in none of the places.
    """
    candidates = [place / record.bundle / record.file for place in PLACES]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise WeightsError(
        f"the weights {record.name!r} were looked for at {' and '.join(map(str, candidates))} and not found; "
        "install monai-cars again, or check the bundles folder out"
    )


def read_weights(record: WeightsRecord) -> dict[str, torch.Tensor]:
    """Read and check the file of a record; half precision is widened to float32.

    Raises:
        WeightsError: the file is missing, or its SHA-256 is not the recorded one.
    """
    path = find_weights(record)
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != record.sha256:
        raise WeightsError(
            f"{path} must have the SHA-256 {record.sha256} recorded for {record.name!r} (got {found}); restore the file"
        )
    return {key: value.float() if value.dtype == torch.float16 else value for key, value in load(content).items()}


@lru_cache(maxsize=8)
def load_state(name: str) -> dict[str, torch.Tensor]:
    """State dict of some weights by name, read once a process. Do not change it in place.

    Raises:
        WeightsError: unknown name, missing or altered file.
    """
    return read_weights(load_record(name))
