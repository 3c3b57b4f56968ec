"""Films that a teacher learns from: labels that can be trusted, boxes, and the crops kept for training."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from monai_cars.chest_xray.anatomy.segmenter import Segmenter
from monai_cars.chest_xray.teacher.network import FINDINGS
from monai_cars.chest_xray.teacher.preprocessing import CROP_SIZE, crop, lungs_box
from monai_cars.chest_xray.training.anatomy_films import NIH_FOLDERS, read_grey, read_table

COLUMNS = {"nodule or mass": ("Nodule", "Mass")}  # too few of each alone
BOX_LABELS = ("Lung Opacity", "Pneumonia")  # of boxes.csv; those of pneumothorax show no opacity
CLEAR = ("Normal", "No Lung Opacity / Not Normal")  # of the radiologists' re-reading

EDITOR_PATIENTS, TEACHER_PATIENTS = "nih-chestxray14:editor-patients", "nih-chestxray14:teacher-patients"
"""The two parts of the NIH patients (`configs/patients.json` of the bundle): what edits, and what judges edits."""
PICTURES = ("images", "masks", "boxes")

Corners = tuple[float, float, float, float]
"""(y0, x0, y1, x1) in pixels of the film."""


@dataclass(frozen=True)
class TeacherFilm:
    """A film on disk and what is known of it.

    Args:
        image: file of the film.
        patient: NIH patient id.
        view: "PA" or "AP".
        targets: 1, 0 or NaN by `FINDINGS`.
        boxes: of opacities; empty where there are none or none are known.
    """

    image: Path
    patient: int
    view: str
    targets: tuple[float, ...]
    boxes: tuple[Corners, ...] = ()

    @property
    def mapped(self) -> bool:
        """Whether it is known where opacities are: boxed, or clear."""
        return bool(self.boxes) or self.targets[0] == 0


class Crops(NamedTuple):
    """Crops of N films to their lungs' boxes, uint8, 255 inside masks; `mapped` (N,) bool; `targets` (N, V)."""

    images: torch.Tensor
    masks: torch.Tensor
    boxes: torch.Tensor
    mapped: torch.Tensor
    targets: torch.Tensor

    def of(self, chosen: torch.Tensor) -> Crops:
        """Those of some films."""
        return Crops(*(part[chosen] for part in self))


def opacity_of(row: Mapping[str, str], *, boxed: bool) -> float:
    """Whether a film shows an opacity: by the radiologists' class and boxes, not by labels mined from reports.

    A class says it. A box on a film without a class is a positive; on a film re-read as clear two readers differ, so
    it is unknown. Without either only "No Finding" is believed.

    Example:
        >>> opacity_of({"rsna_class": "", "finding_labels": "Pneumonia"}, boxed=False)
        nan
    """
    if row.get("rsna_class") == "Lung Opacity":
        return 1.0
    if row.get("rsna_class") in CLEAR:
        return math.nan if boxed else 0.0
    if boxed:
        return 1.0
    return 0.0 if row["finding_labels"] == "No Finding" else math.nan


def targets_of(row: Mapping[str, str], *, boxed: bool) -> tuple[float, ...]:
    """Targets by `FINDINGS`; all but the first are NIH's labels as they are."""
    labels = set(row["finding_labels"].split("|"))
    named = [COLUMNS.get(name, (name.capitalize(),)) for name in FINDINGS[1:]]
    return opacity_of(row, boxed=boxed), *(float(bool(labels & set(columns))) for columns in named)


def read_boxes(file: Path) -> dict[str, list[Corners]]:
    """Boxes of opacities by film."""
    found: dict[str, list[Corners]] = {}
    for row in read_table(file) if file.exists() else []:
        if row["label"] in BOX_LABELS:
            x, y, w, h = (float(row[f"{key}_512"]) for key in "xywh")
            found.setdefault(row["image"], []).append((y, x, y + h, x + w))
    return found


def editor_patients(file: str | Path) -> frozenset[int]:
    """NIH patients that editors may have seen, of the bundle's `configs/patients.json`."""
    return frozenset(json.loads(Path(file).read_text(encoding="utf-8"))[EDITOR_PATIENTS])


def teacher_films(dataset_dir: str | Path, patients: str | Path) -> list[TeacherFilm]:
    """Films of the teacher part: all NIH patients but the editors'.

    Args:
        dataset_dir: folder of the data sets.
        patients: `configs/patients.json`.

    Raises:
        FileNotFoundError: the folder or the file is not there.
    """
    for path in (Path(dataset_dir), Path(patients)):
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; give the folder of the data sets and patients.json")
    seen, films = editor_patients(patients), []
    for folder in (Path(dataset_dir) / name for name in NIH_FOLDERS):
        if not (folder / "labels.csv").exists():
            continue
        boxes = read_boxes(folder / "boxes.csv")
        films += [
            _film(folder, row, boxes.get(row["image"], []))
            for row in read_table(folder / "labels.csv")
            if int(row["patient_id"]) not in seen and row.get("dup_of", "") == ""
        ]
    return films


def _film(folder: Path, row: Mapping[str, str], boxes: Sequence[Corners]) -> TeacherFilm:
    targets = targets_of(row, boxed=bool(boxes))
    known = tuple(boxes) if targets[0] == 1 else ()
    return TeacherFilm(folder / "images" / row["image"], int(row["patient_id"]), row["view"], targets, known)


def drawn_boxes(film: TeacherFilm, shape: Sequence[int]) -> torch.Tensor:
    """(1, H, W) float mask of a film's boxes."""
    mask = torch.zeros(1, *shape)
    for y0, x0, y1, x1 in film.boxes:
        mask[:, max(round(y0), 0) : max(round(y1), 0), max(round(x0), 0) : max(round(x1), 0)] = 1
    return mask


def make_crops(films: Sequence[TeacherFilm], segmenter: Segmenter, *, size: int = CROP_SIZE) -> Crops:
    """Crop every film once; intensities are stretched between its crop's 0.2nd and 99.8th percentile to 8 bits."""
    rows = [_crop(film, segmenter, size) for film in films]
    return _with_targets(films, [torch.stack(parts) for parts in zip(*rows, strict=True)])


def _with_targets(films: Sequence[TeacherFilm], pictures: Sequence[torch.Tensor]) -> Crops:
    images, masks, boxes = pictures
    mapped = torch.tensor([film.mapped for film in films])
    return Crops(images, masks, boxes, mapped, torch.tensor([film.targets for film in films]))


def _crop(film: TeacherFilm, segmenter: Segmenter, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    image = torch.from_numpy(read_grey(film.image))[None].float()
    anatomy = segmenter(image)[:3] > 0
    box = lungs_box(anatomy)
    small = crop(image, box, size)
    low, high = np.percentile(small, (0.2, 99.8))
    grey = ((small - low) / max(high - low, 1e-6)).clamp(0, 1)
    masks, boxes = crop(anatomy.float(), box, size), crop(drawn_boxes(film, image.shape[1:]), box, size)
    grey, masks, boxes = ((255 * part).round().byte() for part in (grey, masks, boxes))
    return grey, masks, boxes


def kept_crops(file: str | Path, films: Sequence[TeacherFilm], segmenter: Callable[[], Segmenter]) -> Crops:
    """`make_crops`, its pictures kept in a .npz file for the next time; made again when films or boxes changed."""
    path = Path(file)
    names = np.array([f"{film.image.name} {film.boxes}" for film in films])
    if path.exists():
        with np.load(path) as stored:
            if np.array_equal(stored["names"], names):
                return _with_targets(films, [torch.from_numpy(stored[key]) for key in PICTURES])
    crops = make_crops(films, segmenter())
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, names=names, **{key: getattr(crops, key).numpy() for key in PICTURES})
    return crops
