import pytest

from monai_cars.files.header import Header, RadiographError


def test_headers_of_earlier_versions_are_read():
    header = Header("film.dcm", "ab", "dicom", padding=(-5.0, 7.0), aspect=2.0, notes=("a note",))
    assert Header.from_json(header.to_json()) == header
    earlier = '{"source": "film.dcm", "sha256": "ab", "format": "dicom", "spacing": [0.2, 0.2], "axes": "HW"}'
    read = Header.from_json(earlier)
    assert (read.padding, read.aspect, read.notes, read.spacing) == (None, 1.0, (), (0.2, 0.2))
    with pytest.raises(RadiographError, match=r"must be the JSON that Header.to_json wrote"):
        Header.from_json('{"source": "", "sha256": "", "format": "", "padding": 3}')
