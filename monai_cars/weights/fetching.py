"""Pinned weights: a recorded file from the checkout or the wheel, the Hub's cache or the Hub.

Every file is checked against its recorded SHA-256 each time it is read, and only safetensors are read.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from monai_cars.weights import records
from monai_cars.weights.hub import HubError, digest_like, drop, fetch_file, stated_digest
from monai_cars.weights.records import RECORDS, WeightsError, WeightsRecord, load_record, published, record_of

__all__ = [
    "RECORDS",
    "WeightsError",
    "WeightsRecord",
    "fetch",
    "find_weights",
    "load_record",
    "load_state",
    "read_weights",
    "record_of",
]


def find_weights(record: WeightsRecord) -> Path | None:
    """The shipped file of a record, or a file of the user's own; None where there is none."""
    if not record.bundle:
        own = Path(record.file)
        return own if own.is_absolute() and own.is_file() else None
    candidates = (place / record.bundle / record.file for place in records.PLACES)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def fetch(record: WeightsRecord, *, token: str | None = None) -> Path:
    """The checked file of a record: the shipped one, else the Hub's cache, else a download.

    Args:
        record: what to get; with `from_hub` the shipped file is passed over.
        token: for gated repositories; None takes `HF_TOKEN` or the token of `hf auth login`.

    Raises:
        WeightsError: it is nowhere, or its SHA-256 is not the recorded one. A file from the Hub that fails the check
            is taken out of the cache.

    Example:
        >>> fetch(load_record("cars_orientation")).name
        'cars_orientation.safetensors'
    """
    path, _ = _checked(record, token)
    return path


def _checked(record: WeightsRecord, token: str | None = None) -> tuple[Path, bytes]:
    path = None if record.from_hub else find_weights(record)
    if path is not None:
        content = path.read_bytes()
        _require(record, path, record.sha256, hashlib.sha256(content).hexdigest(), "restore the file")
        return path, content
    record = published(record)
    if not record.repo_id:
        places = " and ".join(str(place / record.bundle / record.file) for place in records.PLACES)
        raise WeightsError(
            f"the weights {record.name!r} were looked for at {places} and not found; install monai-cars again, or "
            "check the bundles folder out"
        )
    try:
        path = fetch_file(record.repo_id, record.file, record.revision, token=token)
    except HubError as error:
        raise WeightsError(f"the weights {record.name!r} did not come: {error}") from error
    content = path.read_bytes()
    expected = f"sha256:{record.sha256}" if record.sha256 else stated_digest(path)
    if expected is None:
        raise WeightsError(
            f"{record.name!r}: the Hub's cache on this system does not keep what the Hub states of a file; give its "
            "SHA-256 with #sha256=..."
        )
    found = digest_like(expected, content)
    if found != expected:
        drop(path)
        remedy = "it was taken out of the cache: try again, and if that fails too, do not use these weights"
        _require(record, path, expected, found, remedy)
    return path, content


def _require(record: WeightsRecord, path: Path, expected: str, found: str, remedy: str) -> None:
    if found != expected:
        raise WeightsError(
            f"{path} must have the SHA-256 {expected} recorded for {record.name!r} (got {found}); {remedy}"
        )


def read_weights(record: WeightsRecord) -> dict[str, torch.Tensor]:
    """Read and check the file of a record; half precision is widened to float32.

    Raises:
        WeightsError: the file is missing, its SHA-256 is not the recorded one, or it is no safetensors file.
    """
    path, content = _checked(record)
    try:
        state = load(content)
    except SafetensorError as error:
        raise WeightsError(f"{path} must be a safetensors file ({error}); pickled weights are not read") from error
    return {key: value.float() if value.dtype == torch.float16 else value for key, value in state.items()}


@lru_cache(maxsize=8)
def load_state(weights: str | WeightsRecord) -> dict[str, torch.Tensor]:
    """State dict of some weights, read once a process. Do not change it in place.

    Raises:
        WeightsError: unknown, missing or altered weights.
    """
    return read_weights(record_of(weights))
