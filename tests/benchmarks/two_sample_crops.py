"""The crops of the two-sample tests: films with and without an edit, seen alike. See two_sample.py."""

from __future__ import annotations

import csv
import json
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from film_sets import NIH, anatomy_of, boxed_films, corners
from fit_healthy_lung import EDITOR, PATIENTS, healthy_films
from pandas import read_csv
from PIL import Image
from scipy import ndimage as ndi
from two_sample import ARMS

from monai_cars.edits.edit import Edit, Quantity, Region
from monai_cars.files.radiograph import read_radiograph
from monai_cars.findings.severity import SEVERITY
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual

CROP = 256  # pixels
FILLED = 0.65  # share of a radiologist's box that the opacity in it fills, by eye


@dataclass(frozen=True)
class Crop:
    """One film of an arm and where it is looked at.

    Args:
        arm: of ARMS.
        label: 1 for the edited class (in the floor: for half of the patients).
        patient: groups crops for the folds.
        film: (H, W) values of the film or of its edit.
        like: (H, W) the film before any edit: its range sets the 8 bits of both classes.
        centre: (row, column) of the crop.
        side: image side on which it lies; classes are balanced over it.
    """

    arm: str
    label: int
    patient: str
    film: np.ndarray
    like: np.ndarray
    centre: tuple[float, float]
    side: str


def as_seen(crop: Crop, shorter: int) -> Image.Image:
    """The crop as both classes come: resampled, requantised, cut out."""
    low, high = float(crop.like.min()), float(crop.like.max())
    grey = np.clip((crop.film - low) / max(high - low, 1e-6) * 255, 0, 255)
    scale = shorter / min(grey.shape)
    size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
    image = Image.fromarray(grey.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    y, x = (
        int(np.clip(c * scale - CROP / 2, 0, n - CROP)) for c, n in zip(crop.centre, (size[1], size[0]), strict=True)
    )
    return Image.fromarray(np.rint(np.asarray(image)[y : y + CROP, x : x + CROP]).astype(np.uint8))


def make(out: Path, data: Path, limit: int, arms: tuple[str, ...], shorter: int) -> None:
    """Write the crops of every arm and their table."""
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    rows, steps = [], {"deletion of a real opacity": [], "sham": [], "sham as a whole": []}
    crops = [*healthy_arms(data, limit, steps), *opacity_arms(data, limit, steps)]
    kept = [crop for crop in balanced(crops) if crop.arm in arms]
    for number, crop in enumerate(kept):
        name = f"{number:05d}.png"
        as_seen(crop, shorter).save(out / name)
        rows.append((name, crop.arm, crop.label, crop.patient))
    with (out / "crops.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "arm", "label", "patient"), *rows])
    print(f"{len(rows)} crops in {out}")
    if all(steps.values()):
        step = float(np.median(np.concatenate(steps["deletion of a real opacity"])))
        detail, whole = (float(np.mean(np.concatenate(steps[name]) >= step)) for name in ("sham", "sham as a whole"))
        print(
            f"median texture step of a real deletion {step:.4f} contrast units; "
            f"{whole:.0%} of the shams' pixels change by as much, the detail of {detail:.0%} does"
        )


def balanced(crops: list[Crop]) -> list[Crop]:
    """As many crops of each class from each side of the image: the side must not tell the class."""
    kept = []
    for arm in ARMS:
        for side in ("left", "right"):
            classes = [[c for c in crops if (c.arm, c.side, c.label) == (arm, side, label)] for label in (0, 1)]
            count = min(map(len, classes))
            kept += [crop for part in classes for crop in part[:count]]
    return kept


def healthy_arms(data: Path, limit: int, steps: dict[str, list[np.ndarray]]) -> list[Crop]:
    """Shams, deletions on healthy lung and both controls, each beside the same place untouched."""
    crops: list[Crop] = []
    boxes = boxed_films(data, 110)
    for number, row in enumerate(hosts(data).head(limit).itertuples()):
        place = boxes.iloc[number % len(boxes)]
        film, anatomy = _film(data / NIH[0] / "images" / row.image)
        other, lungs = _film(data / place.folder / "images" / place.image)
        del other
        edits = {
            "sham": Edit("sham", "nodule", seed=number),
            "deletion": Edit("delete", "consolidation", region=Region(box=_moved(corners(place), lungs, anatomy))),
        }
        for arm, edit in edits.items():
            made = _edited(film, anatomy, edit)
            if made is None:
                continue
            crops += _pair(arm, str(row.patient_id), film, made.image, made.support)
            if arm == "sham":
                steps["sham"].append(_texture_step(film, made))
                steps["sham as a whole"].append(_change(film, made))
                for control in (_blurred, _pasted):
                    name, after = control(film.image[0].numpy(), made.support[0].numpy() > 0, number)
                    crops += _pair(name, str(row.patient_id), film, torch.from_numpy(after)[None], made.support)
    return crops


def hosts(data: Path):
    """Films without findings of patients from whom the editor learned nothing."""
    films = healthy_films(data)
    return films[~films.patient_id.isin(json.loads(PATIENTS.read_text())[EDITOR])]


def opacity_arms(data: Path, limit: int, steps: dict[str, list[np.ndarray]]) -> list[Crop]:
    """Real boxed opacities, opacities inserted into the other, unboxed lung of such films, and the floor."""
    boxes = read_csv(data / NIH[0] / "boxes.csv")
    crops: list[Crop] = []
    for number, row in enumerate(boxed_films(data, 110).head(limit).itertuples()):
        film, anatomy = _film(data / row.folder / "images" / row.image)
        patient, middle = row.image.split("_")[0], film.image.shape[2] / 2
        y0, x0, y1, x1 = corners(row)
        here = ((y0 + y1) / 2, (x0 + x1) / 2)
        values = film.image[0].numpy()
        real = Crop("inserted", 0, patient, values, values, here, "left" if here[1] < middle else "right")
        crops += [real, replace(real, arm="floor", label=int(zlib.crc32(patient.encode()) % 2))]
        deleted = _edited(film, anatomy, Edit("delete", "consolidation", region=Region(box=corners(row))))
        if deleted is not None:
            steps["deletion of a real opacity"].append(_texture_step(film, deleted))
        centres = boxes[boxes.image == row.image].pipe(lambda b: b.x_512 + b.w_512 / 2)
        free = {"right": bool((centres > middle).all()), "left": bool((centres < middle).all())}
        for side in (side for side, unboxed in free.items() if unboxed):
            # The patient's right lung lies on the image's left; what is drawn is as large and as high as the boxed one.
            zone, share = _as_boxed((y0, x0, y1, x1), anatomy, boxed="right" if side == "left" else "left")
            edit = Edit("insert", "consolidation", side=side, zone=zone, severity=share, seed=number)
            made = _edited(film, anatomy, edit)
            if made is not None:
                centre = _centre(made.support)
                seen = made.image[0].numpy()
                crops.append(Crop("inserted", 1, patient, seen, values, centre, _image_side(centre, middle)))
    return crops


def _as_boxed(box: tuple[float, ...], anatomy: torch.Tensor, boxed: str) -> tuple[str, Quantity]:
    """Third of the lung's height in which a box lies, and the share of the lung that fills it."""
    lung = anatomy[0 if boxed == "right" else 1] > 0
    rows = torch.nonzero(lung.any(1))
    height = ((box[0] + box[2]) / 2 - float(rows.min())) / max(float(rows.max() - rows.min()), 1.0)
    share = FILLED * (box[2] - box[0]) * (box[3] - box[1]) / max(float(lung.sum()), 1.0)
    low, high = SEVERITY["consolidation"].low, SEVERITY["consolidation"].high
    zone = ("upper", "middle", "lower")[int(np.clip(3 * height, 0, 2))]
    return zone, Quantity(float(np.clip(share, low, high)), "fraction")


def _film(path: Path):
    film = read_radiograph(path)
    return film, anatomy_of(path, film.image)


def _edited(film, anatomy, edit):
    """An accepted edit; for deletions of healthy lung whatever the editor proposes, None where it refuses."""
    gate = Gate([OutsideUnchanged()]) if edit.operation == "delete" else None
    made = make_counterfactual(film.image, anatomy, edit, header=film.header, gate=gate)
    return made if made.accepted else None


def _pair(arm: str, patient: str, film, after: torch.Tensor, support: torch.Tensor) -> list[Crop]:
    values, centre = film.image[0].numpy(), _centre(support)
    side = _image_side(centre, film.image.shape[2] / 2)
    films = (values, after[0].numpy())
    return [Crop(arm, label, patient, shown, values, centre, side) for label, shown in enumerate(films)]


def _image_side(centre: tuple[float, float], middle: float) -> str:
    return "left" if centre[1] < middle else "right"


def _centre(support: torch.Tensor) -> tuple[float, float]:
    rows, columns = torch.nonzero(support[0] > 0, as_tuple=True)
    return float(rows.min() + rows.max()) / 2, float(columns.min() + columns.max()) / 2


def _moved(box: tuple[float, ...], lungs: torch.Tensor, onto: torch.Tensor) -> tuple[float, float, float, float]:
    """A box at the same share of another film's lungs."""
    hulls = []
    for masks in (lungs, onto):
        rows, columns = torch.nonzero(masks[:2].amax(0), as_tuple=True)
        hulls.append([(float(axis.min()), float(axis.max() - axis.min())) for axis in (rows, columns)])
    (from_y, from_x), (to_y, to_x) = hulls
    y0, y1 = (to_y[0] + (edge - from_y[0]) / from_y[1] * to_y[1] for edge in (box[0], box[2]))
    x0, x1 = (to_x[0] + (edge - from_x[0]) / from_x[1] * to_x[1] for edge in (box[1], box[3]))
    return y0, x0, y1, x1


def _texture_step(film, made) -> np.ndarray:
    """Changes of the detail (finer than 2 pixels) over the support, in contrast units."""
    change = (made.image - film.image)[0].numpy() / abs(made.record["contrast_unit"]["value"])
    return np.abs(change - ndi.gaussian_filter(change, 2.0))[made.support[0].numpy() > 0]


def _change(film, made) -> np.ndarray:
    """All changes over the support, in contrast units."""
    change = (made.image - film.image)[0].numpy() / abs(made.record["contrast_unit"]["value"])
    return np.abs(change)[made.support[0].numpy() > 0]


def _blurred(film: np.ndarray, support: np.ndarray, _: int) -> tuple[str, np.ndarray]:
    soft = ndi.gaussian_filter(support.astype(np.float32), 2.0)
    return "control blur", film + soft * (ndi.gaussian_filter(film, 1.5) - film)


def _pasted(film: np.ndarray, support: np.ndarray, seed: int) -> tuple[str, np.ndarray]:
    """The place replaced by one a few centimetres off, without a feather."""
    shift = (-1) ** seed * max(8, int(0.08 * film.shape[0]))
    return "control paste", np.where(support, np.roll(film, shift, axis=0), film)
