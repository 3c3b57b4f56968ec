"""Texture is brought to the amplitude of quiet lung, in its own places."""

import numpy as np
import pytest
import torch

from monai_cars.chest_xray.editors.canvas.canvas import Canvas
from monai_cars.chest_xray.editors.lung.lung_density import LungDensity
from monai_cars.chest_xray.editors.lung.texture_match import STRONGEST, WEAKEST, match_texture

SHAPE = (200, 240)
LUNG = np.ones(SHAPE, bool)
HERE = np.zeros(SHAPE, bool)
HERE[60:140, 130:210] = True


def _matched(gain: float, **more):
    """Film whose texture is ``gain`` times as strong in a place, and the film after matching."""
    from scipy import ndimage as ndi

    grain = ndi.gaussian_filter(np.random.default_rng(0).standard_normal(SHAPE), 1.5)
    grain = (0.02 * grain / grain.std()).astype(np.float32)
    film = np.where(HERE, gain * grain, grain).astype(np.float32)
    masks = np.zeros((3, *SHAPE), bool)
    masks[:2] = True
    canvas = Canvas(film, masks, 1, torch.from_numpy(film), 1.0, "erect")
    density = LungDensity(np.zeros_like(film), np.ones_like(film), LUNG, ~LUNG)
    change, fine, low = match_texture(
        canvas, density, np.zeros_like(film), LUNG, ~HERE, HERE.astype(np.float32), **more
    )
    return film, film + change + fine * (film - low), grain


INNER = np.zeros(SHAPE, bool)
INNER[85:115, 155:185] = True


@pytest.mark.parametrize("gain", [0.6, 1.0, 1.9])
def test_its_amplitude_becomes_that_of_quiet_lung(gain):
    _, after, grain = _matched(gain)
    assert after[INNER].std() == pytest.approx(grain[INNER].std(), rel=0.15)
    assert np.corrcoef(after[INNER], grain[INNER])[0, 1] > 0.98


@pytest.mark.parametrize(("gain", "limit"), [(0.1, STRONGEST), (10.0, WEAKEST)])
def test_gains_are_bounded(gain, limit):
    film, after, _ = _matched(gain)
    assert after[INNER].std() / film[INNER].std() == pytest.approx(limit, rel=0.1)


def test_elsewhere_nothing_changes():
    film, after, _ = _matched(0.5)
    assert np.array_equal(film[~HERE], after[~HERE])


def test_weakening_only_leaves_faint_texture():
    film, after, _ = _matched(0.5, only_weaken=True)
    assert np.abs(after - film)[INNER].max() < 1e-3
