"""Lines and marks drawn onto a closed-form phantom, for everything that must find, keep or remove them."""

from dataclasses import replace

import numpy as np
import torch
from phantom import Phantom


def with_wire(
    film: Phantom, height: float = 0.4, *, columns: tuple[int, int] = (40, 330)
) -> tuple[Phantom, np.ndarray]:
    """The film with a bent wire three pixels wide across both lungs, and the wire's mask (H, W)."""
    shape = film.image.shape[1:]
    x = np.arange(*columns)
    y = 150 + 40 * np.sin(x / 70.0)
    distance = np.abs(np.arange(shape[0])[:, None] - y[None])
    wire = np.zeros(shape, np.float32)
    wire[:, columns[0] : columns[1]] = np.clip(2.0 - distance, 0.0, 1.0)
    image = film.image + height * film.contrast_unit * torch.from_numpy(wire)
    return replace(film, image=image.round().clamp(max=float(film.image.max()))), wire > 0


def with_letter(film: Phantom, *, at: tuple[int, int] = (180, 90)) -> tuple[Phantom, np.ndarray]:
    """The film with a white L burnt into the right lung, and the letter's mask (H, W)."""
    mask = np.zeros(film.image.shape[1:], bool)
    y, x = at
    mask[y : y + 16, x : x + 4] = mask[y + 12 : y + 16, x : x + 12] = True
    image = film.image.clone()
    image[0][torch.from_numpy(mask)] = float(film.image.max())
    return replace(film, image=image), mask
