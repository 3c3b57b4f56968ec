import gzip

import nibabel as nib
import numpy as np
import pydicom
import pytest
import torch
from PIL import Image
from pydicom.data import get_testdata_file

from monai_cars.files.radiograph import read_radiograph, write_radiograph
from monai_cars.files.synthetic import says_synthetic


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "film.png"
    Image.fromarray(np.arange(160 * 160, dtype=np.uint16).reshape(160, 160)).save(path)
    return read_radiograph(path)


@pytest.mark.parametrize("suffix", [".dcm", ".png", ".nii", ".nii.gz"])
def test_whatever_the_library_writes_says_that_it_is_synthetic(film, tmp_path, suffix):
    support = torch.zeros(film.image.shape[1:], dtype=torch.bool)
    path = write_radiograph(tmp_path / f"out{suffix}", film.image, header=film.header, support=support)
    assert says_synthetic(path)
    other = path.rename(tmp_path / "renamed")
    assert says_synthetic(other)


def test_real_films_say_nothing(film, tmp_path):
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "a.jpg")
    nib.save(nib.Nifti1Image(np.zeros((9, 9), np.int16), np.eye(4)), tmp_path / "a.nii.gz")
    (tmp_path / "text").write_text("SYNTHETIC")
    paths = [film.header.source, *(tmp_path / name for name in ("a.jpg", "a.nii.gz", "text"))]
    assert not any(says_synthetic(path) for path in [*paths, get_testdata_file("RG1_UNCR.dcm")])


@pytest.mark.parametrize(("value", "synthetic"), [("YES", True), ("YES ", True), ("NO", False), ("", False)])
def test_dicom_of_any_maker_says_so_in_its_own_attribute(tmp_path, value, synthetic):
    dataset = pydicom.dcmread(get_testdata_file("RG1_UNCR.dcm"))
    dataset.add_new(0x0008001C, "CS", value)
    dataset.save_as(tmp_path / "film.dcm")
    assert says_synthetic(tmp_path / "film.dcm") is synthetic


def test_damaged_files_say_nothing(tmp_path):
    for number, data in enumerate(
        (b"", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXt", b"\x1f\x8b", gzip.compress(b"x" * 9)[:15])
    ):
        (tmp_path / str(number)).write_bytes(data)
        assert not says_synthetic(tmp_path / str(number))
    with pytest.raises(FileNotFoundError):
        says_synthetic(tmp_path / "gone")
