"""The finding's name chooses the organ, and the organ says what it needs."""

from dataclasses import replace

import pytest
import torch
from phantom_modality import AIR, TISSUE, BallEditor, Phantom, header_of, image_of, masks_of, phantom_organ

from monai_cars.edits.edit import Edit, Quantity
from monai_cars.findings.registry import FINDINGS
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.loop.counterfactual import make_counterfactual
from monai_cars.modality import MODALITIES, added, modality_named, modality_of, shared_modality

SQUARE = (64, 48)


@pytest.fixture
def organ():
    with phantom_organ() as organ:
        yield organ


def ball():
    return Edit("insert", "ball", severity=Quantity(12.0, "mm"), seed=3)


def test_every_finding_is_of_the_organ_that_its_data_name(organ):
    assert {modality_of(name).name for name in FINDINGS} == {"chest_xray", "phantom"}
    for name, finding in FINDINGS.items():
        assert modality_of(name).name == finding.organ
        assert modality_of(name) is modality_named(finding.organ)


def test_an_edit_is_made_by_the_editor_and_the_gate_of_its_organ(organ):
    image = image_of(SQUARE)
    record = make_counterfactual(image, masks_of(SQUARE), ball(), header=header_of(image)).record
    assert record["editor"] == BallEditor().name
    assert "inside_lung" not in [check["name"] for check in record["checks"]]


@pytest.mark.parametrize(("share", "edited"), [(0.26, False), (0.34, True)])
def test_an_organ_says_how_much_contrast_an_edit_needs(organ, share, edited):
    """Three tenths of the range: more than a chest film needs."""
    image = image_of(SQUARE)
    image[0, 0, 0] = float(image.min()) + (TISSUE - AIR) / share
    assert organ.unit(image, masks_of(SQUARE)).share == pytest.approx(share, rel=0.05)
    header = header_of(image, high=8191.0)
    found = make_counterfactual(image, masks_of(SQUARE), ball(), header=header, gate=Gate([OutsideUnchanged()]))
    assert found.accepted == edited
    assert ("30% are needed" in found.record["reason"]) == (not edited)
    assert torch.equal(found.image, image) == (not edited)


def test_an_organ_is_there_for_a_while_and_never_takes_the_place_of_another():
    before = dict(MODALITIES)
    with added(Phantom()):
        assert modality_named("phantom") == Phantom()
        with (
            pytest.raises(ValueError, match="modality 'phantom' is there already; give another name"),
            added(replace(Phantom(), least_contrast=0.0)),
        ):
            pass
        assert modality_named("phantom").least_contrast == 0.3
    assert set(MODALITIES) == set(before)
    with pytest.raises(ValueError, match=r"modality must be one of chest_xray \(got 'phantom'\)"):
        modality_named("phantom")


def test_findings_of_no_organ_are_refused():
    with pytest.raises(ValueError, match=r"findings must be of one organ \(got none\); use a transform each"):
        shared_modality([])
