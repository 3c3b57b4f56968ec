import gzip

import nibabel as nib
import numpy as np
import pytest
from film_builders import dicom, edited, pixels, png
from PIL import Image

from monai_cars.files.radiograph import RadiographError, read_radiograph, write_radiograph
from monai_cars.files.said import said_by
from monai_cars.files.sides import EXIF_OF, LETTERS_OF, SILENT, Sides, affine_of_film

STORED = pixels(8)


def written(folder, kind, order):
    path = folder / f"film.{kind}"
    if kind == "dcm":
        return dicom(path, STORED, 8, PatientOrientation=list(LETTERS_OF[order]))
    if kind in ("png", "jpg"):
        exif = Image.Exif()
        exif[0x0112] = EXIF_OF[order]
        Image.fromarray(STORED).save(path, exif=exif)
        return path
    image = (nib.Nifti2Image if kind == "2.nii" else nib.Nifti1Image)(STORED.T, affine_of_film(order, 0.2, 0.1))
    nib.save(image, path)
    return path


@pytest.mark.parametrize("kind", ["dcm", "png", "jpg", "nii", "2.nii", "nii.gz"])
@pytest.mark.parametrize("order", sorted(LETTERS_OF))
def test_a_file_says_without_its_pixels_what_it_says_when_it_is_read(tmp_path, kind, order):
    path = written(tmp_path, kind, order)
    header = read_radiograph(path).header
    assert said_by(path) == Sides(header.axes, header.laterality)
    assert header.axes == order


@pytest.mark.parametrize("target", [".dcm", ".png", ".nii.gz", ".nii"])
@pytest.mark.parametrize("kind", ["dcm", "jpg", "nii"])
@pytest.mark.parametrize("order", sorted(LETTERS_OF))
def test_a_written_film_lies_as_its_source_says(tmp_path, kind, order, target):
    film = read_radiograph(written(tmp_path, kind, order))
    image, support = edited(film)
    path = write_radiograph(tmp_path / f"out{target}", image, header=film.header, support=support)
    again = read_radiograph(path)
    assert again.header.axes == order
    assert (again.image == film.image)[support == 0].all()
    if film.header.laterality == "stated" and order != "HW":
        assert again.header.laterality == "stated"


def test_cosines_are_written_as_letters(tmp_path):
    tags = {"ImageOrientationPatient": [-1, 0, 0, 0, 0, -1], "PatientOrientation": ["X", "F"]}
    film = read_radiograph(dicom(tmp_path / "film.dcm", STORED, 8, **tags))
    image, support = edited(film)
    path = write_radiograph(tmp_path / "out.dcm", image, header=film.header, support=support)
    assert said_by(path) == Sides("HW-flip", "stated")


def test_what_is_doubtful_is_written_as_a_claim_in_its_own_format_only(tmp_path):
    nib.save(nib.Nifti1Image(STORED.T, np.diag([1.0, -1.0, 1.0, 1.0])), tmp_path / "film.nii")
    film = read_radiograph(tmp_path / "film.nii")
    image, support = edited(film)
    for suffix, said in ((".nii", Sides("HW-flip", "doubtful")), (".png", SILENT), (".dcm", SILENT)):
        path = write_radiograph(tmp_path / f"out{suffix}", image, header=film.header, support=support)
        assert said_by(path) == said


def test_what_is_out_of_reach_or_damaged_says_nothing(tmp_path):
    assert said_by(tmp_path / "gone.dcm") == SILENT
    assert said_by(tmp_path) == SILENT
    (tmp_path / "text.txt").write_text("no film")
    assert said_by(tmp_path / "text.txt") == SILENT
    (tmp_path / "cut.nii.gz").write_bytes(gzip.compress(b"n+1")[:-4])
    assert said_by(tmp_path / "cut.nii.gz") == SILENT
    whole = png(tmp_path / "film.png", STORED).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:40])
    assert said_by(tmp_path / "cut.png") == SILENT


def test_a_header_that_contradicts_itself_is_refused(tmp_path):
    tags = {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1], "PatientOrientation": ["R", "F"]}
    path = dicom(tmp_path / "film.dcm", STORED, 8, **tags)
    with pytest.raises(RadiographError, match="must say the same"):
        said_by(path)
