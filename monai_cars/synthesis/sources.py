"""Which films a run reads: a folder, a MONAI datalist, or one film."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_cars.echo import cause, cut, echo
from monai_cars.edits.record import read_record
from monai_cars.files.formats import SUFFIXES

EMBEDDED = "pydicom:"  # films that the package pydicom-data ships
_TRAINING = "training"


class SourceError(ValueError):
    """What a run was asked to read does not exist or breaks a rule; the message names it and the remedy."""


@dataclass(frozen=True)
class Source:
    """One film to edit and what its owner knows about it.

    Args:
        path: the file.
        name: as the run calls it: the path inside the folder or datalist that it came from.
        patient_id: as the datalist gives it; None leaves it to the run to derive one.
        findings: finding -> value in [0, 1], or a feature vector; None when nothing is known.
        spacing: mm per pixel (row, column) where the datalist knows it.
        box: a known instance of `box_finding`, (y0, x0, y1, x1) in native pixels, half open: rows first, which is
            MONAI's ``StandardMode`` for an image of shape (1, H, W).
        box_finding: what the box holds.
        note: what a reader of the report should know about the film.
        earlier: entries of the record of edits that the film carries already, where it is a counterfactual itself.
    """

    path: Path
    name: str
    patient_id: str | None = None
    findings: Any = None
    spacing: tuple[float, float] | None = None
    box: tuple[float, float, float, float] | None = None
    box_finding: str | None = None
    note: str = ""
    earlier: tuple[Mapping[str, Any], ...] = ()


def find_sources(dataset: str | Path, *, data_list_key: str = _TRAINING, image_key: str = "image") -> list[Source]:
    """The films in `dataset`, sorted by name.

    Args:
        dataset: a folder (searched with its subfolders), a MONAI datalist (``.json``), one film, or ``pydicom:FILE``
            for a film that the package pydicom-data ships. A file without a suffix counts when it starts as DICOM does.
        data_list_key: the datalist's section. Only ``"training"`` is edited: counterfactuals of validation or test
            films would leak them into training.
        image_key: where an item of the datalist has its film.

    Raises:
        SourceError: nothing is there, the datalist is malformed, or another section than training is asked for.

    Example:
        >>> from monai_cars.synthesis import find_sources
        >>> [source.name for source in find_sources("pydicom:RG1_UNCR.dcm")]
        ['RG1_UNCR.dcm']
    """
    if data_list_key != _TRAINING:
        raise SourceError(
            f"data_list_key must be 'training', got {echo(data_list_key)}: counterfactuals of validation or test films "
            "would leak them into training; move the films that may be edited into 'training'"
        )
    path = Path(dataset)
    if str(dataset).startswith(EMBEDDED):
        return [Source(_embedded(str(dataset)), str(dataset).removeprefix(EMBEDDED))]
    if path.is_dir():
        return _in_folder(path)
    if path.suffix == ".json" and path.is_file():
        return _in_datalist(path, image_key)
    if path.is_file():
        return [Source(path, path.name)]
    raise SourceError(f"dataset_dir {str(dataset)!r} must be a folder, a datalist (.json) or a film, got nothing there")


def _in_folder(folder: Path) -> list[Source]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and _is_film(path))
    if not paths:
        raise SourceError(
            f"dataset_dir {str(folder)!r} must hold films ({', '.join(SUFFIXES)}), got a folder without any"
        )
    return [Source(path, path.relative_to(folder).as_posix()) for path in paths]


def _is_film(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    if path.suffix:
        return path.name.lower().endswith(SUFFIXES)
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def _in_datalist(path: Path, image_key: str) -> list[Source]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"datalist {path.name} must be JSON: {cause(error)}") from error
    if not isinstance(content, dict) or not isinstance(content.get(_TRAINING), list):
        found = cut(", ".join(content)) if isinstance(content, dict) else type(content).__name__
        raise SourceError(f"datalist {path.name} must hold a list under 'training', got: {found or 'nothing'}")
    if not content[_TRAINING]:
        raise SourceError(f"datalist {path.name} must name at least one film under 'training', got an empty list")
    return [_from_item(path, number, item, image_key) for number, item in enumerate(content[_TRAINING])]


def _from_item(datalist: Path, number: int, item: Any, image_key: str) -> Source:
    where = f"datalist {datalist.name}, training[{number}]"
    if not isinstance(item, Mapping) or not isinstance(item.get(image_key), str):
        raise SourceError(
            f"{where} must be a mapping with the path of a film under {echo(image_key)}, got {echo(item)}"
        )
    box = item.get("box")
    if (box is None) != (item.get("box_finding") is None):
        raise SourceError(f"{where}: 'box' and 'box_finding' belong together, got only one of them")
    image = item[image_key]
    return Source(
        path=_embedded(image) if image.startswith(EMBEDDED) else datalist.parent / image,
        name=image.removeprefix(EMBEDDED),
        patient_id=_text(item.get("patient_id", item.get("group"))),
        findings=item.get("findings"),
        spacing=None if item.get("spacing") is None else _spacing(item["spacing"], f"{where}: spacing"),
        box=None if box is None else _box(box, f"{where}: box"),
        box_finding=item.get("box_finding"),
        note=str(item.get("note", "")),
        earlier=_earlier(item.get("counterfactual"), f"{where}: counterfactual"),
    )


def _earlier(record: Any, where: str) -> tuple[Mapping[str, Any], ...]:
    if record is None:
        return ()
    try:
        return tuple(read_record(record if isinstance(record, str) else json.dumps(record))["edits"])
    except ValueError as error:
        raise SourceError(f"{where} must be the record that an earlier edit left: {error}") from error


def _box(values: Any, where: str) -> tuple[float, float, float, float]:
    y0, x0, y1, x1 = _numbers(values, 4, where)
    if not (0 <= y0 < y1 and 0 <= x0 < x1):
        raise SourceError(
            f"{where} must be [y0, x0, y1, x1] with y0 < y1 and x0 < x1 in native pixels, got {echo(values)}"
        )
    return y0, x0, y1, x1


def _spacing(values: Any, where: str) -> tuple[float, float]:
    rows, columns = _numbers(values, 2, where)
    return rows, columns


def _numbers(values: Any, count: int, where: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != count:
        raise SourceError(f"{where} must be {count} numbers, got {echo(values)}")
    return numbers


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _embedded(name: str) -> Path:
    from pydicom.data import get_testdata_file

    found = get_testdata_file(name.removeprefix(EMBEDDED), download=False)
    if not found:
        raise SourceError(
            f"{name} must be a film of the package pydicom-data; install it: pip install 'monai-cars[demo]'"
        )
    return Path(str(found))
