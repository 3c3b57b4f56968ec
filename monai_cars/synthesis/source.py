"""One film of a run, where it comes from and what its owner knows about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_cars.files.spelling import writable

EMBEDDED = "pydicom:"  # films that the package pydicom-data ships


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
        item: what tells this item of a datalist from an earlier one of the same film; it enters the outputs' names.
        hides: words that no output may tell, because `name` stands for them.
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
    item: str = ""
    hides: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", writable(self.name))


def embedded(name: str) -> Path:
    """The file of a film of the package pydicom-data, from ``pydicom:FILE``.

    Raises:
        SourceError: no such film, or the package is missing.
    """
    from pydicom.data import get_testdata_file

    found = get_testdata_file(name.removeprefix(EMBEDDED), download=False)
    if not found:
        raise SourceError(
            f"{name} must be a film of the package pydicom-data; install it: pip install 'monai-cars[demo]'"
        )
    return Path(str(found))
