"""A parse costs what a film is worth: few elements, short values, no bombs."""

import io
import time
import zlib

import numpy as np
import pydicom
import pytest
from film_builders import LOSSLESS, dataset, dicom, pixels, transcode
from pydicom.data import get_testdata_file
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from monai_cars.files import dicom_parsing
from monai_cars.files.dicom_parsing import LONGEST_TEXT, ParseError, parse
from monai_cars.files.inflate import InflateError
from monai_cars.files.radiograph import RadiographError, read_radiograph


def whole(film, syntax=None):
    if syntax is not None:
        film.file_meta.TransferSyntaxUID = syntax
    stream = io.BytesIO()
    film.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def deflated(film, body=None):
    """A film whose data set is deflated; `body` is put in place of the data set."""
    data = whole(film, DeflatedExplicitVRLittleEndian)
    at = data.index(b"\x02\x00\x10\x00UI")
    at += 8 + data[at + 6]
    plain = whole(dataset(pixels(), 12))
    rest = plain[plain.index(b"\x08\x00\x16\x00UI") :] if body is None else body
    head = bytearray(data[: data.index(b"\x02\x00\x10\x00UI")]) + data[data.index(b"\x02\x00\x10\x00UI") : at]
    packer = zlib.compressobj(9, wbits=-15)
    return bytes(head) + packer.compress(rest) + packer.flush(), rest


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_what_pydicom_reads_of_a_film_is_read(tmp_path, syntax):
    path = transcode(dicom(tmp_path / "film.dcm", pixels(), 12), tmp_path / "other.dcm", syntax)
    assert parse(path.read_bytes()) == pydicom.dcmread(path)


def test_zeros_behind_a_film_are_no_elements(tmp_path):
    path = dicom(tmp_path / "film.dcm", pixels(), 12)
    path.write_bytes(path.read_bytes() + bytes(20 << 20))
    began = time.process_time()
    film = read_radiograph(path)
    assert time.process_time() - began < 3
    assert np.array_equal(film.image[0], pixels())


def test_millions_of_elements_are_refused(monkeypatch):
    data = whole(dataset(pixels(), 12))
    where = data.index(b"\x28\x00\x02\x00US")
    monkeypatch.setattr(dicom_parsing, "MOST_READS", 2000)
    element = b"\x09\x00\x01\x01LO\0\0"
    with pytest.raises(ParseError, match="more than 2000 elements"):
        parse(data[:where] + element * 2000 + data[where:])
    nested = b"\x09\x00\x01\x01SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + element * 2000
    with pytest.raises(ParseError, match="more than 2000 elements"):
        parse(data[:where] + nested)


def test_values_too_long_for_what_they_are_do_not_appear():
    film = dataset(pixels(), 12)
    film.private_block(0x0011, "ACME", create=True).add_new(1, "OB", bytes(3 << 20))
    film.add_new(0x00081110, "UT", "x" * (LONGEST_TEXT + 2))
    found = parse(whole(film))
    assert (0x0011, 0x1001) not in found
    assert (0x0008, 0x1110) not in found
    assert found.Rows == 144


def test_a_list_of_millions_of_numbers_is_not_read(tmp_path):
    film = dataset(pixels(), 12)
    film.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    data = whole(film)
    where = data.index(b"\xe0\x7f\x10\x00")
    numbers = b"0\\" * (4 << 20)
    spacing = b"\x28\x00\x30\x00" + len(numbers).to_bytes(4, "little") + numbers
    (tmp_path / "film.dcm").write_bytes(data[:where] + spacing + data[where:])
    began = time.process_time()
    assert read_radiograph(tmp_path / "film.dcm").header.spacing is None
    assert time.process_time() - began < 2


def test_nested_values_and_character_sets_of_megabytes_are_refused():
    data = whole(dataset(pixels(), 12))
    where = data.index(b"\x28\x00\x02\x00US")
    value = b"\x08\x00\x05\x00UT\0\0" + (3 << 20).to_bytes(4, "little") + bytes(3 << 20)
    nested = b"\x09\x00\x01\x01SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + value
    with pytest.raises(ParseError, match="a nested value of 3145728 bytes"):
        parse(data[:where] + nested + data[where:])
    start = data.index(b"\x08\x00\x16\x00UI")
    with pytest.raises(ParseError, match="a character set of 3145728 bytes"):
        parse(data[:start] + value + data[start:])


def test_deflated_films_are_inflated_as_far_as_their_pixels_allow():
    data, _ = deflated(dataset(pixels(), 12))
    assert np.array_equal(parse(data).pixel_array, pixels())
    path = get_testdata_file("image_dfl.dcm")
    with open(path, "rb") as stream:
        assert parse(stream.read()).PixelData == pydicom.dcmread(path).PixelData


@pytest.mark.parametrize("where", ["behind", "before"])
def test_a_deflated_bomb_is_refused_before_it_is_large(where, monkeypatch):
    monkeypatch.setattr(dicom_parsing, "DEFLATED_HEADER", 1 << 20)
    _, plain = deflated(dataset(pixels(), 12))
    body = plain + bytes(64 << 20) if where == "behind" else bytes(64 << 20) + plain
    data, _ = deflated(dataset(pixels(), 12), body)
    assert len(data) < 200_000
    with pytest.raises(InflateError, match=r"more than 1\d* bytes once inflated"):
        parse(data)


def test_a_bomb_is_a_refused_film(tmp_path):
    data, _ = deflated(dataset(pixels(), 12), bytes(64 << 20))
    (tmp_path / "film.dcm").write_bytes(data)
    with pytest.raises(RadiographError, match=r"film\.dcm: a DICOM file must be complete.*more than 200000 elements"):
        read_radiograph(tmp_path / "film.dcm")
