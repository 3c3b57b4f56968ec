import pydicom
import pytest
import torch
from film_builders import dicom, pixels

from monai_cars.files.radiograph import RadiographError, read_radiograph, write_radiograph


def written(film, out):
    support = torch.zeros(film.image.shape)
    return write_radiograph(out, film.image, header=film.header, support=support)


@pytest.mark.parametrize(
    ("stated", "factor"),
    [("1.25", 1.25), ("1.0", 1.0), ("1,25", 1.25), ("0.9", 1.1), ("12", 1.1), ("0", 1.1), (None, 1.1)],
)
def test_the_headers_own_magnification_counts(tmp_path, stated, factor):
    tags = {"ImagerPixelSpacing": ["0.2", "0.2"]}
    if stated is not None:
        tags["EstimatedRadiographicMagnificationFactor"] = stated.replace(",", ".")
    path = dicom(tmp_path / "film.dcm", pixels(), 12, **tags)
    if stated and "," in stated:
        path.write_bytes(path.read_bytes().replace(b"1.25", b"1,25"))
    film = read_radiograph(path)
    assert film.header.spacing == pytest.approx((0.2 / factor,) * 2)
    assert film.header.spacing_source == f"ImagerPixelSpacing/{factor:g}"
    again = read_radiograph(written(film, tmp_path / "out.dcm"))
    assert (again.header.spacing, again.header.spacing_source) == (film.header.spacing, film.header.spacing_source)


@pytest.mark.parametrize("keyword", ["PixelSpacing", "ImagerPixelSpacing"])
def test_decimal_commas_are_read_and_written_as_points(tmp_path, keyword):
    path = dicom(tmp_path / "film.dcm", pixels(), 12, **{keyword: ["0.1234", "0.2345"]})
    meant = read_radiograph(path).header
    path.write_bytes(path.read_bytes().replace(b"0.1234", b"0,1234").replace(b"0.2345", b"0,2345"))
    film = read_radiograph(path)
    assert (film.header.spacing, film.header.spacing_source) == (meant.spacing, meant.spacing_source)
    target = written(film, tmp_path / "out.dcm")
    assert list(pydicom.dcmread(target)[keyword].value) == [0.1234, 0.2345]
    assert read_radiograph(target).header.spacing == meant.spacing


def test_every_decimal_comma_is_written_as_a_point(tmp_path):
    path = dicom(tmp_path / "film.dcm", pixels(), 12, WindowCenter="20.5", WindowWidth="40.5", KVP="125.5")
    data = path.read_bytes()
    for said in (b"20.5", b"40.5", b"125.5"):
        data = data.replace(said, said.replace(b".", b","))
    path.write_bytes(data)
    after = pydicom.dcmread(written(read_radiograph(path), tmp_path / "out.dcm"))
    assert (after.WindowCenter, after.WindowWidth, after.KVP) == (20.5, 40.5, 125.5)


@pytest.mark.parametrize(
    ("ratio", "aspect"), [(["2", "1"], 2.0), (["1", "2"], 0.5), (["1", "1"], 1.0), (["0", "1"], 1.0), (["9", "1"], 1.0)]
)
def test_the_aspect_of_a_pixel_is_its_height_over_its_width(tmp_path, ratio, aspect):
    film = read_radiograph(dicom(tmp_path / "film.dcm", pixels(), 12, PixelAspectRatio=ratio))
    assert (film.header.spacing, film.header.aspect) == (None, aspect)
    assert read_radiograph(written(film, tmp_path / "out.dcm")).header.aspect == aspect


def test_a_machine_left_set_to_the_abdomen_does_not_lose_its_chest_films(tmp_path):
    tags = {"BodyPartExamined": "ABDOMEN", "StudyDescription": "Thorax", "SeriesDescription": "PA"}
    film = read_radiograph(dicom(tmp_path / "film.dcm", pixels(), 12, **tags))
    assert film.header.notes == ("the header's body part is the abdomen, its descriptions say chest",)
    for others in (
        {"StudyDescription": "XR"},
        {"StudyDescription": "Chest and abdomen"},
        {"BodyPartExamined": "KNEE"},
        {"BodyPartExamined": "ABDOMEN PELVIS"},
    ):
        with pytest.raises(RadiographError, match="the body part must be the chest"):
            read_radiograph(dicom(tmp_path / "film.dcm", pixels(), 12, **{**tags, **others}))
