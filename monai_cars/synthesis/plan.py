"""Which edits a run makes: rows of a config become edits of each film, checked before any work starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from monai_cars.echo import echo
from monai_cars.edits.edit import Edit, Quantity, Region
from monai_cars.findings.registry import finding_of
from monai_cars.findings.severity import canonical
from monai_cars.synthesis.settings import MOST_SEED, SettingError, is_number, text, whole
from monai_cars.synthesis.settings import rows as table
from monai_cars.synthesis.source import Source

_FIELDS = tuple(field.name for field in fields(Edit) if field.name != "region")


class PlanError(ValueError):
    """A plan asks for what cannot be done; the message names the row and the remedy."""


@dataclass(frozen=True)
class PlannedEdit:
    """One edit of one film.

    Args:
        source: the film.
        number: place of the edit in the plan, from 0; part of the output's name.
        edit: what is done.
    """

    source: Source
    number: int
    edit: Edit


def plan_edits(sources: Sequence[Source], rows: Sequence[Mapping[str, Any]], *, seed: int) -> list[PlannedEdit]:
    """Every row for every film, each edit of its own copy; a deletion only where the film has a box of that finding.

    What the anatomy itself shows (an enlarged heart, devices) is deleted without a box.

    Args:
        sources: the films.
        rows: the fields of :class:`monai_cars.edits.edit.Edit`; severity in [0, 1] or ``{"value": 18, "unit": "mm"}``.
        seed: of the rows that name none.

    Raises:
        PlanError: an empty plan, an unknown field, a value that `Edit` refuses, or deletions only and no film with a
            box of that finding.

    Example:
        >>> from monai_cars.synthesis import find_sources
        >>> films = find_sources("pydicom:RG1_UNCR.dcm")
        >>> plan_edits(films, [{"operation": "insert", "finding": "nodule"}], seed=3)[0].edit.seed
        3
    """
    if not rows:
        raise PlanError("edits must hold at least one row, got none")
    try:
        rows = table("edits", rows)
    except SettingError as error:
        raise PlanError(str(error)) from error
    for number, row in enumerate(rows):
        _edit(number, row, seed, box=(0, 0, 1, 1))  # every row is checked, also those no film has a box for
    plan = [
        PlannedEdit(source, number, _edit(number, row, seed, _box_of(source, row)))
        for source in sources
        for number, row in enumerate(rows)
        if row["operation"] != "delete" or _box_of(source, row) or finding_of(row["finding"]).place.shown_by_anatomy
    ]
    if not plan:
        raise PlanError(
            "edits: every row deletes and no film has a box of that finding, so nothing would be done; give the films "
            "'box' and 'box_finding' in a datalist, or insert"
        )
    return plan


def _box_of(source: Source, row: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    return source.box if canonical(source.box_finding or "") == canonical(row["finding"]) else None


def _edit(number: int, row: Mapping[str, Any], seed: int, box: tuple[float, float, float, float] | None) -> Edit:
    if not isinstance(row, Mapping):
        raise PlanError(f"edits[{number}] must be a mapping of operation, finding and the like, got {echo(row)}")
    for name in row:
        if name not in _FIELDS:
            raise PlanError(f"edits[{number}]: unknown field {echo(name)}; {_suggestion(str(name), _FIELDS)}")
    for name in ("operation", "finding"):
        if name not in row:
            raise PlanError(f"edits[{number}] must name its {name}, got {echo(dict(row))}")
    values = {"seed": seed, **row}
    try:
        for name in ("operation", "finding", *(name for name in ("side", "zone") if values.get(name) is not None)):
            text(name, values[name])
        whole("seed", values["seed"], 0, MOST_SEED)
    except SettingError as error:
        raise PlanError(f"edits[{number}]: {error}") from error
    severity = values.get("severity")
    if isinstance(severity, Mapping):
        values["severity"] = _quantity(number, severity)
    elif severity is not None and not isinstance(severity, Quantity) and not is_number(severity):
        raise PlanError(f"edits[{number}]: severity must be a number or {{value, unit}}, got {echo(severity)}")
    region = Region(box=box) if row["operation"] == "delete" and box is not None else None
    try:
        return Edit(**values, region=region)
    except (TypeError, ValueError) as error:
        raise PlanError(f"edits[{number}]: {error}") from error


def _quantity(number: int, severity: Mapping[str, Any]) -> Quantity:
    if set(severity) != {"value", "unit"} or not is_number(severity["value"]) or not isinstance(severity["unit"], str):
        raise PlanError(f"edits[{number}]: severity must be a number or {{value, unit}}, got {echo(dict(severity))}")
    return Quantity(float(severity["value"]), severity["unit"])


def _suggestion(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {echo(close[0])}?" if close else f"known: {', '.join(known)}"
