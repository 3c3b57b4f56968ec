"""What a run calls its films: apart where a datalist holds one twice, and by pseudonyms where names may not be told."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from monai_cars.edits.record import dump_record
from monai_cars.files.atomic import cannot_write
from monai_cars.synthesis.source import Source

KEPT, PSEUDONYMISED = "kept", "pseudonymised"
NAMES = (KEPT, PSEUDONYMISED)
_KEY = re.compile(r"[0-9a-f]{64}")


def told_apart(sources: Sequence[Source]) -> list[Source]:
    """The sources, each further item of a film marked by what it says: no two write the same files.

    An item's mark follows from the item, so it stays when others are added or removed; of items that say the same, each
    further one is counted. The first item of a film has no mark, and so the names that it always had.

    Args:
        sources: in the datalist's order.

    Returns:
        As many, in the same order.

    Example:
        >>> film = Source(Path("a.png"), "a.png")
        >>> marks = [each.item for each in told_apart([film, replace(film, spacing=(0.2, 0.2)), film])]
        >>> marks[0], len(set(marks))
        ('', 3)
    """
    found: list[Source] = []
    taken: set[tuple[str, str]] = set()
    for source in sources:
        item = "" if (source.name, "") not in taken else _mark(source)
        count = 1
        while (source.name, item) in taken:
            count += 1
            item = f"{_mark(source)} {count}"
        taken.add((source.name, item))
        found.append(replace(source, item=item))
    return found


def _mark(source: Source) -> str:
    said = {name: value for name, value in asdict(source).items() if name not in ("path", "item", "hides")}
    said["findings"] = repr(said["findings"])  # a vector may hold NaN
    return hashlib.sha256(dump_record(said).encode()).hexdigest()[:12]


def pseudonym(text: str, key: str, *, of: str = "film") -> str:
    """What stands for a name: nobody without the key can find out for what, and with it everybody can.

    Args:
        text: the film's name in its folder or datalist, or the patient's identifier.
        key: 64 hexadecimal digits, as the key file holds them.
        of: "film" or "patient".

    Example:
        >>> pseudonym("DOE_JANE/1.dcm", 64 * "0")
        'N-fc012c61c590b6e9'
    """
    letter = {"film": "N", "patient": "P"}[of]
    digest = hmac.new(bytes.fromhex(key), f"{of}\0{text}".encode("utf-8", "backslashreplace"), hashlib.sha256)
    return f"{letter}-{digest.hexdigest()[:16]}"


def pseudonymised(sources: Sequence[Source], key: str) -> list[Source]:
    """The sources under pseudonyms; what their names were is kept for cutting it out of messages only."""
    return [
        replace(source, name=pseudonym(source.name, key), hides=(str(source.path), source.name, source.path.name))
        for source in sources
    ]


def fingerprint(key: str) -> str:
    """What tells one key from another and nothing of either."""
    return pseudonym("fingerprint of the key", key)[2:]


def read_key(path: Path) -> str | None:
    """The key that a file holds; None where there is no such file yet.

    Raises:
        ValueError: a file that holds no key.
    """
    if not path.exists():
        return None
    if path.is_file() and path.stat().st_size <= 80:
        key = path.read_text(encoding="ascii", errors="replace").strip()
        if _KEY.fullmatch(key):
            return key
    raise ValueError(
        f"names_key {str(path)!r} must be a file of 64 hexadecimal digits, or a new one, got another; name a file that "
        "does not exist, and a key is made there"
    )


def new_key() -> str:
    """A key of 256 random bits."""
    return secrets.token_hex(32)


def keep_key(path: Path, key: str) -> None:
    """Write a new key file that only its owner can read.

    Raises:
        CannotWriteError: it cannot be written there, or somebody else wrote one in the meantime.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as stream:
            stream.write(key + "\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise cannot_write(f"names_key {str(path)!r}", error) from error
