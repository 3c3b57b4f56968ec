import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom import phantom

from monai_cars.chest_xray.anatomy import SIDES, ZONES, lung, zones


def boxes(height=100, width=100):
    masks = torch.zeros(3, height, width)
    masks[0, 10:90, 10:40] = 1
    masks[1, 10:90, 60:90] = 1
    return masks


def test_thirds_fill_the_field_and_do_not_overlap():
    anatomy = phantom().anatomy
    found = zones(anatomy)
    for side in SIDES:
        parts = torch.stack([found[side, zone] for zone in ("upper", "middle", "lower")]).int().sum(0)
        assert torch.equal(parts, lung(anatomy, side).int())


def test_zones_of_two_boxes_have_the_areas_of_their_formulas():
    found = zones(boxes())
    assert found["right", "apex"].sum() == 12 * 30  # rows whose centre lies above 15 % of 80
    assert found["left", "apex"].sum() == 12 * 30
    lateral = found["right", "costophrenic"].nonzero()[:, 1]
    assert lateral.min() == 10  # the patient's right is on the image's left: lateral is left
    assert lateral.max() < 25
    assert found["left", "costophrenic"].nonzero()[:, 1].max() == 89
    assert found["right", "hilar"].nonzero()[:, 1].max() == 39
    assert found["left", "hilar"].nonzero()[:, 1].min() == 60


def test_a_mirrored_anatomy_with_swapped_names_has_mirrored_zones():
    anatomy = phantom(size=(128, 128)).anatomy
    mirrored = anatomy.flip(-1)[[1, 0, 2]]
    there, back = zones(anatomy), zones(mirrored)
    for zone in ZONES:
        assert torch.equal(there["right", zone], back["left", zone].flip(-1))


def test_a_missing_lung_has_empty_zones():
    masks = boxes()
    masks[0] = 0
    assert not any(zones(masks)["right", zone].any() for zone in ZONES)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_every_zone_lies_inside_its_field_for_any_mask(seed):
    masks = torch.rand(3, 23, 17, generator=torch.Generator().manual_seed(seed)) > 0.7
    found = zones(masks)
    assert set(found) == {(side, zone) for side in SIDES for zone in ZONES}
    for (side, _), zone in found.items():
        assert not (zone & ~lung(masks, side)).any()
