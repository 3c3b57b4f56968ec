"""Strange regions, films, spacings and anatomy end in a named error or an abstention; the gate sees what it should."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from phantom_film import Scripted, context, disc, drawn_film, drawn_header, phantom

from monai_cars.chest_xray.anatomy import ContrastUnit
from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.chest_xray.editors.canvas.fill import harmonic_fill
from monai_cars.edits.edit import Box, CannotEdit, Edit, Proposal, Quantity, Region
from monai_cars.edits.film import Scale
from monai_cars.gates import DensityPreserved, Gate, NoSeam, Rewritten
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(256, 256))
H = drawn_header(FILM)
SHAM = Edit("sham", "nodule")
NEG = ContrastUnit(-100.0, 0.0, 100.0, 0.5)  # dark is dense and nobody said so


def test_density_preserved_with_a_negative_unit():
    support = disc((64, 64), (32, 32), 12)
    before = torch.full((1, 64, 64), 100.0)
    assert DensityPreserved()(before, before + 50.0 * support, context(SHAM, support, unit=NEG)).verdict == "fail"


def test_no_seam_with_a_negative_unit_on_flat_film():
    support = disc((64, 64), (32, 32), 12)
    before = torch.full((1, 64, 64), 100.0)
    assert NoSeam()(before, before - 50.0 * support, context(SHAM, support, unit=NEG)).verdict == "fail"


def test_no_seam_misses_a_hard_cut_along_a_third_of_the_border():
    y, x = np.mgrid[:160, :200]
    bump = torch.from_numpy(40 * np.clip(1 - ((y - 60) ** 2 + (x - 50) ** 2) / 400, 0, None) ** 2).float()
    cut = bump > 0
    cut[:, 50:] = False  # a straight step of up to 40 units through the middle of the opacity
    film = 3 * torch.randn(1, 160, 200, generator=torch.Generator().manual_seed(0))
    after = torch.where(cut, film + bump, film)
    assert NoSeam()(film, after, context(SHAM, cut)).verdict == "fail"  # scores about 0.3


def test_effusion_where_the_heart_covers_the_field():
    masks = FILM.anatomy.clone()
    masks[2] |= masks[1]
    assert not make_counterfactual(FILM.image, masks, Edit("insert", "effusion", side="left"), header=H).accepted


@pytest.mark.parametrize("seed", range(4))
def test_consolidation_in_a_field_with_a_thin_tail(seed):
    y, x = np.mgrid[:256, :256]
    masks = FILM.anatomy.clone()
    masks[0] = torch.from_numpy((np.hypot(y - 70, x - 70) < 30) | ((abs(x - 70) < 3) & (y > 70) & (y < 240)))
    edit = Edit("insert", "consolidation", side="right", severity=0.1, seed=seed)
    make_counterfactual(FILM.image, masks, edit, header=H)


@pytest.mark.parametrize("axes", ["HW", "WH"])
def test_a_region_mask_of_another_size_is_refused_by_name(axes):
    edit = Edit("delete", "nodule", region=Region(mask=torch.ones(100, 100)))
    with pytest.raises(ValueError, match="region"):
        make_counterfactual(FILM.image, FILM.anatomy, edit, header=replace(H, axes=axes))


@pytest.mark.parametrize("box", [(100.0, 50.0, 100.0, 90.0), (100.0, 90.0, 120.0, 50.0)])
def test_a_box_without_area_is_refused(box):
    with pytest.raises(ValueError, match="needs y0 < y1 and x0 < x1"):
        Region(box=box)


@pytest.mark.parametrize("region", [Region(box=(300, 300, 400, 400)), Region(point=(-3, 9)), Region(point=(300, 9))])
def test_a_region_off_the_film_ends_alike_in_every_orientation(region):
    edit = Edit("delete", "nodule", region=region)
    for axes in ("HW", "WH"):
        film, masks = (t.mT.contiguous() if axes == "WH" else t for t in (FILM.image, FILM.anatomy))
        assert not make_counterfactual(film, masks, edit, header=replace(H, axes=axes)).accepted


def test_fill_of_a_part_that_touches_no_trusted_pixel():
    image = np.tile(np.arange(64.0), (64, 1))
    hole = np.zeros((64, 64), bool)
    hole[10:20, 10:20] = hole[40:50, 40:50] = True
    trusted = ~hole
    trusted[35:55, 35:55] = False
    try:
        filled = harmonic_fill(image, hole, trusted)
    except CannotEdit:
        return
    assert np.allclose(filled[40:50, 40:50], image[40:50, 40:50], atol=15)


def test_a_deterministic_deletion_counts_one_attempt():
    image = FILM.image.clone()
    edit = Edit("delete", "nodule", region=Region(mask=disc((256, 256), (20, 20), 8)))
    record = make_counterfactual(image, FILM.anatomy, edit, header=H).record
    assert record["attempts"] == 1


def test_a_refusal_after_a_failed_gate_keeps_the_attempt_that_was_judged():
    none = torch.zeros(256, 256)
    inside = disc((256, 256), (110, 70), 6)
    editor = Scripted(Proposal(Box(0, 0, 256, 256), none, inside, inside, Quantity(19.0, "mm")), "no room")
    edit = Edit("insert", "nodule", severity=0.5)
    record = make_counterfactual(
        FILM.image, FILM.anatomy, edit, header=H, editor=editor, gate=Gate([Rewritten()]), max_attempts=2
    ).record
    assert record["reason"].startswith("rewritten")
    assert record["checks"][0]["verdict"] == "fail"
    assert record["attempts"] == 2


@pytest.mark.parametrize("value", [float("inf"), -float("inf")])
def test_a_film_with_infinite_values_abstains(value):
    image = FILM.image.clone()
    image[0, 110, 70] = value
    edit = Edit("insert", "nodule", severity=0.3)
    assert not make_counterfactual(image, FILM.anatomy, edit, header=replace(H, integer=False)).accepted


def test_a_film_without_pixels_is_refused_by_name():
    with pytest.raises(ValueError, match="image"):
        make_counterfactual(torch.zeros(1, 0, 8), torch.zeros(3, 0, 8), Edit("insert", "nodule"), header=H)


def test_an_editor_on_empty_anatomy_only_raises_cannot_edit():
    film = replace(drawn_film(FILM), scale=Scale())
    with pytest.raises(CannotEdit):
        AttenuationEditor().propose(film, FILM.anatomy * 0, Edit("insert", "consolidation"), torch.Generator())


@pytest.mark.parametrize("mm", [0.001, 40.0])
def test_a_spacing_that_is_no_persons_is_not_believed(mm):
    made = make_counterfactual(
        FILM.image, FILM.anatomy, Edit("insert", "effusion", severity=0.3), header=replace(H, spacing=(mm, mm))
    )
    assert made.record["spacing_source"] == "estimated"
