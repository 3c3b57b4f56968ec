"""The film's one home: what is worked out of it is its own."""

from dataclasses import replace

import pytest
import torch
from drawn_lines import with_wire
from phantom_film import drawn_film, phantom

from monai_cars.chest_xray.editors.canvas.protected import devices_of
from monai_cars.edits.film import Scale
from monai_cars.edits.film_memory import MEMORY

FILM = drawn_film(phantom(size=(128, 128)))


@pytest.fixture(autouse=True)
def nothing_remembered():
    MEMORY.forget()
    yield
    MEMORY.forget()


def total(film):
    return film.recall("total", lambda: float(film.image.sum() + film.anatomy.sum()))


def test_what_is_recalled_of_a_film_was_made_of_its_own_values_and_masks():
    denser = replace(FILM, image=FILM.image + 1)
    without_heart = replace(FILM, anatomy=FILM.anatomy * torch.tensor([1, 1, 0], dtype=torch.uint8)[:, None, None])
    for film in (FILM, denser, without_heart):
        assert total(film) == float(film.image.sum() + film.anatomy.sum())


def test_a_thing_is_made_once_a_film_however_many_objects_hold_it():
    made = []

    def make():
        made.append(1)
        return len(made)

    same = replace(FILM, image=FILM.image.clone(), anatomy=FILM.anatomy.clone())
    assert [film.recall("count", make) for film in (FILM, FILM, same)] == [1, 1, 1]
    assert [FILM.recall(("count", mm), make) for mm in (1.0, 2.0)] == [2, 3]


def test_devices_are_found_anew_where_the_scale_or_the_unit_is_another():
    wired = drawn_film(with_wire(phantom(size=(384, 400)))[0])
    coarse = replace(wired, scale=Scale((8.0, 8.0), "datalist"))
    assert devices_of(wired).lines.any()
    assert devices_of(coarse).mm != devices_of(wired).mm
    faint = replace(wired, unit=replace(wired.unit, value=100.0 * wired.unit.value))
    assert not devices_of(faint).lines.any()


@pytest.mark.parametrize(
    ("scale", "elements"),
    [(Scale((0.5, 0.5)), 2.0), (Scale((1.0, 0.5, 0.3)), 3 / 1.8), (Scale(None, usual=1.5), 1.5), (Scale(), 1.0)],
)
def test_a_millimetre_is_told_by_the_scale_and_else_by_a_usual_body(scale, elements):
    film = replace(FILM, scale=scale)
    assert film.millimetre == scale.millimetre == pytest.approx(elements)
    assert film.spacing == scale.spacing
