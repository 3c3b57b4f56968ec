"""Where a diffusion model may paint: the place that the anatomy gives a finding."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.editors.canvas.canvas import canvas_of, feather, native_box
from monai_cars.chest_xray.editors.canvas.outline import outline_of
from monai_cars.edits.edit import Box, CannotEdit, Edit, Quantity
from monai_cars.edits.film import Film

ROOM_MM = 6.0  # beyond the finding, for its edge and for what it does to its surroundings
FEATHER_MM = 5.0


@dataclass(frozen=True)
class Place:
    """A support in native pixels.

    Args:
        box: crop that the arrays cover.
        lesion: (h, w) bool, where the finding is meant to lie.
        weight: (h, w) float32 in [0, 1], zero at the support's border and beyond.
        asked: amount aimed at, None for a deletion or a sham.
    """

    box: Box
    lesion: torch.Tensor
    weight: torch.Tensor
    asked: Quantity | None


def place_of(film: Film, anatomy: torch.Tensor, edit: Edit, generator: torch.Generator) -> Place:
    """The place of an edit: where the attenuation editor would draw it, or the region of a deletion, with some room.

    Raises:
        CannotEdit: the anatomy has no such place, or the region lies outside the film.
    """
    canvas = replace(canvas_of(replace(film, anatomy=anatomy)), level=0.0, earlier={})
    asked = None
    if edit.operation == "delete" and edit.region is not None:
        lesion = outline_of(canvas, edit.region, snap=False)
    elif edit.operation == "delete":
        raise CannotEdit(f"a diffusion model must be shown where the {edit.finding} lies: give a region")
    else:
        drawn = AttenuationEditor().propose(film, anatomy, edit, generator)
        full = torch.zeros(film.image.shape[1:], dtype=torch.bool)
        full[drawn.box.slices] = (drawn.lesion if drawn.lesion.any() else drawn.support).cpu()
        lesion, asked = full[:: canvas.factor, :: canvas.factor].numpy(), drawn.asked
    if not lesion.any():
        raise CannotEdit("the finding would be smaller than a pixel of this film")
    support = ndi.binary_dilation(lesion, iterations=max(2, int(ROOM_MM * canvas.feature)))
    return _native(canvas, lesion, support, asked)


def _native(canvas, lesion: np.ndarray, support: np.ndarray, asked: Quantity | None) -> Place:
    box = native_box(support, canvas.factor, canvas.native.shape)
    weight = feather(support, FEATHER_MM * canvas.feature).astype(np.float32)
    height, width = box.y1 - box.y0, box.x1 - box.x0
    grid = tuple(slice(b // canvas.factor, -(-e // canvas.factor)) for b, e in ((box.y0, box.y1), (box.x0, box.x1)))
    fine = torch.nn.functional.interpolate(
        torch.from_numpy(weight[grid])[None, None], scale_factor=canvas.factor, mode="bilinear", align_corners=False
    )[0, 0, :height, :width]
    found = torch.from_numpy(np.repeat(np.repeat(lesion[grid], canvas.factor, 0), canvas.factor, 1)[:height, :width])
    return Place(box, found, fine, asked)
