"""What MONAI's own SaveImaged writes of films and masks, and that the channel stays the one channel."""

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor, resolve_writer
from monai.transforms import Compose, EnsureChannelFirstd, LoadImage, LoadImaged, Resized, SaveImage, SaveImaged
from phantom import phantom
from PIL import Image

from monai_cars.files.flat_writer import FlatNibabelWriter, install
from monai_cars.files.radiograph import RadiographReader
from monai_cars.transforms import InsertFindingd, LoadRadiographd, SegmentAnatomyd, ValidityGated

FILM = phantom(seed=3)
LOADERS = {
    "LoadRadiographd": LoadRadiographd("image"),
    "LoadImaged": LoadImaged("image", reader=RadiographReader),
}
KEYS = ("image", "lesion", "support", "anatomy")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("films") / "film.png"
    Image.fromarray(FILM.image[0].numpy().astype(np.uint16)).save(path)
    return str(path)


def saver(folder, *keys, **options):
    return [
        SaveImaged(key, output_dir=folder, output_postfix=key, separate_folder=False, print_log=False, **options)
        for key in keys
    ]


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii"])
@pytest.mark.parametrize("loader", LOADERS)
def test_monais_own_saver_writes_film_lesion_support_and_anatomy(film, tmp_path, loader, suffix):
    chain = Compose([
        LOADERS[loader],
        SegmentAnatomyd("image", segmenter=lambda film: FILM.anatomy),
        InsertFindingd("image", "nodule", severity=0.4, seed=1),
        ValidityGated("image"),
        *saver(tmp_path, *KEYS, output_ext=suffix),
    ])  # fmt: skip
    out = chain({"image": film})
    assert out["lesion"].any()
    for key in KEYS:
        written = LoadImage(image_only=True, ensure_channel_first=True)(tmp_path / f"film_{key}{suffix}")
        np.testing.assert_array_equal(written.numpy().squeeze(), out[key].numpy().squeeze())


@pytest.mark.parametrize("loader", LOADERS)
def test_a_channel_is_added_neither_before_nor_after_saving(film, tmp_path, loader):
    chain = Compose(
        [LOADERS[loader], *saver(tmp_path, "image"), EnsureChannelFirstd("image"), *saver(tmp_path, "image")]
    )
    assert chain({"image": film})["image"].shape == FILM.image.shape


@pytest.mark.parametrize("spacing", [None, (0.2, 0.3)])
def test_a_resized_film_is_saved_at_its_size_or_at_the_films(film, tmp_path, spacing):
    image = LoadRadiographd("image", spacing_key="mm")({"image": film, "mm": spacing})["image"]
    small = Resized("image", (128, 96))({"image": image})["image"]
    for resample, size in ((False, (128, 96)), (True, FILM.image.shape[1:])):
        SaveImage(tmp_path, output_postfix=str(resample), resample=resample, separate_folder=False, print_log=False)(
            small
        )
        written = nib.load(tmp_path / f"film_{resample}.nii.gz")
        assert written.shape == tuple(size)
    np.testing.assert_allclose(written.header.get_zooms(), spacing or (1, 1), rtol=1e-6)


def test_an_image_that_forgot_its_size_is_resampled_whole():
    double = torch.diag(torch.tensor([2.0, 2.0, 1.0, 1.0], dtype=torch.float64))
    image = MetaTensor(torch.arange(24.0).reshape(1, 4, 6), affine=double, meta={"original_affine": np.eye(4)})
    writer = FlatNibabelWriter()
    writer.set_data_array(image)
    writer.set_metadata(image.meta, resample=True)
    assert tuple(writer.data_obj.shape) == (7, 11)  # from the first pixel's centre to the last one's


@pytest.mark.parametrize("shape", [(1, 4, 5, 6), (3, 4, 5, 6), (3, 4, 5)])
def test_volumes_are_written_as_monai_writes_them(tmp_path, shape):
    image = MetaTensor(torch.arange(float(np.prod(shape))).reshape(shape))
    for number, writer in enumerate(("NibabelWriter", None)):
        SaveImage(tmp_path, output_postfix=str(number), writer=writer, separate_folder=False, print_log=False)(image)
    one, other = (nib.load(path) for path in sorted(tmp_path.glob("*.nii.gz")))
    np.testing.assert_array_equal(one.get_fdata(), other.get_fdata())
    np.testing.assert_array_equal(one.affine, other.affine)


def test_the_writer_is_there_once_and_hides_no_other():
    install()
    for suffix in ("nii", "nii.gz"):
        writers = [writer.__name__ for writer in resolve_writer(suffix)]
        assert writers[:2] == ["FlatNibabelWriter", "NibabelWriter"]
    assert resolve_writer("png")[0].__name__ == "PILWriter"
