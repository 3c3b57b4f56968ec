"""The items of a MONAI datalist, each checked before any work: what an owner says of a film is right or refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_cars.echo import cause, echo
from monai_cars.edits.record import read_record
from monai_cars.synthesis.settings import is_number
from monai_cars.synthesis.source import EMBEDDED, Source, SourceError, embedded

TRAINING = "training"
SPACING_MM = (0.01, 20.0)
"""Least and greatest mm per pixel that a datalist may state: a hundredth of a detector's pixel, a film of 20 pixels."""


def in_datalist(path: Path, image_key: str) -> list[Source]:
    """The films of a datalist's training section, in its order.

    Args:
        path: of the datalist.
        image_key: where an item has its film.

    Raises:
        SourceError: naming the datalist, the item, the rule and the value got.
    """
    try:
        content = json.loads(path.read_bytes())  # of bytes, JSON finds out the encoding
    except RecursionError as error:
        raise SourceError(f"datalist {path.name} must be JSON, got lists or mappings nested too deeply") from error
    except ValueError as error:
        raise SourceError(f"datalist {path.name} must be JSON: {cause(error)}") from error
    if not isinstance(content, dict) or not isinstance(content.get(TRAINING), list):
        found = ", ".join(content) if isinstance(content, dict) else type(content).__name__
        raise SourceError(f"datalist {path.name} must hold a list under 'training', got: {found or 'nothing'!s:.60}")
    if not content[TRAINING]:
        raise SourceError(f"datalist {path.name} must name at least one film under 'training', got an empty list")
    return [_from_item(path, number, item, image_key) for number, item in enumerate(content[TRAINING])]


def _from_item(datalist: Path, number: int, item: Any, image_key: str) -> Source:
    where = f"datalist {datalist.name}, training[{number}]"
    if not isinstance(item, Mapping) or not isinstance(item.get(image_key), str) or not item[image_key]:
        raise SourceError(
            f"{where} must be a mapping with the path of a film under {echo(image_key)}, got {echo(item)}"
        )
    box, box_finding = item.get("box"), _text(item.get("box_finding"), f"{where}: box_finding")
    if (box is None) != (box_finding is None):
        raise SourceError(f"{where}: 'box' and 'box_finding' belong together, got only one of them")
    image = item[image_key]
    return Source(
        path=embedded(image) if image.startswith(EMBEDDED) else datalist.parent / _path(image, f"{where}: {image_key}"),
        name=image.removeprefix(EMBEDDED),
        patient_id=_identifier(item.get("patient_id", item.get("group")), f"{where}: patient_id (or group)"),
        findings=_findings(item.get("findings"), f"{where}: findings"),
        spacing=None if item.get("spacing") is None else _spacing(item["spacing"], f"{where}: spacing"),
        box=None if box is None else _box(box, f"{where}: box"),
        box_finding=box_finding,
        note=_text(item.get("note"), f"{where}: note", empty=True) or "",
        earlier=_earlier(item.get("counterfactual"), f"{where}: counterfactual"),
    )


def _path(image: str, where: str) -> str:
    """Bytes that are not UTF-8 are in a path as Python spells them; other halves of a character name no file."""
    if any(0xD800 <= ord(letter) <= 0xDFFF and not 0xDC80 <= ord(letter) <= 0xDCFF for letter in image):
        raise SourceError(f"{where} must be the path of a film, got {echo(image)}, which no file system can hold")
    return image


def _text(value: Any, where: str, *, empty: bool = False) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not (value.strip() or empty) or not _unicode(value):
        raise SourceError(f"{where} must be text, got {echo(value)}; leave it out where nothing is known")
    return value


def _unicode(text: str) -> bool:
    return not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text)


def _identifier(value: Any, where: str) -> str | None:
    """Text or a number; what a table writes for "unknown" would make one patient of many."""
    number = is_number(value) and math.isfinite(value)
    if value is None or number:
        return None if value is None else str(value)
    if isinstance(value, str) and value.strip() and _unicode(value):
        return value
    raise SourceError(f"{where} must be text or a number, got {echo(value)}; leave it out where it is unknown")


def _findings(values: Any, where: str) -> Any:
    """Names and values, or a whole vector; that the vocabulary has them is checked with the vocabulary."""
    if values is None:
        return None
    if isinstance(values, Mapping):
        wrong = {name: value for name, value in values.items() if not (is_number(value) or isinstance(value, bool))}
        if wrong:
            name, value = next(iter(wrong.items()))
            raise SourceError(
                f"{where}: {echo(name)} must be a number from 0 to 1, got {echo(value)}; "
                "leave it out where it is unknown"
            )
    elif not isinstance(values, list) or not all(is_number(value) for value in values):
        raise SourceError(
            f"{where} must map names to numbers, or be a list of numbers with NaN for unknown, got {echo(values)}"
        )
    return values


def _earlier(record: Any, where: str) -> tuple[Mapping[str, Any], ...]:
    if record is None:
        return ()
    try:
        entries = tuple(read_record(record if isinstance(record, str) else json.dumps(record))["edits"])
        if not all(isinstance(entry, Mapping) for entry in entries):
            raise ValueError("every entry of its list `edits` must be a mapping")
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{where} must be the record that an earlier edit left: {error}") from error
    return entries


def _box(values: Any, where: str) -> tuple[float, float, float, float]:
    y0, x0, y1, x1 = _numbers(values, 4, where)
    if not (0 <= y0 < y1 and 0 <= x0 < x1):
        raise SourceError(
            f"{where} must be [y0, x0, y1, x1] with y0 < y1 and x0 < x1 in native pixels, got {echo(values)}"
        )
    return y0, x0, y1, x1


def _spacing(values: Any, where: str) -> tuple[float, float]:
    rows, columns = _numbers(values, 2, where)
    low, high = SPACING_MM
    if not (low <= rows <= high and low <= columns <= high):
        raise SourceError(
            f"{where} must be [row, column] from {low:g} to {high:g} mm per pixel, got {echo(values)}; "
            "leave it out where it is unknown"
        )
    return rows, columns


def _numbers(values: Any, count: int, where: str) -> tuple[float, ...]:
    if not isinstance(values, list) or len(values) != count or not all(is_number(value) for value in values):
        raise SourceError(f"{where} must be {count} numbers, got {echo(values)}")
    return tuple(float(value) for value in values)
