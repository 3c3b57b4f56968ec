import inspect

import pytest
import torch
from phantom import phantom
from phantom_modality import Phantom, phantom_organ

from monai_cars.chest_xray.modality import CHEST_XRAY
from monai_cars.edits.axes import ORDERS, from_standard
from monai_cars.edits.edit import Edit
from monai_cars.findings.registry import FINDINGS
from monai_cars.modality import MODALITIES, PROFILES, Modality, added, modality_named, modality_of, shared_modality

FILM = phantom(size=(128, 128))


def asked():
    """What the contract asks for: properties and methods."""
    return {name for name, value in vars(Modality).items() if not name.startswith("_") and value is not None}


@pytest.mark.parametrize("modality", [CHEST_XRAY, Phantom()])
def test_an_organ_brings_what_is_asked_and_nothing_more(modality):
    assert isinstance(modality, Modality)
    brought = {name for name in dir(modality) if not name.startswith("_")}
    assert brought == asked()
    for name in sorted(asked()):
        stated = inspect.getattr_static(Modality, name)
        if inspect.isfunction(stated):
            own = inspect.signature(getattr(type(modality), name))
            assert list(own.parameters) == list(inspect.signature(stated).parameters), name


@pytest.mark.parametrize("modality", [CHEST_XRAY, Phantom()])
def test_every_structure_has_a_colour(modality):
    assert set(modality.colours) == set(modality.structures)
    assert all(len(colour) == 3 and all(0 <= part <= 255 for part in colour) for colour in modality.colours.values())


def test_every_finding_has_its_organ_and_every_profile_a_gate():
    for name, finding in FINDINGS.items():
        assert modality_of(name).name == finding.organ == "chest_xray"
    for profile in PROFILES:
        assert CHEST_XRAY.gate("insert", "nodule", profile).names[0] == "outside_unchanged"
    with pytest.raises(ValueError, match="profile must be 'cheap' or 'full', got 'chaep'"):
        CHEST_XRAY.gate("insert", "nodule", "chaep")


@pytest.mark.parametrize("order", ORDERS)
def test_where_lungs_and_heart_lie_says_how_the_film_does(order):
    assert CHEST_XRAY.lies(from_standard(FILM.anatomy, order), "HW") == order


def test_a_film_with_not_a_number_has_no_unit():
    image = FILM.image.clone()
    image[0, 0, 0] = torch.nan
    assert not CHEST_XRAY.unit(image, FILM.anatomy).share >= CHEST_XRAY.least_contrast
    assert CHEST_XRAY.unit(FILM.image, FILM.anatomy).value == pytest.approx(FILM.contrast_unit, rel=0.05)


def test_an_organ_is_there_for_a_while_only():
    with phantom_organ():
        assert modality_of("ball").name == "phantom"
        with (
            pytest.raises(ValueError, match="modality 'phantom' is there already; give another name"),
            added(Phantom()),
        ):
            pass
    assert set(MODALITIES) == {"chest_xray"}
    with pytest.raises(ValueError, match=r"finding must be one of nodule, .* got 'ball'"):
        Edit("insert", "ball")


def test_unknown_organs_and_findings_are_refused():
    with pytest.raises(ValueError, match=r"modality must be one of chest_xray \(got 'knee'\)"):
        modality_named("knee")
    with pytest.raises(ValueError, match="finding must be one of nodule"):
        modality_of("gout")
    with pytest.raises(ValueError, match=r"findings must be of one organ \(got none\); use a transform each"):
        shared_modality([])
