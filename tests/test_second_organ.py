"""The wall from its other side: an organ that is no chest goes through all that is general, in two and three axes."""

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.transforms import Compose, Flipd
from phantom_modality import AIR, AMPLITUDE, TISSUE, BallEditor, header_of, image_of, masks_of, phantom_organ, segment

from monai_cars.edits.box import Box
from monai_cars.edits.edit import Edit, Quantity, Region
from monai_cars.edits.record import film_mask
from monai_cars.files.header import RadiographError
from monai_cars.files.radiograph import read_radiograph, read_volume, write_radiograph
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual
from monai_cars.loop.state import plain_tensor
from monai_cars.modality import MODALITIES, Modality, modality_named, modality_of, shared_modality
from monai_cars.reporting.html_report import write_report
from monai_cars.reporting.panel import write_panel
from monai_cars.reporting.results import read_results
from monai_cars.synthesis import Synthesis
from monai_cars.transforms import (
    DeleteFindingd,
    InsertFinding,
    InsertFindingd,
    InsertFindingsd,
    LesionToBoxesd,
    RandCounterfactuald,
    SegmentAnatomy,
    SegmentAnatomyd,
    ShamEditd,
    ValidityGated,
)

SQUARE, CUBE = (96, 80), (32, 40, 36)
SHAPES = pytest.mark.parametrize("shape", [SQUARE, CUBE], ids=["disc in a square", "ball in a cube"])


@pytest.fixture(autouse=True)
def organ():
    with phantom_organ() as organ:
        yield organ


def made(shape, edit=None, **options):
    image = image_of(shape)
    edit = edit or Edit("insert", "ball", severity=Quantity(12.0, "mm"), seed=3)
    return image, make_counterfactual(image, masks_of(shape), edit, header=header_of(image), **options)


def test_the_phantom_is_a_modality_and_the_findings_name_chooses_it(organ):
    assert isinstance(organ, Modality)
    assert modality_of("disc") is modality_of("ball") is modality_named("phantom")
    assert modality_of("nodule").name == "chest_xray"
    with pytest.raises(
        ValueError, match=r"findings must be of one organ \(got 'nodule' of chest_xray, 'ball' of phantom\)"
    ):
        shared_modality(["nodule", "ball"])
    with pytest.raises(ValueError, match="modality must be one of chest_xray, phantom"):
        modality_named("knee")


@SHAPES
def test_a_ball_is_inserted_with_its_closed_form_truth(shape):
    image, result = made(shape)
    assert result.accepted, result.record["reason"]
    assert result.image.shape == result.lesion.shape == result.support.shape == (1, *shape)
    outside = result.support == 0
    assert torch.equal(result.image[outside], image[outside])
    # Twelve elements of a millimetre across: a disc of 6^2 pi, a ball of 4/3 pi 6^3 elements.
    expected = np.pi * 36 if len(shape) == 2 else 4 / 3 * np.pi * 216
    assert int(result.lesion.sum()) == pytest.approx(expected, rel=0.06)
    peak = float((result.image - image).max())
    assert peak == pytest.approx(AMPLITUDE * (TISSUE - AIR), abs=0.02 * (TISSUE - AIR))
    record = result.record
    assert record["shape"] == list(shape)
    assert len(record["box"]) == 2 * len(shape)
    assert record["severity_measured"]["value"] == pytest.approx(12.0, rel=0.1)
    assert [check["name"] for check in record["checks"]] == [
        "outside_unchanged",
        "no_seam",
        "severity_agrees",
        "visible",
    ]
    assert torch.equal(film_mask(record, "lesion"), result.lesion[0] > 0)
    assert torch.equal(film_mask(record, "support"), result.support[0] > 0)
    json.dumps(record, allow_nan=False)


@settings(max_examples=12)
@given(
    shape=st.sampled_from([(64, 48), (24, 32, 28)]),
    severity=st.floats(0, 0.4),
    seed=st.integers(0, 10**6),
    attempts=st.integers(1, 3),
)
def test_outside_nothing_ever_changes_and_the_same_seed_gives_the_same_bytes(shape, severity, seed, attempts):
    edit = Edit("insert", "ball", severity=severity, seed=seed)
    image, first = made(shape, edit, max_attempts=attempts)
    assert torch.equal(first.image[first.support == 0], image[first.support == 0])
    _, again = made(shape, edit, max_attempts=attempts)
    assert torch.equal(first.image, again.image)
    assert first.record == again.record
    if not first.accepted:
        assert torch.equal(first.image, image)
        assert not first.support.any()


@SHAPES
def test_what_was_inserted_is_deleted_by_its_box(shape):
    image, inserted = made(shape)
    region = Region(box=tuple(float(edge) for edge in inserted.record["box"]))
    gate = Gate([OutsideUnchanged()])
    result = make_counterfactual(
        inserted.image, masks_of(shape), Edit("delete", "ball", region=region), header=header_of(image), gate=gate
    )
    assert result.accepted
    # What is left is within the rim that no longer exceeds the tissue by a quarter of the ball.
    left = (result.image - image)[inserted.lesion > 0]
    assert float(left.max()) <= (AMPLITUDE / 4) * (TISSUE - AIR) + 40


@SHAPES
def test_it_abstains_with_a_reason_and_gives_the_image_back(shape):
    image = image_of(shape)
    edit = Edit("insert", "ball", severity=0.5)
    unknown = make_counterfactual(image, masks_of(shape), edit, header=header_of(image, millimetre=None))
    assert not unknown.accepted
    assert unknown.record["reason"] == "the image has no scale"
    assert torch.equal(unknown.image, image)
    flat = torch.full_like(image, 7.0)
    none = make_counterfactual(flat, masks_of(shape), edit, header=header_of(flat))
    assert "contrast unit is 0.0% of the film's P1-P99 range, 30% are needed" in none.record["reason"]


class Liar:
    """Says what was asked and draws half of it."""

    name, weights = "liar", None

    def propose(self, film, anatomy, edit, generator):
        half = Quantity(edit.amount.value / 2, "mm")
        object.__setattr__(small := replace(edit), "severity", half)
        return replace(BallEditor().propose(film, anatomy, small, generator), asked=edit.amount)


@SHAPES
def test_an_editor_that_lies_is_refused(shape):
    edit = Edit("insert", "ball", severity=Quantity(16.0, "mm"), seed=1)
    image, result = made(shape, edit, editor=Liar(), max_attempts=2)
    assert not result.accepted
    assert result.record["reason"].startswith("severity_agrees: asked 16, measured ")
    assert torch.equal(result.image, image)


def test_shapes_that_an_organ_does_not_have_are_refused():
    cube = image_of(CUBE)
    with pytest.raises(ValueError, match=r"image must have shape \(1, H, W\), got \(1, 32, 40, 36\)"):
        make_counterfactual(cube, torch.zeros(3, *CUBE), Edit("insert", "nodule"))
    with pytest.raises(ValueError, match=r"image must have shape \(1, H, W\) or \(1, D, H, W\), got \(2, 8, 8\)"):
        make_counterfactual(torch.zeros(2, 8, 8), torch.zeros(1, 8, 8), Edit("insert", "ball"))
    with pytest.raises(
        ValueError, match=r"anatomy must have shape \(1, 32, 40, 36\) for tissue, got \(3, 32, 40, 36\)"
    ):
        make_counterfactual(cube, torch.zeros(3, *CUBE), Edit("insert", "ball"))
    flat = Edit("delete", "ball", region=Region(box=(1, 1, 5, 5)))
    with pytest.raises(ValueError, match=r"region: a box or point must name 3 axes of an image of shape \(32, 40"):
        make_counterfactual(cube, masks_of(CUBE), flat, header=header_of(cube))


def volume_file(path, *, kind=np.int16, zooms=(0.8, 0.9, 1.2)):
    """A NIfTI volume (W, H, D) whose voxels are no cubes."""
    values = image_of(CUBE)[0].numpy().T.astype(kind)
    image = nib.Nifti1Image(values, np.diag([*zooms, 1.0]))
    nib.save(image, path)
    return values


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_volume_comes_in_and_goes_out_bit_for_bit(tmp_path, suffix):
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    values = volume_file(source)
    volume = read_volume(source)
    assert volume.image.shape == (1, *CUBE)
    assert volume.header.spacing == pytest.approx((1.2, 0.9, 0.8))
    masks = masks_of(CUBE)
    edit = Edit("insert", "ball", severity=Quantity(12.0, "mm"), seed=5)
    result = make_counterfactual(volume.image, masks, edit, header=volume.header, gate=Gate([OutsideUnchanged()]))
    assert result.accepted
    write_radiograph(target, result.image, header=volume.header, support=result.support, record=result.record)
    written = nib.load(target)
    assert written.get_data_dtype() == np.int16
    assert np.allclose(written.affine, nib.load(source).affine)
    stored = np.asarray(written.dataobj.get_unscaled())
    outside = result.support[0].numpy().T == 0
    assert np.array_equal(stored[outside], values[outside])
    assert np.array_equal(stored, result.image[0].numpy().T)
    again = read_volume(target)
    assert torch.equal(again.image, result.image)


def test_a_volume_is_no_film_and_a_film_no_volume(tmp_path):
    volume_file(tmp_path / "volume.nii")
    with pytest.raises(RadiographError, match="a radiograph is one two-dimensional image"):
        read_radiograph(tmp_path / "volume.nii")
    nib.save(nib.Nifti1Image(np.arange(150.0 * 140).reshape(150, 140), np.eye(4)), tmp_path / "film.nii")
    with pytest.raises(RadiographError, match=r"film.nii: a volume must have three axes .*read_radiograph"):
        read_volume(tmp_path / "film.nii")
    series = np.zeros((8, 8, 4, 2), np.float32)
    nib.save(nib.Nifti1Image(series + np.arange(2), np.eye(4)), tmp_path / "series.nii")
    with pytest.raises(RadiographError, match="a volume has three axes"):
        read_volume(tmp_path / "series.nii")
    volume = read_volume(tmp_path / "volume.nii")
    with pytest.raises(RadiographError, match=r"\.dcm holds a film \(got a volume\); write \.nii\.gz"):
        write_radiograph(
            tmp_path / "out.dcm", volume.image, header=volume.header, support=torch.zeros_like(volume.image)
        )


@SHAPES
def test_the_transforms_take_it_as_they_take_a_chest(shape):
    image = image_of(shape)
    chain = Compose(
        [
            SegmentAnatomyd("image", organ="phantom", segmenter=segment, axes="HW"),
            InsertFindingd("image", "ball", severity=0.0, seed=2, gate=Gate([OutsideUnchanged()])),
            ValidityGated("image", Gate([OutsideUnchanged()])),
        ]
    )
    out = chain({"image": scaled(image)})
    [edit] = json.loads(out["counterfactual"])["edits"]
    assert edit["accepted"], edit["reason"]
    assert out["lesion"].shape == (1, *shape)
    assert torch.equal(out["image"].as_tensor()[out["support"] == 0], image[out["support"] == 0])


def scaled(image):
    """A MetaTensor whose affine says that an element is a millimetre."""
    from monai.data import MetaTensor

    from monai_cars.files.radiograph import META_KEY

    meta = {META_KEY: header_of(image).to_json(), "original_affine": np.eye(4)}
    return MetaTensor(image, affine=torch.eye(4), meta=meta)


@SHAPES
def test_every_edit_transform_finds_its_organ(shape):
    sample = {"image": scaled(image_of(shape)), "anatomy": masks_of(shape)}
    gate = {"gate": Gate([OutsideUnchanged()])}
    both = InsertFindingsd("image", [{"finding": "ball", "severity": 0.0, "seed": seed} for seed in (1, 2)], **gate)(
        sample
    )
    assert [edit["accepted"] for edit in json.loads(both["counterfactual"])["edits"]] == [True, True]
    drawn = RandCounterfactuald("image", {"ball": 1}, prob=1.0, **gate).set_random_state(seed=1)(sample)
    assert json.loads(drawn["counterfactual"])["edits"][0]["finding"] == "ball"
    gone = DeleteFindingd("image", "ball", mask_key="lesion_before", lesion_key="gone", support_key="changed", **gate)
    out = gone({"image": both["image"], "anatomy": sample["anatomy"], "lesion_before": both["lesion"]})
    [deleted] = json.loads(out["counterfactual"])["edits"]
    assert deleted["accepted"], deleted["reason"]
    assert float(out["image"].max()) < float(both["image"].max())
    sham = ShamEditd("image", "ball", **gate)(sample)
    assert json.loads(sham["counterfactual"])["edits"][0]["editor"] == "balls"
    with pytest.raises(ValueError, match=r"editor must be balls \(got 'attenuation'\)"):
        InsertFinding("ball", editor="attenuation")


@SHAPES
def test_boxes_come_from_a_chain_and_lead_back_into_it(shape):
    """The box of an inserted ball, moved by a flip with its image, is where the ball is deleted."""
    gate = {"gate": Gate([OutsideUnchanged()])}
    sample = {"image": scaled(image_of(shape)), "anatomy": masks_of(shape)}
    out = LesionToBoxesd("image", ["ball"])(InsertFindingd("image", "ball", severity=0.2, seed=2, **gate)(sample))
    [edit] = json.loads(out["counterfactual"])["edits"]
    assert out["box"].tolist() == [[float(edge) for edge in edit["box"]]]
    assert out["label"].tolist() == [0]
    flipped = Flipd(["image", "anatomy", "lesion"], 0)({key: out[key] for key in ("image", "anatomy", "lesion", "box")})
    flipped["ball"] = flipped.pop("lesion")
    gone = DeleteFindingd("image", "ball", box_key="box", **gate)(flipped)
    [deleted] = json.loads(gone["counterfactual"])["edits"]
    assert deleted["accepted"], deleted["reason"]
    assert (plain_tensor(gone["lesion"]) <= plain_tensor(flipped["ball"])).all()
    assert float(gone["image"].max()) < float(out["image"].max())
    left = LesionToBoxesd("image", ["ball"])({**gone, "label": torch.tensor([0])})
    assert left["box"].shape == (0, 2 * len(shape))


@SHAPES
def test_nobody_knows_who_made_masks_that_come_without_a_word(shape):
    known, unknown = SegmentAnatomy(segment, organ="phantom", axes="HW")(scaled(image_of(shape))), masks_of(shape)
    insert = InsertFinding("ball", severity=0.0, segmenter=segment)
    assert insert.counterfactual(scaled(image_of(shape)), known).record["shared_model"] is True
    assert insert.counterfactual(scaled(image_of(shape)), unknown).record["shared_model"] is None


def test_a_box_of_a_volume_is_drawn_as_it_is_told():
    whole = torch.zeros(4, 5, 6, dtype=torch.bool)
    whole[Box(1, 2, 3, 3, 4, 5).slices] = True
    assert Box.around(whole) == Box(1, 2, 3, 3, 4, 5)
    assert int(whole.sum()) == 2 * 2 * 2


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("structures", [1, 4])
def test_a_run_over_its_films_writes_masks_and_pictures_whatever_the_number_of_structures(
    tmp_path, organ, monkeypatch, structures
):
    names = tuple(f"tissue {number}" for number in range(structures))
    monkeypatch.setitem(
        MODALITIES, "phantom", replace(organ, structures=names, colours=dict.fromkeys(names, (9, 9, 9)))
    )
    (tmp_path / "films").mkdir()
    image = image_of((160, 140))
    nib.save(nib.Nifti1Image(image[0].numpy().T.astype(np.int16), np.diag([0.9, 0.9, 1, 1])), tmp_path / "films/a.nii")
    (tmp_path / "balls.yaml").write_text("name: balls\nsource: closed form\nfindings: [Ball]\nedits: {ball: Ball}\n")
    run = Synthesis(
        dataset=tmp_path / "films",
        output_dir=tmp_path / "run",
        edits=[{"operation": "insert", "finding": "ball", "severity": 0.5, "seed": 2}],
        segmenter=lambda film: segment(film).expand(structures, -1, -1),
        vocabulary=tmp_path / "balls.yaml",
        editor=BallEditor(),
        progress=False,
    ).run()
    [line] = run.lines
    assert line["accepted"], line["reason"]
    assert line["findings"] == {"Ball": 1.0}
    [result] = read_results(tmp_path / "run")
    assert np.array_equal(result.mask("anatomy"), np.repeat(masks_of((160, 140)).numpy() > 0, structures, 0))
    assert write_panel(tmp_path / "run").is_file()
    assert write_report(tmp_path / "run").is_file()
