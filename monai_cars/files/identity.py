"""Who a written film is: identifiers and dates that follow from what was done, never from the clock or from chance."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from monai_cars.echo import echo
from monai_cars.files.header import RadiographError

WARNING = "SYNTHETIC - NOT FOR DIAGNOSIS"


def edits_of(record: Mapping[str, Any] | str | None) -> list[dict[str, Any]]:
    """Return the edits of a record: one edit, ``{"edits": [...]}``, or the JSON string of either.

    Raises:
        RadiographError: when the record is none of these.
    """
    if record is None:
        return []
    try:
        found = json.loads(record) if isinstance(record, str) else record
        edits = found.get("edits", [found])
        return [dict(edit) for edit in edits]
    except (TypeError, ValueError, AttributeError) as error:
        raise RadiographError(
            f'record must be an edit, {{"edits": [...]}} or the JSON of either (got {echo(str(record))}); '
            "give the value of the 'counterfactual' key"
        ) from error


def digest(*parts: Any) -> bytes:
    """SHA-256 over the canonical JSON of the parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str).encode()).digest()


def uid(plan: Any, source_sha256: str, record: Any, role: str) -> str:
    """Return ``2.25.<128 bits>`` from what was done; the same run gives the same UID.

    Args:
        plan: the run plan, JSON-safe.
        source_sha256: of the source file.
        record: the edits.
        role: "study", "series" or "instance".

    Example:
        >>> uid(None, "ab", [], "study") == uid(None, "ab", [], "study") != uid(None, "ab", [], "series")
        True
    """
    return f"2.25.{int.from_bytes(digest(plan, source_sha256, _done(record), role)[:16], 'big')}"


def _done(record: Any) -> Any:
    """The record without what is known of the film's sides: that was not done to it."""
    if not isinstance(record, list):
        return record
    return [{key: value for key, value in edit.items() if key != "laterality"} for edit in record]


def patient(source_sha256: str) -> str:
    """Return a PatientID that tells nothing but that it is synthetic and which file it comes from."""
    # From the file's hash, not from the original PatientID: short identifiers can be guessed back from a hash.
    return f"SYNTH-{digest('patient', source_sha256).hex()[:16].upper()}"


def created(plan: Mapping[str, Any] | None) -> datetime | None:
    """Return the plan's ``created`` time, None when the plan has none.

    Raises:
        RadiographError: when it is no ISO 8601 time.
    """
    stated = (plan or {}).get("created")
    try:
        return None if stated is None else datetime.fromisoformat(str(stated))
    except ValueError as error:
        raise RadiographError(
            f"plan['created'] must be an ISO 8601 time (got {echo(stated)}); write it like 2026-01-31T12:00:00"
        ) from error


def summary(edits: list[dict[str, Any]]) -> str:
    """Return the edits in words, for people."""
    said = (
        " ".join(str(edit[key]) for key in ("operation", "finding", "side", "zone") if edit.get(key)) for edit in edits
    )
    return "; ".join(said) or "no edit"
