"""Closed forms of a rib's layer: lifted off whole, and moved by what was asked."""

import numpy as np
import pytest

from monai_cars.chest_xray.editors.wall.rib_layer import broken, rib_layer


@pytest.mark.parametrize("shift", [-12.0, -5.0, 4.0, 9.0])
def test_a_moved_fragment_is_the_layer_shifted(shift):
    across, along = np.arange(-40.0, 40.5, 0.5), np.arange(-30, 90)
    layer = np.repeat(np.exp(-((across / 6.0) ** 4))[None], len(along), 0)
    found = broken(layer, along, across, shift, np.zeros(len(across)), gap=2.0, mm=1.0, back=70.0)
    assert np.array_equal(found[along < -3], layer[along < -3])
    assert np.array_equal(found[along >= 70], layer[along >= 70])
    moved = found[int(np.flatnonzero(along == 5)[0])]
    assert moved @ across / moved.sum() == pytest.approx(shift, abs=0.1)
    assert found[int(np.flatnonzero(along == 0)[0])].max() < 0.1


@pytest.mark.parametrize("taper", [0.0, 0.03])
def test_a_rib_is_lifted_off_whole_and_what_lies_behind_stays(taper):
    columns = np.arange(20.0, 140.0)
    path = np.stack([50 + 0.1 * columns, columns], 1)
    half = 6.0 - taper * (columns - 80)
    y, x = np.mgrid[:120, :160].astype(float)
    behind = 0.2 + 0.004 * y
    height = 6.0 - taper * (x - 80)
    rib = 0.15 * (np.abs(y - (50 + 0.1 * x)) < height)
    across = np.arange(-18.0, 18.5, 0.5)
    layer = rib_layer(behind + rib, path, across, half, mm=1.0)
    middle = layer[20:-20]
    assert middle[:, np.abs(across) < 3] == pytest.approx(0.15, abs=0.02)
    assert np.abs(middle[:, np.abs(across) > 11]).max() < 1e-6
