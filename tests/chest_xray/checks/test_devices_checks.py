"""A tube that fades or a letter that changes fails; one that stays, or a film without, passes."""

import numpy as np
import pytest
import torch
from drawn_lines import with_letter, with_wire
from phantom_film import context, drawn_film, phantom

from monai_cars.chest_xray.checks.devices_preserved import DevicesPreserved
from monai_cars.chest_xray.checks.devices_removed import DevicesRemoved
from monai_cars.chest_xray.editors.canvas.protected import devices_of
from monai_cars.edits.edit import Edit

FILM = phantom(size=(384, 400))
EDIT = Edit("insert", "effusion")


def _context(film, **more):
    support = torch.ones(film.image.shape[1:], dtype=torch.bool)
    return context(EDIT, support, anatomy=film.anatomy, unit=drawn_film(film).unit, image=film.image, **more)


@pytest.mark.parametrize(("share", "verdict"), [(1.0, "pass"), (0.9, "pass"), (0.4, "fail"), (0.0, "fail")])
def test_a_wire_must_keep_its_contrast(share, verdict):
    film, _ = with_wire(FILM)
    after = FILM.image + share * (film.image - FILM.image) + 50.0
    result = DevicesPreserved()(film.image, after, _context(film))
    assert result.verdict == verdict
    assert result.value == pytest.approx(share, abs=0.25)


def test_the_devices_are_found_once_a_film():
    film, _ = with_wire(FILM)
    seen = _context(film)
    result = DevicesPreserved()(film.image, FILM.image, seen)
    assert result.verdict == "fail"
    assert "of its contrast" in result.reason
    assert devices_of(seen.film) is devices_of(seen.film)


def test_a_letter_must_not_change():
    film, letter = with_letter(FILM)
    after = film.image.clone()
    after[0][torch.from_numpy(letter)] -= 1
    result = DevicesPreserved()(film.image, after, _context(film))
    assert result.value == 0.0
    assert "burnt-in mark or metal changed" in result.reason


def test_a_film_without_devices_passes():
    assert DevicesPreserved()(FILM.image, FILM.image + 3, _context(FILM)).value == 1.0


def test_a_deletion_must_take_the_wire_away():
    film, wire = with_wire(FILM)
    lesion = torch.from_numpy(wire)
    marked = _context(film, lesion=lesion)
    assert DevicesRemoved()(film.image, FILM.image, marked).verdict == "pass"
    same = DevicesRemoved()(film.image, film.image, marked)
    assert same.value == pytest.approx(1.0)
    assert "still seen" in same.reason
    dark = DevicesRemoved()(film.image, 2 * FILM.image - film.image, marked)
    assert dark.verdict == "fail"


def test_a_deletion_without_a_lesion_cannot_be_judged():
    nothing = torch.zeros(FILM.image.shape[1:], dtype=torch.bool)
    assert DevicesRemoved()(FILM.image, FILM.image, _context(FILM, lesion=nothing)).verdict == "unavailable"
    dot = nothing.clone()
    dot[5, 5] = True
    assert np.isfinite(DevicesRemoved()(FILM.image, FILM.image, _context(FILM, lesion=dot)).value)
