import json
import re
from dataclasses import replace

import pytest
import torch
from film_builders import dicom, pixels
from monai.data import MetaTensor
from monai.transforms import EnsureChannelFirstd, LoadImaged

from monai_cars.files.radiograph import Header, RadiographError, RadiographReader, header_of, read_radiograph


@pytest.mark.parametrize(
    ("tags", "spacing", "source"),
    [
        ({"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.3, 0.3]}, (0.2, 0.1), "PixelSpacing"),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.22, 0.11]}, (0.2, 0.1), "ImagerPixelSpacing/1.1"),
        ({"PixelSpacing": [-1, 0.2]}, (0.5, 0.5), "datalist"),
        ({"ImagerPixelSpacing": [0, 0]}, (0.5, 0.5), "datalist"),
        ({}, (0.5, 0.5), "datalist"),
    ],
)
def test_spacing_comes_in_the_stated_order(tmp_path, tags, spacing, source):
    path = dicom(tmp_path / "film.dcm", pixels(), 12, **tags)
    header = read_radiograph(path, spacing=0.5).header
    assert header.spacing == pytest.approx(spacing)
    assert header.spacing_source == source
    bare = read_radiograph(path).header
    assert (bare.spacing is None) == (source == "datalist")


@pytest.mark.parametrize("wrong", [0, -0.1, (0.1, 0), (0.1,), "x", float("inf"), float("nan")])
def test_a_spacing_that_is_none_is_refused(tmp_path, wrong):
    path = dicom(tmp_path / "film.dcm", pixels(), 12)
    with pytest.raises(RadiographError, match=r"spacing must be one positive number.*leave it out"):
        read_radiograph(path, spacing=wrong)


@pytest.mark.parametrize(
    ("tags", "position"),
    [
        ({}, None),
        ({"ViewPosition": "AP"}, None),
        ({"SeriesDescription": "W034 Chest PA erect"}, "erect"),
        ({"SeriesDescription": "CHEST_AP_SUPINE"}, "supine"),
        ({"PatientPosition": "HFS"}, "supine"),
        ({"SeriesDescription": "Chest semi-erect"}, None),
        ({"SeriesDescription": "Chest AP portable"}, None),
        ({"SeriesDescription": "erect or supine"}, None),
    ],
)
def test_position_is_known_only_where_the_header_says_it(tmp_path, tags, position):
    assert read_radiograph(dicom(tmp_path / "film.dcm", pixels(), 12, **tags)).header.position == position


@pytest.mark.parametrize(
    ("tags", "view"),
    [
        ({}, "PA"),
        ({"ViewPosition": "AP"}, "AP"),
        ({"ViewPosition": "", "SeriesDescription": "Chest AP portable"}, "AP"),
        ({"ViewPosition": "", "ProtocolName": "THORAX_PA"}, "PA"),
        ({"ViewPosition": None, "SeriesDescription": "PA or AP"}, None),
        ({"ViewPosition": None}, None),
    ],
)
def test_view_comes_from_the_tag_or_else_the_description(tmp_path, tags, view):
    assert read_radiograph(dicom(tmp_path / "film.dcm", pixels(), 12, **tags)).header.view == view


@pytest.mark.parametrize(
    ("tags", "age"),
    [
        ({}, 61.0),
        ({"PatientAge": "006M"}, 0.5),
        ({"PatientAge": None}, 61.17),
        ({"PatientAge": "old"}, 61.17),
        ({"PatientAge": None, "PatientBirthDate": ""}, None),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_age_comes_from_the_tag_or_the_dates(tmp_path, tags, age):
    assert read_radiograph(dicom(tmp_path / "film.dcm", pixels(), 12, **tags)).header.age == pytest.approx(
        age, abs=0.01
    )


@pytest.mark.filterwarnings("ignore:NvImgCodecPydicomReader")
def test_reader_in_loadimaged_gives_the_same_values_and_the_same_meta(tmp_path):
    path = str(dicom(tmp_path / "film.dcm", pixels(), 12, PixelSpacing=[0.2, 0.1]))
    film = read_radiograph(path)
    plain = LoadImaged(keys="image", reader=RadiographReader)({"image": path})["image"]
    named = LoadImaged(keys="image", reader="monai_cars.files.radiograph.RadiographReader")({"image": path})["image"]
    first = LoadImaged(keys="image", reader=RadiographReader(), ensure_channel_first=True)({"image": path})["image"]
    moved = EnsureChannelFirstd(keys="image")({"image": plain.clone()})["image"]
    for image in (plain, named, first, moved):
        assert isinstance(image, MetaTensor)
        assert torch.equal(image.as_tensor(), film.image)
        assert image.meta["radiograph"] == film.header.to_json()
        assert header_of(image) == film.header
    assert plain.affine.diagonal().tolist() == [0.2, 0.1, 1, 1]


def test_reader_takes_one_film_at_a_time(tmp_path):
    with pytest.raises(RadiographError, match="films are read one at a time"):
        RadiographReader().read(["a.png", "b.png"])
    assert RadiographReader().verify_suffix(["a.dcm", "IM0001", "b.nii.gz"])
    assert not RadiographReader().verify_suffix("a.txt")


def test_header_round_trips_and_refuses_nonsense(tmp_path):
    header = read_radiograph(dicom(tmp_path / "film.dcm", pixels(), 12, PixelSpacing=[0.2, 0.1])).header
    assert Header.from_json(header.to_json()) == header
    assert Header.from_json(json.dumps(json.loads(replace(header, spacing=None).to_json()))).spacing is None
    for text in ("{}", "[]", "nonsense", '{"sourc": 1}', "null"):
        with pytest.raises(RadiographError, match=re.escape("meta['radiograph'] must be the JSON")):
            Header.from_json(text)


def test_header_of_a_bare_tensor_follows_its_values():
    image = torch.linspace(-1, 3, 16).reshape(1, 4, 4)
    header = header_of(image)
    assert (header.source, header.format, header.low, header.high) == ("memory", "tensor", -1.0, 3.0)
    assert not header.integer
    assert header.sha256 == header_of(MetaTensor(image)).sha256 == header_of(image.double()).sha256
    assert header.sha256 != header_of(image + 1).sha256
