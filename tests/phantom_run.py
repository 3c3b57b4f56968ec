"""A small run: two closed-form films as 16-bit PNG, real editors, real gates."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from phantom import Phantom, phantom
from PIL import Image

from monai_cars.files.radiograph import RadiographError
from monai_cars.reporting.html_report import draw_report
from monai_cars.reporting.panel import draw_panel
from monai_cars.synthesis import REFUSED, Synthesis

SIZE = (384, 400)
EDITS = (
    {"operation": "insert", "finding": "nodule", "side": "left", "zone": "middle", "severity": 0.8},
    {"operation": "insert", "finding": "effusion", "side": "right", "severity": 0.5},
    {"operation": "sham", "finding": "nodule", "side": "right"},
)


PAGES = {"panel.png": draw_panel, "report.html": draw_report}
FLUID = EDITS[1:2]


def films(folder: Path, *, count: int = 2) -> list[Phantom]:
    """Write `count` films into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [phantom(size=SIZE, seed=seed) for seed in range(count)]
    for number, film in enumerate(drawn):
        Image.fromarray(film.image[0].numpy().astype(np.uint16)).save(folder / f"film{number}.png")
    return drawn


def segmenter(image: torch.Tensor) -> torch.Tensor:
    """The phantom's true anatomy: any callable plugs in."""
    if image.shape[-2:] != SIZE:
        raise RadiographError(f"film: must be a phantom of {SIZE} (got {tuple(image.shape)}); draw one")
    return phantom(size=SIZE).anatomy


def phantom_run(folder: Path, **options) -> Synthesis:
    """A run over `folder`/films into `folder`/run, not yet started."""
    settings = {"edits": EDITS, "segmenter": segmenter, "seed": 5, "axes": "HW", "progress": False, **options}
    return Synthesis(dataset=folder / "films", output_dir=folder / "run", **settings)


def skips(run):
    """Why each film was left out."""
    return {each["source"]: each["reason"] for each in run.skipped}


def told(folder):
    """What run.json says."""
    return json.loads((folder / "run" / "run.json").read_text())


def ends_with_3(run):
    """Whether the command would say that films were left out."""
    with pytest.raises(SystemExit) as stopped:
        run.finish()
    return stopped.value.code == REFUSED


def datalist(folder, *items):
    """Write a datalist of these items beside the films."""
    path = folder / "films" / "list.json"
    path.write_text(json.dumps({"training": list(items)}))
    return path
