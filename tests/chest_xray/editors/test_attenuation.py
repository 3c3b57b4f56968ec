"""What holds for every finding the procedural editor draws, on films of any size, scale and polarity."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import INSERTED, disc, drawn_film, drawn_header, outside, phantom, propose, written
from scipy import ndimage

from monai_cars.chest_xray.editors.canvas.outline import outline_of
from monai_cars.chest_xray.editors.lung.nodule import perturbed_chord
from monai_cars.chest_xray.editors.lung.parenchyma import RIM_MM
from monai_cars.chest_xray.measurement import measure
from monai_cars.edits.edit import OPACIFIED, CannotEdit, Edit, Region
from monai_cars.gates import DensityPreserved, Gate, NoSeam, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual

FILM = phantom(size=(384, 400))
ANYTHING = Gate([OutsideUnchanged()])
SCALES = [(0.0, 4095.0, True), (0.0, 1.0, False), (-32767.0, 0.0, True), (-1.0, 1.0, False), (0.0, 255.0, True)]


def _edit(finding: str, severity: float = 0.3, **more) -> Edit:
    return Edit("insert", finding, severity=severity, **more)


def _measured(film, edit, proposal):
    seen = drawn_film(film)
    after = written(film, proposal).image
    return measure(edit.finding, film.image, after, film.anatomy, unit=seen.unit, spacing=seen.spacing).value


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from([(finding, "insert") for finding in INSERTED] + [("nodule", "sham")]),
    st.sampled_from([(200, 220), (256, 256), (300, 260), (1030, 1040)]),
    st.integers(0, 2**31),
    st.sampled_from(SCALES),
)
def test_outside_the_support_not_a_bit_changes(kind, size, seed, scale):
    finding, operation = kind
    low, high, integer = scale
    film = phantom(size=size, seed=seed % 7, low=low, high=high, integer=integer)
    edit = Edit(operation, finding, severity=0.2 if operation == "insert" else None, seed=seed)
    found = make_counterfactual(film.image, film.anatomy, edit, header=drawn_header(film), gate=ANYTHING)
    untouched = found.support == 0
    assert torch.equal(found.image[untouched].view(torch.int32), film.image[untouched].view(torch.int32))
    assert not (found.lesion > found.support).any()
    assert found.image.min() >= film.image.min()
    assert found.image.max() <= film.image.max()
    if integer:
        assert torch.equal(found.image, found.image.round())
    if found.accepted:
        assert found.support.any()


@pytest.mark.parametrize("finding", INSERTED)
def test_a_proposal_is_zero_outside_its_support(finding):
    proposal = propose(FILM, _edit(finding))
    assert (proposal.residual[~proposal.support] == 0).all()
    assert not (proposal.lesion & ~proposal.support).any()
    assert proposal.residual.shape == proposal.support.shape == proposal.lesion.shape
    after = written(FILM, proposal).image
    assert torch.equal(
        after[0][outside(proposal, FILM.image.shape)], FILM.image[0][outside(proposal, FILM.image.shape)]
    )


@pytest.mark.parametrize("finding", [*INSERTED, "sham"])
@pytest.mark.parametrize("scale", [2.0**-13, 0.5, 16.0])
def test_scaling_the_film_scales_the_edit(finding, scale):
    film = phantom(size=(256, 256), integer=False)
    edit = Edit("sham", "nodule") if finding == "sham" else _edit(finding)
    scaled = replace(film, image=scale * film.image)
    one, other = propose(film, edit), propose(scaled, edit)
    # A power of two scales every float exactly, so the proposals agree to the bit.
    assert one.box == other.box
    assert torch.equal(one.residual, other.residual)
    change = [written(f, p).image - f.image for f, p in ((film, one), (scaled, other))]
    assert torch.allclose(change[1], scale * change[0], rtol=1e-4, atol=1e-4 * scale)


@pytest.mark.parametrize("finding", INSERTED)
def test_an_offset_moves_the_film_and_not_the_edit(finding):
    film = phantom(size=(256, 256))
    moved = replace(film, image=film.image - 5000.0)
    one, other = propose(film, _edit(finding)), propose(moved, _edit(finding))
    assert one.box == other.box
    assert torch.allclose(one.residual, other.residual, atol=1e-3)


@pytest.mark.parametrize("finding", [*INSERTED, "sham"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(finding):
    edit = Edit("sham", "nodule") if finding == "sham" else _edit(finding)
    one, again, other = (written(FILM, propose(FILM, edit, draw=draw)).image for draw in (3, 3, 4))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("finding", INSERTED)
def test_severity_is_monotone_and_measured_near_what_was_asked(finding):
    # A mass of 80 mm does not fit between the ribs of this film; the upper half of its scale is left out.
    severities = (0.05, 0.15, 0.25) if finding == "mass" else (0.1, 0.4, 0.8)
    edits = [_edit(finding, severity, side="right") for severity in severities]
    amounts = [_measured(FILM, edit, propose(FILM, edit)) for edit in edits]
    assert amounts == sorted(amounts)
    assert len(set(amounts)) == len(amounts)
    for edit, amount in zip(edits, amounts, strict=True):
        assert amount == pytest.approx(edit.asked.value, rel=0.25)


@pytest.mark.parametrize("finding", INSERTED)
@pytest.mark.parametrize(("side", "channel"), [("right", 0), ("left", 1)])
def test_the_lesion_lies_on_the_asked_side(finding, side, channel):
    proposal = propose(FILM, _edit(finding, 0.2, side=side))
    lesion = torch.zeros(FILM.image.shape[1:], dtype=torch.bool)
    lesion[proposal.box.slices] = proposal.lesion
    assert (lesion & (FILM.anatomy[channel] > 0)).sum() > 0.8 * lesion.sum()
    assert not (lesion & (FILM.anatomy[1 - channel] > 0) & (FILM.anatomy[channel] == 0)).any()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.0, 0.8))
def test_a_consolidation_stays_in_the_lung_field(seed, severity):
    proposal = propose(FILM, _edit("consolidation", severity, side="right"), draw=seed)
    # An aerated rim that the segmented field missed is filled with it, up to RIM_MM beyond.
    beyond = ndimage.distance_transform_edt(FILM.anatomy[0].numpy() == 0)[proposal.box.slices] * FILM.spacing[0]
    assert beyond[proposal.support.numpy()].max() <= RIM_MM + FILM.spacing[0]
    change = proposal.residual.abs().numpy()
    assert change[beyond > 0].sum() <= 0.05 * change.sum()


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["erect", "supine"]))
def test_an_effusion_does_not_darken_the_film(seed, position):
    proposal = propose(FILM, _edit("effusion", 0.5), draw=seed, position=position)
    # Grain may go either way; the density behind it does not fall.
    smooth = ndimage.gaussian_filter(proposal.residual.numpy(), 4.0)
    assert smooth.min() > -0.25 * OPACIFIED
    assert float(proposal.residual.sum()) > 0


@pytest.mark.parametrize("side", ["right", "left"])
def test_an_erect_effusion_rises_laterally(side):
    proposal = propose(FILM, _edit("effusion", 0.5, side=side))
    lesion = torch.zeros(FILM.image.shape[1:], dtype=torch.bool)
    lesion[proposal.box.slices] = proposal.lesion
    field = (FILM.anatomy[0 if side == "right" else 1] > 0).numpy()
    columns = np.flatnonzero(field.any(0))
    lateral, middle = (columns[0] + (columns[-1] - columns[0]) * np.array([0.12, 0.5])).astype(int)
    if side == "left":
        lateral = columns[-1] - (lateral - columns[0])
    tops = [np.flatnonzero(lesion[:, c].numpy())[0] for c in (lateral, middle)]
    assert tops[0] < tops[1]


def test_fluid_lies_low_on_an_erect_film():
    proposal = propose(FILM, _edit("effusion", 0.3, side="right"))
    rows = torch.nonzero(proposal.lesion)[:, 0].float().mean() + proposal.box.y0
    field = torch.nonzero(FILM.anatomy[0])[:, 0].float()
    assert rows > field.mean()


@pytest.mark.parametrize(
    ("position", "note"),
    [
        ("erect", ""),
        ("supine", "layered fluid (supine film)"),
        (None, "erect meniscus; the film does not say erect or supine"),
    ],
)
def test_an_effusion_tells_what_it_took_the_film_for(position, note):
    assert propose(FILM, _edit("effusion"), position=position).note == note


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.floats(3, 60))
def test_a_perturbed_chord_projects_to_the_asked_area(seed, radius):
    chord, extent = perturbed_chord(radius, torch.Generator().manual_seed(seed))
    area = (chord > 0.1 * chord.max()).mean() * (2 * extent) ** 2
    assert area == pytest.approx(np.pi * radius**2, rel=1e-3)
    assert chord.min() >= 0
    assert chord[[0, -1]].max() < 0.05 * chord.max()


def test_a_nodule_only_adds_and_is_densest_within():
    proposal = propose(FILM, _edit("nodule", 0.6))
    assert (proposal.residual >= 0).all()
    assert proposal.lesion.flatten()[proposal.residual.argmax()]
    assert proposal.residual[proposal.lesion].mean() > 5 * proposal.residual[~proposal.lesion].mean()


@pytest.mark.parametrize(("finding", "severity"), [("nodule", 1.0), ("mass", 0.2)])
def test_deleting_what_was_inserted_restores_the_film(finding, severity):
    laid = _edit(finding, severity, side="right", zone="middle")
    inserted = make_counterfactual(FILM.image, FILM.anatomy, laid, header=drawn_header(FILM), gate=ANYTHING)
    assert inserted.accepted
    edit = Edit("delete", finding, region=Region(mask=inserted.lesion[0] > 0))
    restored = make_counterfactual(
        inserted.image, FILM.anatomy, edit, header=drawn_header(replace(FILM, image=inserted.image)), gate=ANYTHING
    )
    assert restored.accepted
    lesion = inserted.lesion > 0
    was = (inserted.image - FILM.image)[lesion]
    left = (restored.image - FILM.image)[lesion]
    assert left.abs().mean() < 0.35 * was.abs().mean()
    assert left.mean().abs() < 0.3 * was.mean()


def test_a_sham_keeps_density_and_leaves_no_seam():
    found = make_counterfactual(FILM.image, FILM.anatomy, Edit("sham", "nodule"), header=drawn_header(FILM))
    assert found.accepted
    change = (found.image - FILM.image)[found.support > 0] / drawn_film(FILM).unit.value
    assert change.mean().abs() < DensityPreserved().threshold
    assert (change != 0).float().mean() > 0.9
    values = {check["name"]: check["value"] for check in found.record["checks"]}
    assert values["no_seam"] < NoSeam().threshold
    assert not found.lesion.any()


class TestRefusals:
    def test_what_the_editor_cannot_delete(self):
        edit = Edit("delete", "fracture", region=Region(point=(100.0, 100.0)))
        with pytest.raises(CannotEdit, match="fracture cannot be deleted: nothing on the film says what lay under it"):
            propose(FILM, edit)

    def test_lung_without_an_opacity(self):
        smooth = phantom(size=(256, 256), texture=0.0)
        flat = replace(smooth, image=torch.where(smooth.anatomy[:2].amax(0) > 0, 1000.0, 3000.0)[None])
        edit = Edit("delete", "nodule", region=Region(mask=disc((256, 256), (110, 70), 8)))
        with pytest.raises(
            CannotEdit, match=r"the region exceeds its surroundings by .* contrast units, .* are needed"
        ):
            propose(flat, edit)

    def test_an_opacity_beside_the_lung(self):
        edit = Edit("delete", "nodule", region=Region(mask=disc((384, 400), (20, 20), 8)))
        with pytest.raises(CannotEdit, match="only 0% of the opacity lies over a lung field"):
            propose(FILM, edit)

    @pytest.mark.parametrize("finding", INSERTED)
    def test_a_side_without_lung(self, finding):
        one = replace(FILM, anatomy=FILM.anatomy * torch.tensor([0, 1, 1], dtype=torch.uint8)[:, None, None])
        film = drawn_film(FILM)
        from monai_cars.chest_xray.editors.attenuation import AttenuationEditor

        with pytest.raises(CannotEdit, match="no right lung field was found on this film"):
            AttenuationEditor().propose(film, one.anatomy, _edit(finding, side="right"), torch.Generator())

    def test_no_room(self):
        from monai_cars.chest_xray.editors.attenuation import AttenuationEditor

        small = FILM.anatomy.clone()
        small[1] = 0
        small[1, 150:200, 250:300] = 1
        edit = Edit("insert", "mass", severity=1.0, side="left", zone="middle")
        with pytest.raises(CannotEdit, match=r"no room for a mass of 80 mm in (the )?left middle"):
            AttenuationEditor().propose(drawn_film(FILM), small, edit, torch.Generator())

    def test_no_scale(self):
        with pytest.raises(CannotEdit, match="the film has no pixel spacing and none could be estimated"):
            propose(FILM, _edit("nodule"), spacing=None)

    @pytest.mark.parametrize("finding", ["consolidation", "effusion"])
    def test_lung_that_is_opaque_already(self, finding):
        from monai_cars.chest_xray.editors.attenuation import AttenuationEditor

        film = drawn_film(FILM)
        white = torch.where(FILM.anatomy[:1] > 0, film.unit.mediastinum + film.unit.value, FILM.image)
        with pytest.raises(CannotEdit, match=f"too little aerated right lung for a.? {finding} of .* of its field"):
            AttenuationEditor().propose(
                replace(film, image=white), FILM.anatomy, _edit(finding, side="right"), torch.Generator()
            )


def test_a_mask_outlines_itself_on_the_film():
    from monai_cars.chest_xray.editors.canvas.canvas import make_canvas

    film = drawn_film(FILM)
    canvas = make_canvas(film.image, FILM.anatomy, film.unit, spacing=film.spacing, position=None)
    mask = disc((384, 400), (150, 110), 15)
    assert np.array_equal(outline_of(canvas, Region(mask=mask)), mask.numpy())
