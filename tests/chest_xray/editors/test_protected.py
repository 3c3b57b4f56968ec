"""Whatever editor proposes: lines keep their contrast, marks keep their bits."""

import numpy as np
import pytest
import torch
from drawn_lines import with_letter, with_wire
from phantom_film import drawn_film, drawn_header, phantom

from monai_cars.chest_xray.editors.canvas.protected import devices_of, fill_from_beside, protect, without_devices
from monai_cars.edits.edit import Box, CannotEdit, Edit, Proposal
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
ANYTHING = Gate([OutsideUnchanged()])


class _Erases:
    """An editor that levels the whole film it is shown: it would wipe out every line."""

    name, weights = "erases", None

    def propose(self, film, anatomy, edit, generator):
        u = (film.image[0] - film.unit.aerated) / film.unit.value
        support = torch.zeros(u.shape, dtype=torch.bool)
        support[20:-20, 20:-20] = True
        residual = torch.where(support, 0.5 - u, torch.zeros_like(u))
        return Proposal(Box(0, 0, *u.shape), residual, support, support.clone())


def _erased(film):
    edit = Edit("insert", "opacities", severity=0.5)
    return make_counterfactual(
        film.image, film.anatomy, edit, header=drawn_header(film), editor=_Erases(), gate=ANYTHING
    ).image


def test_a_wire_outlives_an_editor_that_wipes_the_film():
    film, wire = with_wire(FILM, 0.3)
    after = _erased(film)[0].numpy() / FILM.contrast_unit
    inner = wire.copy()
    inner[:, :45] = inner[:, 325:] = False
    beside = np.roll(inner, 9, 0)
    assert (after[inner] - after[beside].mean()).mean() > 0.7 * 0.2
    assert after[beside].std() < 0.05


def test_a_letter_keeps_its_bits():
    film, letter = with_letter(FILM)
    after = _erased(film)
    assert torch.equal(after[0][torch.from_numpy(letter)], film.image[0][torch.from_numpy(letter)])
    assert not torch.equal(after, film.image)


def test_a_film_without_lines_is_handed_on_as_it_is():
    film = drawn_film(phantom(size=(256, 256), texture=0.0))
    devices = devices_of(film)
    if not devices.lines.any():
        assert without_devices(film) is film


def test_filled_lines_are_like_the_film_without_them():
    film, wire = with_wire(FILM)
    seen = drawn_film(film)
    cleared = without_devices(seen).image
    left = (cleared - FILM.image)[0].numpy() / FILM.contrast_unit
    put = (film.image - FILM.image)[0].numpy() / FILM.contrast_unit
    assert np.abs(left[wire]).mean() < 0.35 * np.abs(put[wire]).mean()


def test_the_residual_fades_towards_a_mark():
    film, letter = with_letter(FILM)
    devices = devices_of(drawn_film(film))
    whole = torch.ones(letter.shape, dtype=torch.bool)
    proposal = protect(Proposal(Box(0, 0, *letter.shape), whole.float(), whole, whole), devices)
    assert not proposal.residual[torch.from_numpy(letter)].any()
    assert not proposal.support[torch.from_numpy(letter)].any()
    assert float(proposal.residual[186, 60]) == 1.0
    assert float(proposal.residual.diff(dim=1).abs().max()) < 0.7


def test_a_place_under_a_mark_cannot_be_edited():
    film, _ = with_letter(FILM)
    devices = devices_of(drawn_film(film))
    spot = torch.ones(2, 2, dtype=torch.bool)
    with pytest.raises(CannotEdit, match="under a burnt-in mark or opaque metal"):
        protect(Proposal(Box(184, 91, 186, 93), spot.float(), spot, spot), devices)


def test_a_fill_continues_a_ramp():
    ramp = np.tile(np.arange(64.0, dtype=np.float32), (64, 1))
    mask = np.zeros((64, 64), bool)
    mask[:, 30:34] = True
    assert np.abs(fill_from_beside(ramp, mask, 1.0) - ramp)[8:-8].max() < 2.0
    assert np.array_equal(fill_from_beside(ramp, np.zeros_like(mask), 1.0), ramp)
