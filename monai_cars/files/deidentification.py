"""What a written film keeps of its source's identity: nothing, unless it is asked for.

DICOM films follow the Basic Application Level Confidentiality Profile of PS3.15, annex E, by an allow list
(`monai_cars.files.dicom_kept`): what is not on it does not get into the file.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom

from monai_cars.echo import cause, echo
from monai_cars.files.dicom_rules import value
from monai_cars.files.header import RadiographError
from monai_cars.files.identity import patient, uid

RETAINABLE = {
    "characteristics": ("113108", "Retain Patient Characteristics Option"),
    "source": ("113110", "Retain UIDs Option"),
}
"""What may be kept -> the code of the profile's option."""
PROFILE = ("113100", "Basic Application Confidentiality Profile")
LEAST_KEY = 16
"""Characters of a key in a file."""


@dataclass(frozen=True)
class Deidentification:
    """How the identity of a written film follows from its source's.

    Args:
        retain: of "characteristics" (sex, and age up to 90 years) and "source" (the source's own SOP Instance UID in
            the source image sequence). Nothing by default, as the basic profile has it.
        key: a secret. With it films of one patient, study and series stay together: their new identifiers are keyed
            hashes (HMAC-SHA256) of the old ones, the same for the same key. Without it every film stands alone, and its
            identifiers follow from the bytes of its file.

    Raises:
        RadiographError: something to retain that is none of these.

    Example:
        >>> Deidentification().retain, Deidentification(retain=("characteristics",)).codes()[-1]
        ((), ('113108', 'Retain Patient Characteristics Option'))
    """

    retain: tuple[str, ...] = ()
    key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not _is_list(self.retain) or not isinstance(self.key, str):
            raise RadiographError(f"retain must be a list of words and the key a text (got {echo(self.retain)})")
        for name in self.retain:
            if not isinstance(name, str) or name not in RETAINABLE:
                raise RadiographError(f"retain may hold {' and '.join(RETAINABLE)} (got {echo(name)}); leave it out")
        object.__setattr__(self, "retain", tuple(sorted(set(self.retain))))

    def codes(self) -> list[tuple[str, str]]:
        """Code and meaning of the profile and of each option that was taken."""
        return [PROFILE, *(RETAINABLE[name] for name in self.retain)]

    def uids(
        self, source: pydicom.Dataset, sha256: str, plan: Mapping[str, Any] | None, edits: list[dict[str, Any]]
    ) -> tuple[str, str, str]:
        """The new study, series and instance UID of a film."""
        instance = self._uid("instance", [plan, sha256, edits]) if self.key else uid(plan, sha256, edits, "instance")
        study, series = value(source, "StudyInstanceUID"), value(source, "SeriesInstanceUID")
        return (
            self._uid("study", [str(study)]) if self.key and study else uid(plan, sha256, edits, "study"),
            # A derived image never lies in its source's series: the run is part of the name.
            self._uid("series", [str(series), plan]) if self.key and series else uid(plan, sha256, edits, "series"),
            instance,
        )

    def patient(self, source: pydicom.Dataset, sha256: str) -> str:
        """The new PatientID."""
        known = str(value(source, "PatientID") or "").strip()
        if not (self.key and known):
            return patient(sha256)
        return f"SYNTH-{self._digest('patient', [known]).hex()[:16].upper()}"

    def source_uid(self, source: pydicom.Dataset, sha256: str) -> str:
        """What the film says its source is: its own UID where that is retained, else one that follows from it."""
        known = str(value(source, "SOPInstanceUID") or "")
        if "source" in self.retain and pydicom.uid.UID(known).is_valid:
            return known
        return self._uid("source", [known or sha256]) if self.key else uid(None, sha256, None, "source")

    def _uid(self, role: str, parts: list[Any]) -> str:
        return f"2.25.{int.from_bytes(self._digest(role, parts)[:16], 'big')}"

    def _digest(self, role: str, parts: list[Any]) -> bytes:
        said = json.dumps([role, *parts], sort_keys=True, separators=(",", ":"), default=str).encode()
        return hmac.new(self.key.encode("utf-8", "surrogatepass"), said, hashlib.sha256).digest()


def deidentification_of(retain: Sequence[str], key_file: str | os.PathLike[str] | None) -> Deidentification:
    """What a run was told, with its key read from a file: a command line can be read by others.

    Args:
        retain: see `Deidentification`.
        key_file: text file that holds the key; None for no key.

    Raises:
        RadiographError: something to retain that there is not, or a key file that is not there, empty or unreadable.
    """
    key = ""
    if key_file is not None:
        try:
            key = Path(key_file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise RadiographError(
                f"{os.fspath(key_file)}: the file of the key must be a text file that can be read (got {cause(error)})"
            ) from error
        if len(key) < LEAST_KEY:
            raise RadiographError(
                f"{os.fspath(key_file)}: the key must have at least {LEAST_KEY} characters (got {len(key)}); a short "
                'one can be guessed: write one with python -c "import secrets; print(secrets.token_hex())"'
            )
    if not _is_list(retain):
        raise RadiographError(f"retain must be a list of words (got {echo(retain)})")
    return Deidentification(retain=tuple(retain), key=key)


def _is_list(retain: object) -> bool:
    return isinstance(retain, Iterable) and not isinstance(retain, (str, bytes, Mapping))
