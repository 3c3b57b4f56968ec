"""How a film lies by what its file says: letters of DICOM, EXIF's orientation, the affine of NIfTI.

All end as one of the eight orders of `monai_cars.edits.axes`: "HW" is the usual view, rows first, head up, the
patient's right on the image's left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

OF_LETTERS = {
    ("L", "F"): "HW",
    ("R", "F"): "HW-flip",
    ("L", "H"): "HW-upside",
    ("R", "H"): "HW-turn",
    ("F", "L"): "WH",
    ("F", "R"): "WH-flip",
    ("H", "L"): "WH-upside",
    ("H", "R"): "WH-turn",
}
"""Where the patient's side lies to which columns grow, and that to which rows grow -> how the film lies."""
LETTERS_OF = {order: letters for letters, order in OF_LETTERS.items()}
OF_EXIF = dict(enumerate(("HW", "HW-flip", "HW-turn", "HW-upside", "WH", "WH-flip", "WH-turn", "WH-upside"), start=1))
"""TIFF's and EXIF's orientation -> how the picture lies."""
EXIF_OF = {order: number for number, order in OF_EXIF.items()}
OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}


@dataclass(frozen=True)
class Sides:
    """How a film is said to lie, and whether that tells the patient's sides ("stated", "assumed", "doubtful")."""

    axes: str = "HW"
    laterality: str = "assumed"


SILENT = Sides()


def principal(direction: object) -> str | None:
    """The first letter of a direction such as "L" or "LF", along which most of it runs; None where it is none.

    Example:
        >>> principal("LF"), principal(" f "), principal("LR"), principal("LEFT")
        ('L', 'F', None, None)
    """
    letters = str(direction).strip().upper()
    sound = 1 <= len(letters) <= 3 and set(letters) <= set(OPPOSITE) and len(set(letters)) == len(letters)
    if not sound or any(OPPOSITE[letter] in letters for letter in letters):
        return None
    return letters[0]


def of_directions(along_row: object, down_column: object) -> Sides:
    """What two directions say, the way of growing columns and the way of growing rows.

    Example:
        >>> of_directions("R", "F")
        Sides(axes='HW-flip', laterality='stated')
    """
    order = OF_LETTERS.get((principal(along_row) or "", principal(down_column) or ""))
    return SILENT if order is None else Sides(order, "stated")


def of_cosines(cosines: Sequence[float]) -> Sides:
    """What six direction cosines in DICOM's axes (left, posterior, head) say, those of a row and of a column.

    Example:
        >>> of_cosines([1, 0, 0, 0, 0, -1]).axes, of_cosines([1, 0, 0, 0, 1, 0])
        ('HW', Sides(axes='HW', laterality='assumed'))
    """
    row, column = (np.asarray(part, float) for part in (cosines[:3], cosines[3:6]))
    return of_directions(*(_letter(part) for part in (row, column)))


def _letter(direction: np.ndarray) -> str:
    if direction.shape != (3,) or not np.isfinite(direction).all() or not direction.any():
        return ""
    axis = int(np.abs(direction).argmax())
    return ("LR", "PA", "HF")[axis][int(direction[axis] < 0)]


def of_affine(affine: np.ndarray) -> Sides:
    """What a NIfTI affine says of a film whose first axis runs along its rows.

    A plane of left and head is a statement. A plane of left and posterior is what writers of pictures fill in: of it
    the usual view (ITK's default) and the identity say nothing, and what it says else has to be seen on the film.

    Args:
        affine: (4, 4), millimetres to the right, to the front and to the head.

    Example:
        >>> of_affine(np.eye(4)), of_affine(np.diag([1.0, -1.0, 1.0, 1.0]))
        (Sides(axes='HW', laterality='assumed'), Sides(axes='HW-flip', laterality='doubtful'))
        >>> of_affine(np.array([[-1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]]))
        Sides(axes='HW', laterality='stated')
    """
    to_left_back_head = np.diag([-1.0, -1.0, 1.0])
    first, second = (_letter(to_left_back_head @ np.asarray(affine, float)[:3, axis]) for axis in (0, 1))
    said = of_directions(first, second)
    if said != SILENT or not first or not second:
        return said
    # Rows to the back are rows to the feet of a picture: in ITK's axes both count downwards.
    picture = of_directions(*({"P": "F", "A": "H"}.get(letter, letter) for letter in (first, second)))
    return SILENT if picture.axes in ("HW", "HW-turn") else Sides(picture.axes, "doubtful")


def affine_of_film(axes: str, rows: float, columns: float) -> np.ndarray:
    """The NIfTI affine (4, 4) of a film whose first axis runs along its rows; `of_affine` reads it back.

    Args:
        axes: how the film lies.
        rows: millimetres from row to row.
        columns: millimetres from column to column.

    Example:
        >>> all(of_affine(affine_of_film(axes, 0.2, 0.1)).axes == axes for axes in LETTERS_OF)
        True
    """
    if axes == "HW":
        # Columns run to the patient's left and rows to the feet, as in ITK's images of films.
        return np.diag([-columns, -rows, 1.0, 1.0])
    towards = {"L": (-1.0, 0.0, 0.0), "R": (1.0, 0.0, 0.0), "H": (0.0, 0.0, 1.0), "F": (0.0, 0.0, -1.0)}
    affine = np.eye(4)
    for axis, (letter, size) in enumerate(zip(LETTERS_OF[axes], (columns, rows), strict=True)):
        affine[:3, axis] = size * np.array(towards[letter])
    affine[:3, 2] = 0.0, 1.0, 0.0
    return affine
