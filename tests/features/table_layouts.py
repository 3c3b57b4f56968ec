"""The label tables of six public data sets in their published layouts, values made up."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

CHEXPERT = (
    "No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,Edema,Consolidation,Pneumonia,"
    "Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
MIMIC = (
    "Atelectasis,Cardiomegaly,Consolidation,Edema,Enlarged Cardiomediastinum,Fracture,Lung Lesion,Lung Opacity,"
    "No Finding,Pleural Effusion,Pleural Other,Pneumonia,Pneumothorax,Support Devices"
)
NIH = ("Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pleural_Thickening")
PADCHEST = ("pleural effusion", "cardiomegaly", "suboptimal study", "unchanged", "scoliosis", "nodule", "NSG tube")
VINDR = ("Cardiomegaly", "Pleural effusion", "Pneumothorax", "Atelectasis", "Nodule/Mass", "Other lesion")

Rows = Callable[[int, random.Random], Iterator[str]]


@dataclass(frozen=True)
class Layout:
    """A published table: its header, what makes its rows, and how it is read.

    Attributes:
        header: first line.
        rows: (count, draw) -> lines.
        vocabulary: that it is read in.
        options: arguments of `from_table`.
    """

    header: str
    rows: Rows
    vocabulary: str
    options: dict[str, Any] = field(default_factory=dict)

    def text(self, count: int, draw: random.Random) -> str:
        """A table of so many rows."""
        return "\n".join((self.header, *self.rows(count, draw))) + "\n"


def _codes(draw: random.Random, count: int, normal: int) -> str:
    """Codes of a row; a normal film has no finding."""
    if draw.random() < 0.2:
        return ",".join("1.0" if place == normal else "" for place in range(count))
    return ",".join(
        "" if place == normal else draw.choice(("", "", "", "1.0", "0.0", "-1.0")) for place in range(count)
    )


def _chexpert(count: int, draw: random.Random) -> Iterator[str]:
    for number in range(count):
        film = f"CheXpert-v1.0/train/patient{number // 3:05}/study{number % 3 + 1}/view1_frontal.jpg"
        yield f"{film},{draw.choice(('Male', 'Female'))},{draw.randint(18, 90)},Frontal,AP,{_codes(draw, 14, 0)}"


def _mimic(count: int, draw: random.Random) -> Iterator[str]:
    for number in range(count):
        yield f"{10_000_000 + number // 3},{50_000_000 + number},{_codes(draw, 14, 8)}"


def _nih(count: int, draw: random.Random) -> Iterator[str]:
    for number in range(count):
        words = "|".join(draw.sample(NIH, draw.randint(1, 3))) if draw.random() < 0.5 else "No Finding"
        film = f"{number // 4 + 1:08}_{number % 4:03}.png"
        yield f"{film},{words},{number % 4},{number // 4 + 1},{draw.randint(18, 90)},M,PA,2682,2749,0.143,0.143,"


def _padchest(count: int, draw: random.Random) -> Iterator[str]:
    for number in range(count):
        words = ["normal"] if draw.random() < 0.3 else draw.sample(PADCHEST, draw.randint(1, 3))
        yield f'{number},{number}_abc.png,20160101,{number // 2},PA,"{words}"'


def _vindr(count: int, draw: random.Random) -> Iterator[str]:
    for number in range(count):
        film, reader = f"{number // 6:032x}", f"R{number % 3 + 8}"
        if (number // 6) % 4 == 0:
            yield f"{film},No finding,{reader},,,,"
        else:
            x, y = draw.randint(0, 900), draw.randint(0, 900)
            yield f"{film},{draw.choice(VINDR)},{reader},{x},{y},{x + 90},{y + 80}"


def _rsna(count: int, draw: random.Random) -> Iterator[str]:
    number = film = 0
    while number < count:
        film += 1
        boxes = min(draw.choice((0, 0, 1, 2)), count - number)
        for _ in range(boxes):
            yield f"{film:08x}-0000-4000-8000-{film:012x},{draw.randint(0, 500)},{draw.randint(0, 500)},90.0,120.0,1"
        if not boxes:
            yield f"{film:08x}-0000-4000-8000-{film:012x},,,,,0"
        number += max(1, boxes)


LAYOUTS = {
    "CheXpert": Layout(f"Path,Sex,Age,Frontal/Lateral,AP/PA,{CHEXPERT}", _chexpert, "chexpert-14"),
    "MIMIC-CXR": Layout(f"subject_id,study_id,{MIMIC}", _mimic, "chexpert-14"),
    "NIH": Layout(
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
        "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],",
        _nih,
        "nih-14",
    ),
    "PadChest": Layout(
        ",ImageID,StudyDate_DICOM,PatientID,Projection,Labels", _padchest, "chexpert-14", {"others": "ignore"}
    ),
    "VinDr-CXR": Layout(
        "image_id,class_name,rad_id,x_min,y_min,x_max,y_max",
        _vindr,
        "chexpert-14",
        {"names": {"Nodule/Mass": "Lung Lesion", "Other lesion": None}, "repeated": "majority"},
    ),
    "RSNA": Layout("patientId,x,y,width,height,Target", _rsna, "chexpert-14", {"names": {"Target": "Pneumonia"}}),
}
