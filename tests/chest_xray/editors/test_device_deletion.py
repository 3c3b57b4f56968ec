"""A wire that was drawn onto a film is taken away again; a film without one is left alone."""

import numpy as np
import pytest
import torch
from drawn_lines import with_wire
from phantom_film import drawn_header, phantom, propose, written

from monai_cars.chest_xray.editors.devices.device_deletion import along_line
from monai_cars.edits.edit import CannotEdit, Edit, Region
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
DELETE = Edit("delete", "support devices")


def test_a_wire_goes_and_the_film_beneath_comes_back():
    film, wire = with_wire(FILM)
    after = written(film, propose(film, DELETE)).image
    unit = FILM.contrast_unit
    put, left = ((image - FILM.image)[0].numpy()[wire] / unit for image in (film.image, after))
    assert np.abs(left).mean() < 0.3 * np.abs(put).mean()


def test_a_deletion_passes_its_gate_and_stays_an_instance():
    film, _ = with_wire(FILM)
    found = make_counterfactual(film.image, film.anatomy, DELETE, header=drawn_header(film))
    assert found.accepted, found.record["reason"]
    assert found.record["instance_only"]
    assert torch.equal(found.image[found.support == 0], film.image[found.support == 0])
    assert "devices_removed" in [check["name"] for check in found.record["checks"]]
    assert found.record["severity_measured"]["value"] == pytest.approx(found.record["severity_asked"]["value"], rel=0.2)


def test_a_film_without_devices_is_refused():
    with pytest.raises(CannotEdit, match=r"no device was found: lines of \d+ mm, 60 mm are needed"):
        propose(FILM, DELETE)


@pytest.mark.parametrize(
    ("region", "found"),
    [
        (Region(box=(90, 20, 240, 360)), True),
        (Region(point=(150 + 40 * np.sin(200 / 70), 200)), True),
        (Region(box=(300, 20, 340, 360)), False),
    ],
)
def test_with_a_region_only_its_lines_go(region, found):
    film, _ = with_wire(FILM)
    edit = Edit("delete", "support devices", region=region)
    if found:
        assert propose(film, edit).lesion.any()
    else:
        with pytest.raises(CannotEdit, match="no device was found"):
            propose(film, edit)


def test_a_region_may_be_a_mask():
    film, wire = with_wire(FILM)
    mask = torch.from_numpy(np.maximum.reduce([np.roll(wire, s, 0) for s in range(-8, 9)]))
    assert propose(film, Edit("delete", "support devices", region=Region(mask=mask))).lesion.any()


def test_what_a_line_adds_is_averaged_along_it_and_not_across():
    mask = np.zeros((40, 120), bool)
    mask[18:23] = True
    profile = np.zeros((40, 120), np.float32)
    profile[18:23] = np.array([0.1, 0.3, 0.5, 0.3, 0.1])[:, None]
    crossed = profile.copy()
    crossed[:, 58:61] += 0.2 * mask[:, 58:61]
    smooth = along_line(crossed, mask, 12.0)
    assert np.abs(smooth - profile)[mask].max() < 0.06
    assert not smooth[~mask].any()
