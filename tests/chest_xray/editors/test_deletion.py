"""Round opacities: what was added comes off with its edge, the size that is told is that of the opacity."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from phantom_film import drawn_film, drawn_header, phantom
from scipy import ndimage as ndi

from monai_cars.chest_xray.editors.canvas.canvas import make_canvas
from monai_cars.chest_xray.editors.lung.deletion import shell_smooth
from monai_cars.edits.edit import Edit, Region
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
SEEN = drawn_film(FILM)
CENTRE = (170.0, 100.0)


def _deleted(radius, finding, region, amplitude=0.4):
    y, x = np.mgrid[:384, :400]
    disc = ndi.gaussian_filter((np.hypot(y - CENTRE[0], x - CENTRE[1]) < radius).astype(np.float32), 1.0)
    ill = replace(FILM, image=(FILM.image + torch.from_numpy(disc)[None] * amplitude * SEEN.unit.value).round())
    edit = Edit("delete", finding, region=region)
    gate = Gate([OutsideUnchanged()])
    return disc, make_counterfactual(ill.image, FILM.anatomy, edit, header=drawn_header(ill), gate=gate)


@pytest.mark.parametrize(
    ("radius", "finding"), [(10, "nodule"), (28, "mass"), (14, "irregular hilum"), (14, "adenopathy")]
)
@pytest.mark.parametrize("by", ["point", "box"])
def test_a_disc_comes_off_and_its_size_is_told(radius, finding, by):
    (y, x), reach = CENTRE, radius + 1
    box = (y - reach, x - reach, y + reach, x + reach)
    disc, found = _deleted(radius, finding, Region(point=CENTRE) if by == "point" else Region(box=box))
    assert found.accepted, found.record["reason"]
    left = ((found.image - FILM.image)[0].numpy() / SEEN.unit.value)[disc > 0.9]
    assert abs(left.mean()) < 0.4 * 0.4
    mm = 2 * radius * FILM.spacing[0]
    assert found.record["severity_asked"]["value"] == pytest.approx(mm, rel=0.25)
    assert found.record["severity_measured"]["value"] == pytest.approx(mm, rel=0.3)


def test_shells_average_what_crosses_them():
    canvas = make_canvas(FILM.image, FILM.anatomy, SEEN.unit, spacing=SEEN.spacing, position=None)
    y, x = np.mgrid[:384, :400]
    signed = 30.0 - np.hypot(y - 190, x - 200)
    profile = np.clip(signed / 30, 0, 1).astype(np.float32)
    stripes = 0.2 * np.sign(np.sin(y / 2.0)).astype(np.float32)
    smooth = shell_smooth(profile + stripes, signed, canvas.feature, 5.0)
    inside = (signed > 3) & (signed < 25)
    assert np.abs(smooth - profile)[inside].mean() < 0.05
    assert (smooth[signed < -6] == 0).all()
