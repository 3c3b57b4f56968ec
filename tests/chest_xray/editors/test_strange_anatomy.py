"""Whatever the masks look like, the loop ends in a counterfactual or in an abstention, never in another exception."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom_film import INSERTED, disc, drawn_header, phantom

from monai_cars.edits.edit import ZONES, Edit, Region
from monai_cars.loop.counterfactual import make_counterfactual

SIZE = (200, 220)
FILM = phantom(size=SIZE)
EMPTY = torch.zeros(SIZE, dtype=torch.uint8)


def _box(top, left, bottom, right) -> torch.Tensor:
    mask = EMPTY.clone()
    mask[top:bottom, left:right] = 1
    return mask


RIGHT, LEFT, HEART = FILM.anatomy
STRANGE = {
    "nothing": torch.stack([EMPTY, EMPTY, EMPTY]),
    "everything": torch.ones(3, *SIZE, dtype=torch.uint8),
    "right only": torch.stack([RIGHT, EMPTY, HEART]),
    "left only": torch.stack([EMPTY, LEFT, HEART]),
    "no heart": torch.stack([RIGHT, LEFT, EMPTY]),
    "heart only": torch.stack([EMPTY, EMPTY, HEART]),
    "tiny": torch.stack([_box(90, 60, 93, 63), _box(90, 150, 93, 153), EMPTY]),
    "small": torch.stack([_box(90, 60, 115, 80), _box(90, 150, 115, 170), EMPTY]),
    "one pixel": torch.stack([_box(90, 60, 91, 61), LEFT, HEART]),
    "to the border": torch.stack([_box(0, 0, 200, 100), _box(0, 120, 200, 220), HEART]),
    "slivers": torch.stack([_box(0, 50, 200, 53), _box(0, 150, 200, 153), EMPTY]),
    "flat": torch.stack([_box(100, 10, 104, 90), _box(100, 130, 104, 210), EMPTY]),
    "swapped": torch.stack([LEFT, RIGHT, HEART]),
    "overlapping": torch.stack([RIGHT | LEFT, RIGHT | LEFT, HEART]),
    "in two parts": torch.stack([_box(10, 20, 60, 90) | _box(120, 20, 180, 90), LEFT, HEART]),
}


def _ends_well(found, image) -> None:
    assert found.accepted == found.record["accepted"]
    if found.accepted:
        assert torch.equal(found.image[found.support == 0], image[found.support == 0])
        assert found.record["reason"] == ""
    else:
        assert found.record["reason"]
        assert torch.equal(found.image, image)


@pytest.mark.parametrize("name", sorted(STRANGE))
@pytest.mark.parametrize("spacing", [FILM.spacing, None])
def test_every_edit_of_a_strange_anatomy(name, spacing):
    header = drawn_header(FILM, spacing=spacing)
    place = Region(mask=disc(SIZE, (90, 60), 8))
    edits = [Edit("insert", finding, severity=0.2) for finding in INSERTED]
    edits += [Edit("sham", "nodule")] + [Edit("delete", f, region=place) for f in ("nodule", "consolidation")]
    for edit in edits:
        _ends_well(make_counterfactual(FILM.image, STRANGE[name], edit, header=header, max_attempts=2), FILM.image)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 190), st.integers(0, 210), st.integers(1, 150), st.integers(1, 110)
        ),
        max_size=5,
    ),
    st.sampled_from([(f, op) for f in INSERTED for op in ("insert", "sham")]),
    st.sampled_from([None, *ZONES]),
    st.integers(0, 99),
)
def test_random_boxes_for_lungs(boxes, kind, zone, seed):
    masks = torch.zeros(3, *SIZE, dtype=torch.uint8)
    for channel, top, left, height, width in boxes:
        masks[channel, top : top + height, left : left + width] = 1
    # The heart behind a whole field is a case of its own.
    masks[2] &= 1 - (masks[:2].amax(0) & _box(0, 0, 200, 220))
    edit = Edit(kind[1], kind[0], zone=zone, seed=seed)
    found = make_counterfactual(FILM.image, masks, edit, header=drawn_header(FILM), max_attempts=2)
    _ends_well(found, FILM.image)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["nodule", "mass", "consolidation"]),
    st.tuples(st.floats(-20, 220), st.floats(-20, 240)),
    st.floats(1, 120),
    st.sampled_from(["mask", "box", "point"]),
)
def test_deletions_anywhere(finding, centre, reach, kind):
    y, x = centre
    regions = {
        "mask": Region(mask=disc(SIZE, centre, reach)),
        "box": Region(box=(y - reach, x - reach, y + reach, x + reach / 2)),
        "point": Region(point=centre),
    }
    edit = Edit("delete", finding, region=regions[kind])
    _ends_well(make_counterfactual(FILM.image, FILM.anatomy, edit, header=drawn_header(FILM)), FILM.image)


@pytest.mark.parametrize("size", [(3, 3), (1, 40), (17, 200), (64, 64)])
@pytest.mark.parametrize("finding", INSERTED)
def test_films_of_any_size(size, finding):
    image = torch.rand(1, *size, generator=torch.Generator().manual_seed(0))
    width = size[1]
    masks = torch.zeros(3, *size, dtype=torch.uint8)
    masks[0, :, : 2 * width // 5] = masks[1, :, 3 * width // 5 :] = 1
    image[:, :, 2 * width // 5 : 3 * width // 5] += 2
    header = drawn_header(FILM, integer=False, low=0.0, high=3.0, spacing=None)
    _ends_well(make_counterfactual(image, masks, Edit("insert", finding), header=header, max_attempts=2), image)
