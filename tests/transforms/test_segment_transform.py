import pickle

import numpy as np
import pydicom
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    Flip,
    LoadImaged,
    Resize,
    Rotate90,
    ScaleIntensity,
    ScaleIntensityd,
)
from phantom import phantom
from pydicom.data import get_testdata_file

from monai_cars.chest_xray.anatomy import load_segmenter
from monai_cars.files.radiograph import RadiographError, header_of
from monai_cars.loop.segmentation import axes_from_affine, maker_of
from monai_cars.transforms import LoadRadiograph, LoadRadiographd, SegmentAnatomy, SegmentAnatomyd

FILM = str(get_testdata_file("RG1_UNCR.dcm"))
PHANTOM = phantom(size=(160, 120))


def dark(film):
    """A stand-in segmenter: what is dark, by its half of the image; the heart is the bright middle."""
    low = film[0] < film.median()
    half = torch.arange(film.shape[2]) < film.shape[2] // 2
    return torch.stack([low & half, low & ~half, ~low]).to(torch.uint8)


@pytest.fixture(scope="module")
def film():
    return Resize((320, 300))(LoadRadiograph()(FILM))


@pytest.fixture(scope="module")
def truth(film):
    return load_segmenter()(film.as_tensor())


def overlap(a, b):
    return 2 * float((a & b).sum()) / float((a.sum() + b.sum()).clamp(min=1))


def test_masks_carry_the_affine_and_header_of_the_image(film, truth):
    masks = SegmentAnatomy()(film)
    assert isinstance(masks, MetaTensor)
    assert masks.dtype == torch.uint8
    assert torch.equal(masks.affine, film.affine)
    assert torch.equal(masks.as_tensor(), truth)
    assert not masks.applied_operations


@pytest.mark.parametrize(
    ("turn", "undo", "order"),
    [
        (Flip(1), lambda m: m.flip(-1), "HW-flip"),
        (Flip(0), lambda m: m.flip(-2), "HW-upside"),
        (Rotate90(1), lambda m: torch.rot90(m, -1, (-2, -1)), None),
        (Rotate90(2), lambda m: torch.rot90(m, 2, (-2, -1)), "HW-turn"),
    ],
)
def test_films_of_our_loader_are_followed_through_flips_and_turns(film, truth, turn, undo, order, recwarn):
    turned = turn(film)
    axes = axes_from_affine(turned)
    assert order is None or axes.order == order
    masks = SegmentAnatomy()(turned)
    assert torch.equal(undo(masks.as_tensor()), truth)
    assert any("mirrored left to right" in str(warning.message) for warning in recwarn) == axes.mirrored


@pytest.mark.filterwarnings("ignore::UserWarning:monai")  # the demo film states a spacing of zero
def test_a_film_of_monais_reader_is_recognised_and_its_masks_lie_as_it_does(truth):
    chain = Compose([LoadImaged("image"), EnsureChannelFirstd("image"), ScaleIntensityd("image")])
    image = Resize((300, 320))(chain({"image": FILM})["image"])  # (W, H), and MONOCHROME1 stays inverted
    masks = SegmentAnatomyd("image")({"image": image})["anatomy"]
    for k in (0, 1):
        assert overlap(masks.as_tensor().mT[k] > 0, truth[k] > 0) > 0.95


def test_three_equal_channels_and_any_scale_give_the_same_masks(film, truth):
    scaled = ScaleIntensity()(film).repeat(3, 1, 1)
    masks = SegmentAnatomy()(scaled)
    assert (masks.as_tensor() != truth).float().mean() < 1e-3


def test_given_axes_are_believed_and_nothing_is_refused():
    masks = SegmentAnatomy(dark, axes="WH")(PHANTOM.image.mT)
    assert torch.equal(masks.as_tensor(), dark(PHANTOM.image).mT)
    noise = torch.rand(1, 50, 40)
    assert SegmentAnatomy(dark, axes="HW")(noise).shape == (3, 50, 40)


def test_an_inverted_film_reaches_the_segmenter_bright_as_dense():
    masks = SegmentAnatomy(dark, axes="HW-inverted")(-PHANTOM.image)
    assert torch.equal(masks.as_tensor(), dark(PHANTOM.image))


def test_the_dictionary_form_leaves_the_rest_and_notes_the_axes(film):
    data = {"image": Flip(1)(film), "label": 3}
    with pytest.warns(UserWarning, match=r"mirrored left to right \(axes 'HW-flip'\)"):
        out = SegmentAnatomyd("image")(data)
    assert out["label"] == 3
    assert header_of(out["image"]).axes == "HW-flip"
    assert header_of(data["image"]).axes == "HW"  # the input is not touched
    assert torch.equal(out["image"].as_tensor(), data["image"].as_tensor())


def test_missing_keys_may_be_allowed():
    assert SegmentAnatomyd("image", allow_missing_keys=True)({"other": 1}) == {"other": 1}
    with pytest.raises(ValueError, match="keys must name one film"):
        SegmentAnatomyd(["a", "b"])


def test_what_is_no_chest_film_is_refused():
    with pytest.raises(RadiographError, match="frontal chest radiograph"):
        SegmentAnatomy()(torch.rand(1, 200, 200, generator=torch.Generator().manual_seed(1)))
    limb = torch.from_numpy(pydicom.dcmread(str(get_testdata_file("RG3_UNCR.dcm"))).pixel_array.astype(np.float32))[
        None
    ]
    with pytest.raises(RadiographError, match="frontal chest radiograph"):
        SegmentAnatomy()(limb)


def test_a_segmenter_must_return_masks_of_the_film():
    with pytest.raises(ValueError, match=r"the segmenter must return masks of shape \(3, 160, 120\)"):
        SegmentAnatomy(lambda film: film, axes="HW")(PHANTOM.image)
    from_numpy = SegmentAnatomy(lambda film: np.ones((3, 160, 120)), axes="HW")(PHANTOM.image)
    assert from_numpy.all()


def test_unknown_axes_are_refused_when_the_chain_is_built():
    with pytest.raises(ValueError, match="axes must be one of"):
        SegmentAnatomyd("image", axes="sideways")


def test_it_pickles_small_and_knows_its_weights():
    transform = SegmentAnatomyd("image")
    transform.segmenter(Resize((200, 200))(LoadRadiograph()(FILM)))
    content = pickle.dumps(transform)
    assert len(content) < 10_000
    assert pickle.loads(content).segmenter.weights_sha256 == transform.segmenter.weights_sha256


def test_the_chain_of_the_readme_finds_the_anatomy():
    chain = Compose([LoadRadiographd("image"), SegmentAnatomyd("image", anatomy_key="masks")])
    out = chain({"image": FILM})
    assert out["masks"].shape == (3, *out["image"].shape[1:])


def test_a_segmenter_that_normalises_in_place_leaves_the_chains_image_alone():
    def in_place(film):
        film.sub_(film.mean())
        return PHANTOM.anatomy

    image = PHANTOM.image.clone()
    assert torch.equal(SegmentAnatomy(in_place, axes="HW")(image), PHANTOM.anatomy)
    assert torch.equal(image, PHANTOM.image)


def test_a_maker_is_called_the_same_in_a_worker_that_was_spawned(monkeypatch):
    monkeypatch.setattr(dark, "__module__", "__main__")
    told = maker_of(dark)
    monkeypatch.setattr(dark, "__module__", "__mp_main__")
    assert maker_of(dark) == told == "__main__.dark"
