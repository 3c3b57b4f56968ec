"""How a DICOM film lies by its header.

PatientOrientation says it, or ImageOrientationPatient where that is empty; both describe the stored pixels. The
rotation and flip of the field of view tell what was done to the detector's picture before it was stored: they are no
part of it.
"""

from __future__ import annotations

import re
from typing import Any

import pydicom

from monai_cars.echo import cut, echo
from monai_cars.files.dicom_rules import FRONTAL, value, words
from monai_cars.files.header import RadiographError
from monai_cars.files.sides import SILENT, Sides, of_cosines, of_directions, principal


def sides_of(source: str, dataset: pydicom.Dataset, *, content: bool = True) -> Sides:
    """What a header says of how its pixels lie.

    Args:
        source: names the file in the message.
        dataset: the parsed file.
        content: refuse what the header shows to be a lateral film.

    Raises:
        RadiographError: the directions are those of a lateral film, or the two attributes contradict each other.
    """
    if str(value(dataset, "AnatomicalOrientationType") or "").upper() == "QUADRUPED":
        return SILENT  # its letters mean other directions
    letters = _parts(value(dataset, "PatientOrientation"))
    if content:
        _check_frontal(source, dataset, letters)
    said = of_directions(*letters) if len(letters) == 2 else SILENT
    turned = _cosines(value(dataset, "ImageOrientationPatient"))
    if SILENT not in (said, turned) and said != turned:
        raise RadiographError(
            f"{source}: PatientOrientation and ImageOrientationPatient must say the same (got {_told(letters)} and "
            f"a film that lies as {echo(turned.axes)}); correct one, or leave it out"
        )
    return said if said != SILENT else turned


def _parts(found: Any) -> list[str]:
    """The two directions; a single string may hold both."""
    parts = re.split(r"\\", found) if isinstance(found, str) else list(found or [])
    return [str(part) for part in parts]


def _cosines(found: Any) -> Sides:
    try:
        cosines = [float(part) for part in found]
    except (TypeError, ValueError):
        return SILENT
    return of_cosines(cosines) if len(cosines) == 6 else SILENT


def _check_frontal(source: str, dataset: pydicom.Dataset, letters: list[str]) -> None:
    planes = {"L": "side", "R": "side", "A": "depth", "P": "depth", "H": "height", "F": "height"}
    directions = {planes.get(principal(letter) or "") for letter in letters}
    # Where the view is said to be frontal, directions of a lateral one are a slip: they say nothing.
    if directions == {"depth", "height"} and not FRONTAL.search(words(dataset, "ViewPosition", "ViewCodeSequence")):
        raise RadiographError(
            f"{source}: the view must be frontal, PA or AP (got PatientOrientation {_told(letters)}: a lateral view); "
            "leave the file out"
        )


def _told(letters: list[str]) -> str:
    return cut("\\".join(letter[:8] for letter in letters[:2]))
