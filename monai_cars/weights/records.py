"""Records of weights: what each file is, its hash, its terms, and what a user's `weights=` stands for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
PLACES = (PACKAGE.parent / "bundles", PACKAGE / "_bundles")
"""Where bundles lie: beside the package in a checkout, inside it in a wheel."""


class WeightsError(RuntimeError):
    """Weights that are unknown, missing or not the ones recorded."""


@dataclass(frozen=True)
class WeightsRecord:
    """What is known of one file of weights.

    Args:
        name: how code asks for it.
        bundle: folder of the bundle that ships it; empty for a file of the user's own.
        file: its place in the bundle and in the repository; of a file of the user's own its path.
        sha256: of the file's bytes; empty where only the Hub states what they are.
        licence: terms of the weights.
        trained_on: what they have seen.
        data: identifiers of the parts of data sets that they have seen, as `independent` compares them; empty when
            not stated.
        repo_id: repository on the Hub; empty until published.
        revision: commit there; empty until published.
        gated: the repository asks for its terms to be accepted, and for a token.
        from_hub: take the Hub's file even where a shipped one is at hand.
    """

    name: str
    bundle: str
    file: str
    sha256: str
    licence: str
    trained_on: str
    repo_id: str = ""
    revision: str = ""
    gated: bool = False
    from_hub: bool = False
    data: tuple[str, ...] = ()


SHIPPED = "configs/weights.json"
"""Place in a bundle of the records of the weights that it ships."""


def shipped(places: Sequence[Path]) -> dict[str, WeightsRecord]:
    """The records of all bundles that lie at some places; a bundle that lies at several is read at the first.

    Raises:
        WeightsError: two bundles ship weights of one name.
    """
    records: dict[str, WeightsRecord] = {}
    bundles: dict[str, Path] = {}
    for path in (path for place in places for path in sorted(place.glob(f"*/{SHIPPED}"))):
        bundles.setdefault(path.parents[1].name, path)
    for bundle, path in bundles.items():
        for entry in json.loads(path.read_text(encoding="utf-8"))["weights"]:
            record = WeightsRecord(bundle=bundle, **{**entry, "data": tuple(entry["data"])})
            if record.name in records:
                raise WeightsError(
                    f"weights named {record.name!r} are shipped by {records[record.name].bundle!r} and by {bundle!r}; "
                    "rename one of them"
                )
            records[record.name] = record
    return records


RECORDS = shipped(PLACES)
"""What the bundles ship, by name."""


def load_record(name: str) -> WeightsRecord:
    """The record of some weights.

    Raises:
        WeightsError: the name is unknown.

    Example:
        >>> all(load_record(name).name == name for name in RECORDS)
        True
    """
    if name not in RECORDS:
        raise WeightsError(f"no weights are named {name!r}; known are {', '.join(sorted(RECORDS))}")
    return RECORDS[name]


def published(record: WeightsRecord) -> WeightsRecord:
    """The record with the repository and the commit at which its bundle was published, if it was.

    They lie in the bundle's configs/hub.json, which `python -m monai_cars.weights.publish` fills.

    Example:
        >>> published(WeightsRecord("mine", "", "mine.safetensors", "", "", "")).repo_id
        ''
    """
    for place in PLACES:
        stated = place / record.bundle / "configs" / "hub.json"
        if not record.repo_id and record.bundle and stated.is_file():
            found = json.loads(stated.read_text(encoding="utf-8"))
            return replace(record, repo_id=str(found["repo_id"]), revision=str(found["revision"]))
    return record


HUB_FILE = re.compile(
    r"(?P<repo_id>[\w.-]+/[\w.-]+)/(?P<file>.+\.safetensors)@(?P<revision>[^#@]+)(#sha256=(?P<sha256>\w+))?"
)


def record_of(weights: str | Path | WeightsRecord, *, default: str | None = None) -> WeightsRecord:
    """The record that a user's `weights=` stands for; nothing is read or downloaded yet.

    Args:
        weights: a shipped name; "hub", the published file of `default`; a WeightsRecord;
            "owner/repo/file.safetensors@commit", with "#sha256=..." behind it if that is known; or the path of a
            .safetensors file.
        default: the weights that "hub" means; None stands for the first of the bundle's where there is only one bundle.

    Raises:
        WeightsError: none of these; a Hub file whose revision is no commit; weights that were not published; "hub"
            where several bundles ship weights.

    Example:
        >>> record_of("me/lungs/model.safetensors@" + 40 * "a").repo_id
        'me/lungs'
    """
    if isinstance(weights, WeightsRecord):
        return weights
    if str(weights) in RECORDS:
        return load_record(str(weights))
    if str(weights) == "hub":
        return _published_record(default or _only_first())
    if found := HUB_FILE.fullmatch(str(weights)):
        return _hub_record(str(weights), found)
    path = Path(weights)
    if path.suffix != ".safetensors" or not path.is_file():
        raise WeightsError(
            f"weights must be one of {', '.join(sorted(RECORDS))}, 'hub', 'owner/repo/file.safetensors@commit', or the "
            f"path of a .safetensors file that exists (got {str(weights)!r})"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return WeightsRecord(path.name, "", str(path.resolve()), digest, "the user's own", "not stated")


def _only_first() -> str:
    bundles = {record.bundle for record in RECORDS.values()}
    if len(bundles) != 1:
        raise WeightsError(
            f"'hub' must stand for one of {', '.join(sorted(RECORDS))}, which several bundles ship; say which with "
            "default="
        )
    return next(iter(RECORDS))


def _published_record(name: str) -> WeightsRecord:
    record = published(load_record(name))
    if not (record.repo_id and record.revision):
        raise WeightsError(
            f"{name!r} was not published to the Hub yet: its record names no repository; use the shipped file "
            f"(weights={name!r}), or publish the bundle with python -m monai_cars.weights.publish"
        )
    return replace(record, from_hub=True)


def _hub_record(spec: str, found: re.Match[str]) -> WeightsRecord:
    if not re.fullmatch(r"[0-9a-f]{40}", found["revision"]):
        raise WeightsError(
            f"{spec!r}: the revision must be the 40 hexadecimal digits of a commit (got {found['revision']!r}); "
            "branches and tags can be moved"
        )
    if found["sha256"] and not re.fullmatch(r"[0-9a-f]{64}", found["sha256"]):
        raise WeightsError(f"{spec!r}: sha256 must have 64 hexadecimal digits (got {len(found['sha256'])} characters)")
    return WeightsRecord(
        name=f"{found['repo_id']}/{found['file']}",
        bundle="",
        file=found["file"],
        sha256=found["sha256"] or "",
        licence="see its page on the Hub",
        trained_on="see its page on the Hub",
        repo_id=found["repo_id"],
        revision=found["revision"],
        from_hub=True,
    )
