"""A finished run read back from its folder: what a panel or a report shows, and nothing it was not told in writing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from monai_cars.radiograph import read_radiograph


@dataclass(frozen=True)
class Result:
    """One edit of a run: its manifest line and, read when asked for, its pictures.

    Args:
        folder: of the run.
        line: of the manifest.
    """

    folder: Path
    line: Mapping[str, Any]

    @property
    def accepted(self) -> bool:
        """Whether the gate let it through."""
        return bool(self.line["accepted"])

    @property
    def title(self) -> str:
        """What was done, in words.

        Example:
            >>> Result(Path(), {"operation": "insert", "finding": "effusion", "side": "left", "zone": None}).title
            'effusion inserted, left'
        """
        verb = {"insert": "inserted", "delete": "removed", "sham": "sham"}[self.line["operation"]]
        place = " ".join(str(self.line[key]) for key in ("side", "zone") if self.line.get(key))
        return f"{self.line['finding']} {verb}" + (f", {place}" if place else "")

    def before(self) -> np.ndarray:
        """(H, W) float32, bright = dense."""
        return _film(self.folder / self.line["source"], self.line.get("source_spacing"))

    def after(self) -> np.ndarray:
        """(H, W) float32, bright = dense; the film before where the edit was not accepted."""
        return _film(self.folder / self.line["output"]) if self.accepted else self.before()

    def mask(self, name: str) -> np.ndarray:
        """(H, W) bool of ``"lesion"`` or ``"support"``, (3, H, W) of ``"anatomy"``; empty where nothing was written."""
        path = self.line[name]
        if path is None:
            return np.zeros(self.before().shape, bool)
        mask = np.asarray(Image.open(self.folder / path)) > 0
        return np.moveaxis(mask, -1, 0) if mask.ndim == 3 else mask


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


def _film(path: Path, spacing: Any = None) -> np.ndarray:
    return np.asarray(read_radiograph(path, spacing=spacing and tuple(spacing)).image[0])
