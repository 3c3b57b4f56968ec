"""What is said of how an image lies, as a chain holds it."""

import nibabel as nib
import numpy as np
import pytest
import torch
from film_builders import dicom, pixels
from monai.data import MetaTensor, NibabelReader, PILReader, PydicomReader
from monai.transforms import EnsureChannelFirst, Flip, LoadImage, Resize, Rotate90, SpatialCrop
from PIL import Image
from pydicom.data import get_testdata_file

from monai_cars.chest_xray.anatomy import load_segmenter
from monai_cars.chest_xray.modality import CHEST_XRAY
from monai_cars.edits.axes import ORDERS, from_standard, mirror_of, then
from monai_cars.edits.claim import UNHEARD, Claim
from monai_cars.files.radiograph import HEADER_POSTFIX, META_KEY, Header, read_radiograph
from monai_cars.files.sides import LETTERS_OF
from monai_cars.loop.claim import claim_of, step_of
from monai_cars.loop.segmentation import axes_from_affine, laterality_of, lie_together, named_by_masks, segmented
from monai_cars.transforms import InsertFinding, LoadRadiograph, LoadRadiographd, SegmentAnatomyd

STEPS = {
    "HW": [],
    "HW-flip": [Flip(1)],
    "HW-upside": [Flip(0)],
    "HW-turn": [Rotate90(2)],
    "WH": [Rotate90(1), Flip(0)],
    "WH-flip": [Rotate90(1)],
    "WH-upside": [Rotate90(3)],
    "WH-turn": [Rotate90(3), Flip(0)],
}


def through(image, order):
    for step in STEPS[order]:
        image = step(image)
    return image


def film(tmp_path, letters=("L", "F")):
    return dicom(tmp_path / "film.dcm", pixels(8), 8, PatientOrientation=list(letters))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("said", ["HW", "HW-flip", "WH-upside"])
def test_the_files_word_is_followed_through_flips_and_turns(tmp_path, said, order):
    image = LoadRadiograph()(film(tmp_path, LETTERS_OF[said]))
    laid = through(image, order)
    assert torch.equal(laid.as_tensor(), from_standard(image.as_tensor(), order))
    assert step_of(laid) == order
    assert claim_of(laid) == Claim((then(said, order),), "stated", firm=True)
    assert axes_from_affine(laid).order == then(said, order)
    smaller = Resize((100, 90))(SpatialCrop(roi_start=(5, 6), roi_end=(130, 135))(laid))
    assert claim_of(smaller) == claim_of(laid)


@pytest.mark.parametrize("reader", [PILReader, PydicomReader, NibabelReader])
@pytest.mark.parametrize("order", ["HW", "WH-flip"])
@pytest.mark.filterwarnings("ignore::UserWarning:monai")
def test_of_monais_readers_the_file_is_asked_again(tmp_path, reader, order):
    path, said = film(tmp_path, ("R", "F")), Claim(("HW-flip",), "stated", firm=True)
    if reader is PILReader:
        exif = Image.Exif()
        exif[0x0112] = 2
        path, said = tmp_path / "film.png", Claim(("HW-flip",), "assumed", firm=True)
        Image.fromarray(pixels(8)).save(path, exif=exif)
    if reader is NibabelReader:
        path = tmp_path / "film.nii"
        nib.save(
            nib.Nifti1Image(pixels(8).T, np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])), path
        )
    image = EnsureChannelFirst()(LoadImage(reader=reader)(path))
    assert image.shape[1:] == pixels(8).T.shape
    expected = Claim((then("HW-flip", "WH"), "HW-flip"), said.laterality, firm=True)
    assert claim_of(through(image, order)) == expected.laid(order)
    path.unlink()
    assert claim_of(image) == Claim(("WH", "HW"), "assumed")


def test_of_a_bare_image_nobody_says_anything_and_of_one_with_its_header_little(tmp_path):
    out = LoadRadiographd("image")({"image": film(tmp_path, ("R", "F"))})
    text, bare = out[f"image{HEADER_POSTFIX}"], out["image"].as_tensor()
    assert claim_of(bare) == claim_of(MetaTensor(bare)) == UNHEARD
    assert claim_of(bare, text) == Claim(("HW-flip",), "doubtful")
    assert claim_of(Flip(1)(MetaTensor(bare)), text) == Claim(("HW",), "doubtful")  # after a cache, tracked again
    assert claim_of(out["image"], "no header") == claim_of(out["image"])


def test_an_affine_that_tells_nothing_leaves_nothing_said(tmp_path):
    image = LoadRadiograph()(film(tmp_path))
    image.meta["original_affine"] = np.zeros((4, 4))
    assert step_of(image) is None
    assert claim_of(image) == UNHEARD


def lungs(image):
    """Masks in whichever axes."""
    masks = torch.zeros(3, *image.shape[1:], dtype=torch.uint8)
    masks[0, 20:100, 10:60] = masks[1, 20:100, 80:130] = masks[2, 60:110, 50:100] = 1
    return masks


@pytest.mark.filterwarnings("ignore:The film is mirrored")
def test_a_film_that_was_read_once_lies_as_was_found_then(tmp_path, monkeypatch):
    monkeypatch.setattr("monai_cars.chest_xray.modality.ChestXray.screen", lambda *args: None)
    image = Flip(1)(LoadRadiograph()(film(tmp_path)))
    once = SegmentAnatomyd("image", segmenter=lungs, axes="HW-flip")({"image": image})
    again, axes = segmented(Rotate90(2)(once["image"]), lungs, modality="chest_xray")
    assert (axes.order, axes.laterality) == ("HW-upside", "given")
    assert laterality_of(again, None) == "given"


def test_masks_of_ones_own_name_the_sides_and_those_of_a_segmenter_say_by_whom(tmp_path):
    image = LoadRadiograph()(film(tmp_path))
    masks, axes = segmented(image, lungs, "HW", modality="chest_xray")
    assert laterality_of(masks, None) == axes.laterality == "given"
    out = SegmentAnatomyd("image", segmenter=lungs, axes="HW")({"image": image})
    header = Header.from_json(out["image"].meta[META_KEY])
    assert header.laterality == "given"
    assert laterality_of(torch.zeros(3, 4, 4), header) == "given"  # a cache dropped the masks' metadata
    read = Header("a", "", "png", laterality="assumed", segmenter="somebody")
    assert laterality_of(torch.zeros(3, 4, 4), read) == "assumed"
    assert laterality_of(torch.zeros(3, 4, 4), Header("a", "", "png", laterality="stated")) is None


@pytest.fixture(scope="module")
def chest():
    return read_radiograph(str(get_testdata_file("RG1_UNCR.dcm"))).image[:, ::6, ::6]


@pytest.mark.parametrize("order", ORDERS)
def test_masks_that_name_the_sides_are_held_against_the_heart(chest, order):
    laid = from_standard(chest, order)
    assert named_by_masks(laid, order, modality=CHEST_XRAY) == "given"
    assert named_by_masks(laid, mirror_of(order), modality=CHEST_XRAY) == "doubtful"
    assert named_by_masks(laid, then(order, "WH-flip"), modality=CHEST_XRAY) == "doubtful"


def test_masks_are_believed_where_the_film_shows_too_little_and_not_against_its_file(tmp_path):
    image = LoadRadiograph()(film(tmp_path))
    assert named_by_masks(image.as_tensor(), "HW-flip", modality=CHEST_XRAY) == "given"
    assert named_by_masks(image, "HW", modality=CHEST_XRAY) == "given"
    assert named_by_masks(image, "HW-flip", modality=CHEST_XRAY) == "doubtful"


@pytest.mark.filterwarnings("ignore:The film is mirrored")
def test_an_edit_asks_where_nobody_says_and_a_side_is_asked_for(chest):
    masks = load_segmenter()(chest)
    swapped = masks[[1, 0, 2]]  # as drawn on a mirrored film
    for anatomy, side, laterality in (
        (masks, "left", "given"),
        (swapped, "left", "doubtful"),
        (swapped, None, "given"),
    ):
        record = InsertFinding("nodule", side=side, severity=0.5).counterfactual(chest, anatomy).record
        assert record["laterality"] == laterality
        assert ("in doubt" in record["reason"]) == (laterality == "doubtful")


def test_masks_that_did_not_follow_their_image_are_refused(tmp_path):
    image = LoadRadiograph()(film(tmp_path))
    masks, _ = segmented(image, lungs, "HW", modality="chest_xray")
    assert lie_together(image, masks)
    assert lie_together(Flip(1)(image), Flip(1)(masks))
    assert lie_together(Flip(1)(image), masks.as_tensor())
    assert not lie_together(Flip(1)(image), masks)
    with pytest.raises(ValueError, match=r"anatomy must lie as its image does .* give spatial transforms both keys"):
        InsertFinding("nodule", side="left")(Flip(1)(image), masks)
