"""Veils, reticulation and fluid: taken away as far as the lung shows through, refused where it does not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from phantom_film import drawn_film, drawn_header, phantom, propose
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.lung.haze_deletion import MOST_OPAQUE
from monai_cars.chest_xray.measurement.reticulation import texture
from monai_cars.edits.edit import CannotEdit, Edit, Region
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
UNIT = drawn_film(FILM).unit.value
ANYTHING = Gate([OutsideUnchanged()])
LUNGS = FILM.anatomy[:2].amax(0).numpy() > 0


def _with(added: np.ndarray):
    return replace(FILM, image=(FILM.image + torch.from_numpy(added.astype(np.float32))[None] * UNIT).round())


def _delete(film, finding, mask):
    edit = Edit("delete", finding, region=Region(mask=torch.from_numpy(mask)))
    return make_counterfactual(film.image, film.anatomy, edit, header=drawn_header(film), gate=ANYTHING)


def _place() -> np.ndarray:
    y, x = np.mgrid[:384, :400]
    return np.hypot((y - 170) / 1.3, x - 100) < 34


@pytest.mark.parametrize("finding", ["opacities", "pneumonitis", "infection", "atelectasis"])
def test_a_veil_comes_off(finding):
    veil = 0.3 * ndi.gaussian_filter(_place().astype(float), 6.0)
    found = _delete(_with(veil), finding, _place())
    assert found.accepted, found.record["reason"]
    core = torch.from_numpy(veil > 0.25)
    assert abs(float(((found.image - FILM.image)[0] / UNIT)[core].mean())) < 0.12


def test_oedema_of_both_lungs_is_weakened():
    veil = 0.5 * ndi.gaussian_filter(LUNGS.astype(float), 4.0) * LUNGS * np.linspace(0.3, 1.2, 384)[:, None]
    found = _delete(_with(veil), "edema", LUNGS)
    assert found.accepted, found.record["reason"]
    left = np.abs((found.image - FILM.image)[0].numpy() / UNIT)
    free = ndi.binary_erosion(LUNGS & ~(FILM.anatomy[2].numpy() > 0), iterations=8)
    # What veils even the clearest lung cannot be told from the film: the rest is taken down to that.
    assert left[free].mean() < 0.9 * veil[free].mean()


def test_reticulation_is_weakened_and_density_stays():
    rng = np.random.default_rng(0)
    lines = np.abs(ndi.gaussian_filter(rng.standard_normal((384, 400)), 1.2))
    net = (lines / lines.std() - lines.mean() / lines.std()) * 0.06 * ndi.gaussian_filter(_place().astype(float), 4.0)
    ill = _with(net)
    found = _delete(ill, "irregular parenchyma", _place())
    assert found.accepted, found.record["reason"]
    core = ndi.binary_erosion(_place(), iterations=8)
    spreads = [texture(f[0].numpy() / UNIT, 0.8)[core].mean() for f in (FILM.image, found.image, ill.image)]
    assert abs(spreads[1] - spreads[0]) < 0.6 * (spreads[2] - spreads[0])
    assert abs(float(((found.image - ill.image)[0] / UNIT)[torch.from_numpy(core)].mean())) < 0.01


def test_reticulation_that_is_not_there_is_refused():
    with pytest.raises(CannotEdit, match="of the lung field has coarser texture than the rest, 2% are needed"):
        propose(FILM, Edit("delete", "irregular parenchyma", region=Region(mask=torch.from_numpy(_place()))))


def _fluid(top: float, amplitude: float):
    rows = np.arange(384)[:, None]
    field = FILM.anatomy[0].numpy() > 0
    return amplitude * field * np.clip((rows - top) / 10, 0, 1), field & (rows > top)


@pytest.mark.parametrize("finding", ["effusion", "fluid", "meniscus sign", "costophrenic blunting"])
def test_opaque_fluid_is_refused(finding):
    added, mask = _fluid(220, 1.0)
    edit = Edit("delete", finding, region=Region(mask=torch.from_numpy(mask)))
    with pytest.raises(CannotEdit, match=r"fluid hides \d+% of the lung; nothing on the film shows what lies under it"):
        propose(_with(added), edit)


def test_a_thin_layer_of_fluid_comes_off():
    added, mask = _fluid(200, 0.3)
    found = _delete(_with(added), "effusion", mask)
    assert found.accepted, found.record["reason"]
    core = torch.from_numpy(ndi.binary_erosion(mask & ~(FILM.anatomy[2].numpy() > 0), iterations=10))
    left = abs(float(((found.image - FILM.image)[0] / UNIT)[core].mean()))
    assert left < 0.6 * float(torch.from_numpy(added)[core].mean())
    assert MOST_OPAQUE < 0.1
