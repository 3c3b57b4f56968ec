"""The fixed sets of real films that the benchmarks share, drawn once by a seed, and their anatomy, segmented once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import torch

SEED = 20261122
NIH = ("nih_pneumonia_nofinding", "nih_diverse")
ANATOMY = Path("runs/anatomy_cache")


def tables(data: Path) -> dict[str, pd.DataFrame]:
    """Rows (folder, image, patient_id, ...) by kind: PA adults, children, bedside films, films of intensive care."""
    nih = pd.concat([pd.read_csv(data / d / "labels.csv").assign(folder=d) for d in NIH])
    bedside = pd.read_csv(data / "hannover_covid" / "labels.csv").assign(folder="hannover_covid")
    bedside["image"] = bedside.image.where(bedside.image.str.endswith(".jpg"), bedside.image + ".jpg")
    supine = bedside[bedside.projection == "ap"]
    return {
        "PA adult": nih[(nih.view == "PA") & (nih.age >= 18)],
        "child": nih[nih.age < 14],
        "bedside": supine[supine.icu_admission_offset.isna()],
        "devices": supine[supine.icu_admission_offset.notna()],
    }


def fixed_films(data: Path, counts: tuple[int, int, int, int] = (15, 3, 9, 3)) -> pd.DataFrame:
    """Films (columns folder, image, kind), one a patient, fixed by the seed; smaller counts give a part of them."""
    groups = [_draw(frame, n).assign(kind=kind) for (kind, frame), n in zip(tables(data).items(), counts, strict=True)]
    return pd.concat(groups, ignore_index=True)


def _draw(frame: pd.DataFrame, count: int) -> pd.DataFrame:
    single = frame.sample(frac=1, random_state=SEED).drop_duplicates("patient_id")
    return single.head(count)[["folder", "image"]]


def boxed_films(data: Path, count: int) -> pd.DataFrame:
    """Films with a boxed opacity (columns folder, image, box in film pixels), one box a film, in a seeded order."""
    boxes = pd.read_csv(data / NIH[0] / "boxes.csv").assign(folder=NIH[0])
    boxes = boxes[(boxes.w_512 < 200) & (boxes.h_512 < 200)]
    return boxes.sample(frac=1, random_state=SEED).drop_duplicates("image").head(count)


def corners(row) -> tuple[float, float, float, float]:
    """(y0, x0, y1, x1) of a row of `boxed_films`."""
    return row.y_512, row.x_512, row.y_512 + row.h_512, row.x_512 + row.w_512


def anatomy_of(path: Path, image: torch.Tensor) -> torch.Tensor:
    """Masks (S, H, W) of a film by the shipped segmenter, kept under runs/ for the next benchmark."""
    from monai_cars.chest_xray.anatomy import load_segmenter
    from monai_cars.weights import load_record

    name = hashlib.sha256(path.read_bytes() + load_record("cars_anatomy").sha256.encode()).hexdigest()[:24]
    kept = ANATOMY / f"{name}.npz"
    if kept.exists():
        with np.load(kept) as stored:
            return torch.from_numpy(np.unpackbits(stored["bits"], axis=-1)[..., : image.shape[-1]])
    masks = load_segmenter()(image)
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(f".{np.random.randint(1 << 30)}.npz")
    np.savez_compressed(part, bits=np.packbits(masks.numpy() > 0, axis=-1))
    part.replace(kept)
    return masks
