"""A finished run read back from its folder: what a panel or a report shows, and nothing it was not told in writing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from monai_cars.edits.axes import Axes, to_standard
from monai_cars.files.padding import without_padding
from monai_cars.files.radiograph import RadiographError, read_radiograph
from monai_cars.files.spelling import unwritten

GONE = "its pictures are missing: the film, or what was made of it, can no longer be read"
"""What a page says in place of pictures, and a run of a film of which it has none."""


@dataclass(frozen=True)
class Result:
    """One edit of a run: its manifest line and, read when asked for, its pictures.

    Args:
        folder: of the run.
        line: of the manifest.
        films: where films lie, by the `source` of their lines; of one that is not in it, `source` is the path from the
            folder.
    """

    folder: Path
    line: Mapping[str, Any]
    films: Mapping[str, Path] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether the gate let it through."""
        return bool(self.line["accepted"])

    @property
    def title(self) -> str:
        """What was done, in words.

        Example:
            >>> Result(Path(), {"operation": "insert", "finding": "nodule", "side": "left", "zone": None}).title
            'nodule inserted, left'
        """
        verb = {"insert": "inserted", "delete": "removed", "sham": "sham"}[self.line["operation"]]
        place = " ".join(str(self.line[key]) for key in ("side", "zone") if self.line.get(key))
        return f"{self.line['finding']} {verb}" + (f", {place}" if place else "")

    @property
    def axes(self) -> Axes:
        """How the film lies in its file."""
        return Axes.parse(self.line["axes"])

    def before(self) -> np.ndarray:
        """(H, W) float32 as a person looks at it: upright, bright = dense."""
        return self._film(self._source, self.line["source_sha256"])

    def after(self) -> np.ndarray:
        """(H, W) float32; the film before where the edit was not accepted."""
        if not self.accepted:
            return self.before()
        return self._film(self.folder / self.line["output"], self.line["output_sha256"])

    @property
    def _source(self) -> Path:
        told = self.line["source"]
        return self.films.get(told) or self.folder / unwritten(told)

    def mask(self, name: str) -> np.ndarray:
        """Upright bool mask: ``"lesion"`` and ``"support"`` (H, W), ``"anatomy"`` (S, H, W); empty where none is."""
        path = self.line[name]
        if path is None:
            return np.zeros(self.before().shape, bool)
        with Image.open(self.folder / path) as picture:
            mask = np.asarray(picture) > 0
        if name == "anatomy" and mask.ndim == 2:  # of one structure; more than three stand below each other
            mask = mask.reshape(-1, math.prod(self.line["shape"]) // mask.shape[1], mask.shape[1])
        else:
            mask = np.moveaxis(mask, -1, 0) if mask.ndim == 3 else mask
        return self._upright(mask)

    def _film(self, path: Path, sha256: str) -> np.ndarray:
        film = read_radiograph(path, check=False)
        if film.header.sha256 != sha256:
            raise RadiographError(f"{path}: the film must be the one of the manifest (got another); run it again")
        image = self._upright(without_padding(film.image, film.header)[0][0].numpy())
        return -image if self.axes.inverted else image

    def _upright(self, array: np.ndarray) -> np.ndarray:
        return to_standard(torch.from_numpy(array), self.axes).numpy()


def read_results(folder: str | Path) -> list[Result]:
    """Every edit of a finished run, in the manifest's order.

    Raises:
        FileNotFoundError: the folder holds no finished run.
    """
    manifest = Path(folder) / "manifest.jsonl"
    if not manifest.is_file():
        raise FileNotFoundError(f"{str(folder)!r} must hold a finished run (manifest.jsonl), got none; run it first")
    lines = manifest.read_text(encoding="utf-8").splitlines()
    return [Result(Path(folder), json.loads(line)) for line in lines]
