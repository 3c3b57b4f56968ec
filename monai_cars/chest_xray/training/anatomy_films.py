"""Labelled films for training and measuring the anatomy network: images, masks and the patient behind each."""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from scipy import ndimage

from monai_cars.chest_xray.anatomy.structures import STRUCTURES

LUNG_FOLDER, HANNOVER_FOLDER = "cohen_covid_lungboxes", "hannover_covid"
NIH_FOLDERS = ("nih_pneumonia_nofinding", "nih_diverse", "nih_extra")


@dataclass(frozen=True)
class LabelledFilm:
    """A film on disk with what is known of its anatomy.

    Attributes:
        image: file of the film.
        patient: names one person over all folders; folds are cut between patients.
        lungs: file of one mask with both whole lung fields, or None.
        contours: closed polygons `{structure: [[x, y], ...]}` in the film's pixels.
    """

    image: Path
    patient: str
    lungs: Path | None = None
    contours: dict[str, list[list[float]]] | None = None


def read_table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def patients(dataset_dir: str | Path) -> dict[str, str]:
    """Patient of every film name; the same Hannover patient whichever collection the film is from."""
    root = Path(dataset_dir)
    found: dict[str, str] = {}
    for folder in NIH_FOLDERS:
        for row in read_table(root / folder / "labels.csv"):
            name = row["image"] if row["image"].endswith(".jpg") else row["image"] + ".jpg"
            found[name] = f"nih-{int(name.split('_')[0])}"
    for row in read_table(root / LUNG_FOLDER / "labels.csv"):
        found[row["image"]] = "cohen-" + row["patient_id"].rstrip("ab")
    for row in read_table(root / HANNOVER_FOLDER / "labels.csv"):
        found[row["image"]] = "hannover-" + row["patient_id"]
    return found


def films_with_lungs(dataset_dir: str | Path) -> list[LabelledFilm]:
    """The films of `cohen_covid_lungboxes` that have a mask of whole lung fields."""
    folder, who = Path(dataset_dir) / LUNG_FOLDER, patients(dataset_dir)
    return [
        LabelledFilm(folder / "images" / row["image"], who[row["image"]], folder / "masks_lungs" / row["lung_mask"])
        for row in read_table(folder / "labels.csv")
        if row["lung_mask"]
    ]


def films_with_contours(dataset_dir: str | Path, *contours: str | Path) -> list[LabelledFilm]:
    """The films named in contour files (`{"films": {name: {structure: polygon}}}`); what two files say is joined."""
    root, who = Path(dataset_dir), patients(dataset_dir)
    drawn: dict[str, dict[str, list[list[float]]]] = {}
    for file in contours:
        for name, polygons in json.loads(Path(file).read_text())["films"].items():
            drawn.setdefault(name, {}).update(polygons)
    films = []
    for name, polygons in drawn.items():
        places = [root / folder / "images" / name for folder in (*NIH_FOLDERS, HANNOVER_FOLDER, LUNG_FOLDER)]
        image = next((place for place in places if place.exists()), None)
        if image is not None:
            films.append(LabelledFilm(image, who[name], contours=polygons))
    return films


def split_lungs(both: np.ndarray) -> np.ndarray:
    """Right and left field `(2, H, W)` uint8 of one mask with both: its two largest parts, by their place."""
    parts, count = ndimage.label(both)
    if count < 2:
        raise ValueError(f"a lung mask must hold two separate fields (got {count})")
    sizes = ndimage.sum(both, parts, range(1, count + 1))
    largest = np.argsort(sizes)[-2:] + 1
    first, second = sorted(largest, key=lambda part: ndimage.center_of_mass(parts == part)[1])
    return np.stack([parts == first, parts == second]).astype(np.uint8)


def read_grey(path: Path) -> np.ndarray:
    """A film `(H, W)` uint8."""
    with Image.open(path) as film:
        return np.array(film.convert("L"))


def masks_of(film: LabelledFilm) -> tuple[np.ndarray, np.ndarray]:
    """Masks `(3, H, W)` uint8 at the film's own size, and which of them are known `(3,)` bool."""
    with Image.open(film.image) as opened:
        width, height = opened.size
    masks, known = np.zeros((len(STRUCTURES), height, width), np.uint8), np.zeros(len(STRUCTURES), bool)
    if film.lungs is not None:
        masks[:2], known[:2] = split_lungs(read_grey(film.lungs) > 127), True
    for name, polygon in (film.contours or {}).items():
        canvas = Image.new("L", (width, height))
        ImageDraw.Draw(canvas).polygon([(x, y) for x, y in polygon], fill=1)
        index = STRUCTURES.index(name)
        masks[index], known[index] = np.array(canvas), True
    return masks, known


def shrink(mask: np.ndarray, size: int) -> np.ndarray:
    """A mask resized to `(size, size)`, area-weighted, as uint8 in 0..255."""
    return np.array(Image.fromarray(mask * 255).resize((size, size), Image.Resampling.BOX))


def load_films(films: Iterable[LabelledFilm], *, size: int = 320) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """All films in memory, stretched to one square size.

    Returns:
        Images `(N, 1, size, size)` uint8, masks `(N, 3, size, size)` uint8 in 0..255, known `(N, 3)` bool.
    """
    images, masks, known = [], [], []
    for film in films:
        mask, names = masks_of(film)
        small = Image.fromarray(read_grey(film.image)).resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3)
        images.append(torch.from_numpy(np.array(small))[None])
        masks.append(torch.from_numpy(np.stack([shrink(m, size) for m in mask])))
        known.append(torch.from_numpy(names))
    return torch.stack(images), torch.stack(masks), torch.stack(known)


def patient_folds(films: Iterable[LabelledFilm], count: int, *, seed: int = 0) -> dict[str, int]:
    """Fold of every patient, about equally many films in each.

    Patients are taken in random order, those with many films first, each into the fold with the fewest films so far.
    """
    films_of: dict[str, int] = {}
    for film in films:
        films_of[film.patient] = films_of.get(film.patient, 0) + 1
    order = np.random.default_rng(seed).permutation(sorted(films_of))
    filled, fold = [0] * count, {}
    for patient in sorted(order, key=lambda name: -films_of[name]):
        fold[str(patient)] = int(np.argmin(filled))
        filled[fold[str(patient)]] += films_of[patient]
    return fold


def training_set(
    dataset_dir: str | Path,
    contours: Iterable[str | Path],
    *,
    leave_out: int | None = None,
    folds: int = 5,
    drawn: Iterable[str] = STRUCTURES,
) -> list[LabelledFilm]:
    """What a network is trained on: every film with masks or contours, without the patients of one fold.

    Args:
        dataset_dir: folder of the data sets.
        contours: contour files.
        leave_out: fold whose patients are left out; None leaves out nobody.
        folds: number of folds, cut between the patients of the films with masks.
        drawn: structures that are taken from the contour files.
    """
    lungs = films_with_lungs(dataset_dir)
    fold_of = patient_folds(lungs, folds)
    films = [*lungs]
    for film in films_with_contours(dataset_dir, *contours):
        wanted = {name: polygon for name, polygon in (film.contours or {}).items() if name in drawn}
        films += [replace(film, contours=wanted)] if wanted else []
    return films if leave_out is None else [film for film in films if fold_of.get(film.patient) != leave_out]
