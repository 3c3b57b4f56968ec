"""What the loop hands to an editor, and what it writes down of what came back."""

from dataclasses import dataclass, field, replace

import pytest
import torch
from drawn_lines import with_wire
from phantom_film import Scripted, drawn_film, drawn_header, phantom, propose, written

from monai_cars.chest_xray.checks.anatomy_preserved import AnatomyPreserved
from monai_cars.chest_xray.checks.measurement_agrees import MeasurementAgrees
from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.edits.edit import Box, Edit, Proposal, Quantity, Region
from monai_cars.edits.seeds import seeded
from monai_cars.gates import Gate, OutsideUnchanged, Visible
from monai_cars.loop.counterfactual import film_seed, make_counterfactual

FILM = phantom(size=(256, 256))
WIRED, WIRE = with_wire(phantom(size=(384, 400)))
NODULE = Edit("insert", "nodule", side="right", severity=0.5)
ANYTHING = Gate([OutsideUnchanged()])


@dataclass(frozen=True)
class Watching:
    """The real editor, and what it was given."""

    name: str = "watching"
    weights: str | None = None
    films: list = field(default_factory=list)
    seeds: list = field(default_factory=list)
    edits: list = field(default_factory=list)

    def propose(self, film, anatomy, edit, generator):
        self.films.append(film)
        self.seeds.append(generator.initial_seed())
        self.edits.append(edit)
        return AttenuationEditor().propose(film, anatomy, edit, generator)


def run(edit=NODULE, film=FILM, **options):
    editor = Watching()
    options = {"header": drawn_header(film), "editor": editor, "gate": ANYTHING, **options}
    return make_counterfactual(film.image, film.anatomy, edit, **options), editor


@pytest.mark.parametrize("seed", [0, 7])
def test_the_generator_comes_from_the_edits_seed_and_the_film(seed):
    _, editor = run(replace(NODULE, seed=seed))
    assert editor.seeds == [film_seed(seed, "a" * 64, "insert nodule", 0)]
    _, other = run(replace(NODULE, seed=seed), header=drawn_header(FILM, sha256="b" * 64))
    assert other.seeds == [film_seed(seed, "b" * 64, "insert nodule", 0)]


def test_another_seed_draws_another_edit():
    images = [run(replace(NODULE, seed=seed))[0].image for seed in (0, 0, 7)]
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])


def test_an_editor_sees_the_edits_that_the_film_already_carries():
    first, _ = run()
    _, editor = run(Edit("insert", "effusion", side="left", severity=0.4), earlier=[first.record])
    (earlier,) = editor.films[0].earlier
    assert (earlier.operation, earlier.finding) == ("insert", "nodule")
    assert torch.equal(earlier.lesion, first.lesion[0] > 0)


def test_an_editor_of_the_lung_sees_the_film_without_its_wire_and_one_of_devices_with_it():
    wire = torch.from_numpy(WIRE)
    _, editor = run(film=WIRED)
    unlike = (editor.films[0].image[0] - WIRED.image[0])[wire].abs() > 0.1 * WIRED.contrast_unit
    assert unlike.float().mean() > 0.3
    _, editor = run(Edit("delete", "support devices"), film=WIRED)
    assert torch.equal(editor.films[0].image, WIRED.image)


def test_the_record_tells_what_was_measured_beside_what_was_asked():
    half = propose(FILM, replace(NODULE, severity=0.1))

    class Half(Watching):
        def propose(self, film, anatomy, edit, generator):
            return replace(half, asked=edit.asked)

    found, _ = run(editor=Half())
    assert found.record["severity_asked"]["value"] == 19.0
    assert found.record["severity_measured"]["value"] == pytest.approx(10.2, abs=1.0)


def test_a_deletion_is_measured_as_what_it_took_away():
    made = propose(FILM, replace(NODULE, severity=1.0))
    sick = replace(FILM, image=written(FILM, made).image)
    mask = torch.zeros(FILM.image.shape[1:], dtype=torch.bool)
    mask[made.box.slices] = made.lesion
    found, _ = run(Edit("delete", "nodule", region=Region(mask=mask)), film=sick)
    assert found.accepted
    assert found.record["severity_measured"]["value"] > 0.7 * Edit("insert", "nodule", severity=1.0).asked.value


@pytest.mark.parametrize(("share", "tried"), [(0.06, 0), (0.12, 1)])
def test_a_film_is_edited_from_eight_hundredths_of_its_range_on(share, tried):
    """The lungs are nearly as dense as the mediastinum; a bright frame makes up the film's range."""
    unit, (low, high) = drawn_film(FILM).unit, (0.0, 4095.0)
    squeezed = unit.zero + (FILM.image - unit.zero) * share * (high - low) / unit.value
    image = squeezed.clamp(low, high).clone()
    image[0, :20], image[0, -20:] = low, high
    film = replace(FILM, image=image)
    assert drawn_film(film).unit.share == pytest.approx(share, rel=0.25)
    found, editor = run(film=film)
    assert min(len(editor.films), 1) == tried
    assert ("8% are needed" in found.record["reason"]) == (not tried)


def test_an_amount_is_asked_of_the_editor_as_it_was_given():
    _, editor = run(replace(NODULE, severity=Quantity(15.0, "mm")))
    assert editor.edits[0].asked == Quantity(15.0, "mm")


def test_a_severity_that_nobody_asked_for_is_drawn_once_and_is_the_same_in_every_attempt():
    found, editor = run(replace(NODULE, severity=None, seed=7), gate=Gate([Visible(threshold=1e6)]), max_attempts=3)
    assert len(editor.edits) == 3
    assert len(set(editor.seeds)) == 3
    drawn = float(torch.rand((), generator=seeded(7, "a" * 64, "severity nodule")))
    assert [edit.severity for edit in editor.edits] == [drawn] * 3
    assert found.record["severity_asked"]["normalised"] == pytest.approx(drawn, rel=1e-3)


def test_a_severity_that_is_drawn_follows_the_edits_seed_and_the_film():
    edits = [replace(NODULE, severity=None, seed=seed) for seed in (0, 7)]
    films = [drawn_header(FILM), drawn_header(FILM, sha256="b" * 64)]
    drawn = [run(edit, header=header)[1].edits[0].severity for edit in edits for header in films]
    assert len(set(drawn)) == 4


@dataclass(frozen=True)
class Scribbling:
    """The real editor, which then writes over everything that it was shown."""

    name: str = "scribbling"
    weights: str | None = None

    def propose(self, film, anatomy, edit, generator):
        made = AttenuationEditor().propose(film, anatomy, edit, generator)
        film.image.zero_()
        anatomy.fill_(1)
        return made


def in_place(image):
    image.zero_()
    return FILM.anatomy


def test_neither_an_editor_nor_a_segmenter_can_write_into_what_it_is_judged_against():
    gate = Gate([OutsideUnchanged(), AnatomyPreserved(), MeasurementAgrees(resegment=True)])
    kept, masks = FILM.image.clone(), FILM.anatomy.clone()
    honest, _ = run(gate=gate, segmenter=lambda image: FILM.anatomy)
    result, _ = run(gate=gate, editor=Scribbling(), segmenter=in_place, max_attempts=1)
    assert result.accepted, result.record["reason"]
    assert torch.equal(result.image, honest.image)
    assert result.record["checks"] == honest.record["checks"]
    assert torch.equal(FILM.image, kept)
    assert torch.equal(FILM.anatomy, masks)


def scripted(**changes):
    """A proposal in the right lung, changed."""
    box = changes.pop("box", Box(100, 60, 110, 72))
    inside = torch.ones(10, 12, dtype=torch.bool)
    made = Proposal(box, 0.5 * inside, inside, inside.clone(), Quantity(19.0, "mm"))
    return Scripted(replace(made, **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"box": Box(250, 60, 260, 72)}, r"its box must lie within the film of shape \(256, 256\), got Box\(y0=250"),
        ({"box": Box(-3, 60, 7, 72)}, "its box must lie within the film"),
        ({"box": Box(0, 100, 60, 1, 110, 72)}, "its box must lie within the film"),
        ({"residual": torch.ones(10, 11)}, r"its residual must have the box's shape \(10, 12\), got .*10, 11"),
        ({"lesion": torch.ones(1, 10, 12).bool()}, "its lesion must have the box's shape"),
        ({"support": torch.ones(10, 12, dtype=torch.uint8)}, r"its support must be bool, got torch.uint8"),
    ],
)
def test_a_proposal_that_cannot_be_written_names_its_editor(changes, message):
    with pytest.raises(ValueError, match=r"the editor 'scripted': " + message):
        run(editor=scripted(**changes))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_residual_that_is_not_finite_is_never_written(value):
    result, _ = run(editor=scripted(residual=torch.full((10, 12), value)), max_attempts=2)
    assert not result.accepted
    assert result.record["reason"] == "the editor 'scripted' proposed values that are not finite"
    assert torch.equal(result.image, FILM.image)
