"""Films whose pixels are not square: there and back, and nothing for those whose pixels are."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import disc, drawn_film, phantom

from monai_cars.edits.edit import Box, CannotEdit, Earlier, Edit, Proposal, Region
from monai_cars.edits.film import Scale
from monai_cars.edits.square_pixels import SquarePixels

TALL, WIDE = Scale((1.2, 0.6), "PixelSpacing"), Scale((0.5, 1.0), "PixelSpacing")


@pytest.mark.parametrize(
    "scale", [Scale((0.2, 0.2)), Scale((0.2, 0.2015)), Scale(), Scale((0.1, 0.9)), Scale(stated_aspect=9.0)]
)
def test_square_pixels_and_absurd_ones_are_left_alone(scale):
    grid = SquarePixels.of((40, 50), scale)
    film = replace(drawn_film(phantom(size=(128, 128))), scale=scale)
    proposal = Proposal(Box(0, 0, 2, 2), torch.ones(2, 2), torch.ones(2, 2).bool(), torch.ones(2, 2).bool())
    edit = Edit("delete", "nodule", region=Region(box=(1, 2, 3, 4)))
    assert grid.same
    assert grid.film(film) is film
    assert grid.brought_back(proposal) is grid.seen(proposal) is proposal
    assert grid.edit(edit) is edit
    assert grid.scale(scale) is scale
    assert grid.image(film.image) is film.image
    assert grid.mask(film.anatomy) is grid.touched(film.anatomy) is film.anatomy


def test_a_volume_is_left_alone():
    assert SquarePixels.of((4, 40, 50), Scale((8.0, 1.4, 0.7))).same


@pytest.mark.parametrize(
    ("scale", "square", "spacing", "usual"),
    [
        (TALL, (80, 50), (0.6, 0.6), 1.0),
        (WIDE, (40, 100), (0.5, 0.5), 2.0),
        (Scale(usual=2.0, stated_aspect=1.5), (60, 50), None, 2.0),
        (Scale(usual=2.0, stated_aspect=0.5), (40, 100), None, 4.0),
    ],
)
def test_the_finer_side_of_a_pixel_is_kept(scale, square, spacing, usual):
    grid = SquarePixels.of((40, 50), scale)
    assert grid.square == square
    seen = grid.scale(scale)
    assert (seen.spacing, seen.usual, seen.aspect, seen.source) == (spacing, usual, 1.0, scale.source)


@pytest.mark.parametrize("scale", [TALL, WIDE])
def test_a_film_is_seen_whole_with_its_masks_and_earlier_edits(scale):
    drawn = phantom(size=(128, 160))
    lesion = disc((128, 160), (60, 40), 9)
    film = replace(drawn_film(drawn), scale=scale, earlier=(Earlier("insert", "nodule", lesion),), padded=lesion[None])
    grid = SquarePixels.of((128, 160), scale)
    seen = grid.film(film)
    assert seen.image.shape == (1, *grid.square)
    assert seen.anatomy.shape == (3, *grid.square)
    assert (seen.anatomy.dtype, seen.earlier[0].lesion.dtype) == (torch.uint8, torch.bool)
    assert (seen.unit, seen.header) == (film.unit, film.header)
    assert torch.equal(seen.padded[0], seen.earlier[0].lesion)
    share = grid.square[0] * grid.square[1] / (128 * 160)
    assert int(seen.earlier[0].lesion.sum()) == pytest.approx(share * int(lesion.sum()), rel=0.05)


@pytest.mark.parametrize("scale", [TALL, WIDE])
def test_regions_are_told_in_square_pixels(scale):
    grid = SquarePixels.of((40, 50), scale)
    finer = [new / old for new, old in zip(grid.square, (40, 50), strict=True)]
    box = grid.edit(Edit("delete", "nodule", region=Region(box=(10, 20, 12, 24)))).region.box
    assert box == (10 * finer[0], 20 * finer[1], 12 * finer[0], 24 * finer[1])
    assert grid.edit(Edit("delete", "nodule", region=Region(point=(10, 20)))).region.point == (
        10 * finer[0],
        20 * finer[1],
    )
    mask = disc((40, 50), (20, 20), 6)
    assert grid.edit(Edit("delete", "nodule", region=Region(mask=mask[None]))).region.mask.shape == grid.square
    whole = Edit("delete", "enlarged heart")
    assert grid.edit(whole) is whole


@settings(max_examples=40, deadline=None)
@given(
    aspect=st.floats(0.26, 3.9).filter(lambda a: not 0.97 < a < 1.03),
    centre=st.tuples(st.floats(0.3, 0.7), st.floats(0.3, 0.7)),
    radius=st.integers(5, 14),
)
def test_a_proposal_comes_back_with_its_place_its_mass_and_its_masks(aspect, centre, radius):
    grid = SquarePixels.of((80, 90), Scale((aspect, 1.0)))
    middle = (centre[0] * grid.square[0], centre[1] * grid.square[1])
    full = disc(grid.square, middle, radius)
    wide = disc(grid.square, middle, radius + 3)
    box = Box.around(wide)
    residual = (2.0 * full.float())[box.slices]
    proposal = Proposal(box, residual, wide[box.slices], full[box.slices], note="kept")
    back = grid.brought_back(proposal)
    assert back.note == "kept"
    pixel = grid.square[0] * grid.square[1] / (80 * 90)
    assert float(back.residual.sum()) * pixel == pytest.approx(float(residual.sum()), rel=0.06)
    assert not bool((back.lesion & ~back.support).any())
    assert bool((back.residual[~back.support] == 0).all())
    assert int(back.lesion.sum()) * pixel == pytest.approx(int(full.sum()), rel=0.25)
    place = torch.nonzero(back.lesion).double().mean(0) + torch.tensor(back.box.start) + 0.5
    meant = torch.tensor(middle) * torch.tensor([80, 90]) / torch.tensor(grid.square)
    assert bool((place - meant).abs().max() < 1.0)
    seen = grid.seen(back)
    assert not bool((seen.lesion & ~seen.support).any())
    film = torch.rand(1, 80, 90, generator=torch.Generator().manual_seed(radius))
    after = film.clone()
    after[0][back.box.slices] += back.residual
    changed = grid.image(after)[0] != grid.image(film)[0]
    changed[seen.box.slices] &= ~seen.support
    assert not bool(changed.any())  # what a check sees changes where it is told that it may, and nowhere else


def test_a_proposal_that_no_pixel_would_show_is_refused():
    grid = SquarePixels.of((40, 50), TALL)
    nothing = torch.zeros(4, 4).bool()
    with pytest.raises(CannotEdit, match="nothing is left of the edit at the film's own size"):
        grid.brought_back(Proposal(Box(0, 0, 4, 4), torch.zeros(4, 4), nothing, nothing))
