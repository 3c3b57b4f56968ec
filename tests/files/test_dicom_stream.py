import struct
import zlib

import numpy as np
import pydicom
import pytest
import torch
from film_builders import dicom, pixels, transcode
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from monai_cars.files.dicom_stream import is_dicom, parsed
from monai_cars.files.radiograph import RadiographError, read_native, read_radiograph, write_radiograph


def deflated(folder, *, tail=b"", level=9):
    """A film in the deflated transfer syntax, and what lies behind its group of meta elements."""
    film = pydicom.dcmread(dicom(folder / "source.dcm", pixels(12), 12))
    film.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    film.save_as(folder / "film.dcm", enforce_file_format=True)
    data = (folder / "film.dcm").read_bytes()
    end = 144 + struct.unpack("<I", data[140:144])[0]
    if tail:
        packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
        body = zlib.decompress(data[end:], -zlib.MAX_WBITS) + tail
        data = data[:end] + packer.compress(body) + packer.flush()
        (folder / "film.dcm").write_bytes(data)
    return folder / "film.dcm", end


def same_film(path, out):
    film = read_radiograph(path)
    assert np.array_equal(film.image[0].numpy(), pixels(12))
    written = write_radiograph(out, film.image, header=film.header, support=torch.zeros(144, 160))
    assert np.array_equal(read_native(written).stored, pixels(12))
    assert pydicom.dcmread(written).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    return film.header


def test_a_deflated_film_is_read(tmp_path):
    path, _ = deflated(tmp_path)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    assert same_film(path, tmp_path / "out.dcm").notes == ()


def test_a_deflated_file_that_inflates_to_more_than_its_header_is_refused_at_once(tmp_path):
    path, _ = deflated(tmp_path, tail=bytes(300 << 20), level=1)
    with pytest.raises(RadiographError, match=r"must be complete .*more than \d+ bytes once inflated\); copy"):
        read_radiograph(path)


@pytest.mark.parametrize("kept", [0.5, 0.9, 0.99])
def test_a_deflated_file_without_its_end_is_refused(tmp_path, kept):
    path, end = deflated(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: end + int(kept * (len(data) - end))])
    with pytest.raises(RadiographError, match="must be complete"):
        read_radiograph(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"1.2.840.10008.1.2.1\0", b"2.999.770008.1.2.1.\0"),
        (b"\x02\0\x10\0UI", b"\x02\0\x10\0LO"),  # a text by its type in the file
    ],
)
def test_what_is_no_transfer_syntax_is_refused(tmp_path, old, new):
    data = dicom(tmp_path / "s.dcm", pixels(12), 12).read_bytes()
    assert old in data
    (tmp_path / "film.dcm").write_bytes(data.replace(old, new))
    with pytest.raises(RadiographError, match="must be complete and name its transfer syntax"):
        read_radiograph(tmp_path / "film.dcm")


@pytest.mark.parametrize("syntax", ["native", "implicit", "JPEG 2000", "RLE"])
def test_a_film_without_preamble_is_read_by_its_meta_elements(tmp_path, syntax):
    data = transcode(dicom(tmp_path / "s.dcm", pixels(12), 12), tmp_path / "film.dcm", syntax).read_bytes()
    (tmp_path / "film.dcm").write_bytes(data[132:])
    assert same_film(tmp_path / "film.dcm", tmp_path / "out.dcm").notes == ("the file has no DICOM preamble",)


@pytest.mark.parametrize("syntax", ["native", "implicit"])
def test_a_bare_data_set_is_read_as_what_it_looks_like(tmp_path, syntax):
    data = transcode(dicom(tmp_path / "s.dcm", pixels(12), 12), tmp_path / "film.dcm", syntax).read_bytes()
    end = 144 + struct.unpack("<I", data[140:144])[0]
    (tmp_path / "film.dcm").write_bytes(data[end:])
    [note] = same_film(tmp_path / "film.dcm", tmp_path / "out.dcm").notes
    assert "names no transfer syntax: read as uncompressed" in note


def test_a_bare_data_set_of_compressed_pixels_is_refused(tmp_path):
    data = transcode(dicom(tmp_path / "s.dcm", pixels(12), 12), tmp_path / "film.dcm", "JPEG-LS").read_bytes()
    end = 144 + struct.unpack("<I", data[140:144])[0]
    (tmp_path / "film.dcm").write_bytes(data[end:])
    with pytest.raises(RadiographError, match="the pixels must decode"):
        read_radiograph(tmp_path / "film.dcm")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08\0",
        b"\x08\0\x05\0CSxx"[:7],
        b"\x08\0\x77\0CS\x02\0",
        b"\x08\0\x05\0\xff\xff\xff\x7f",
        b"GIF89a..",
        b"PK\x03\x04....",
    ],
)
def test_other_files_are_no_dicom(data):
    assert not is_dicom(data)


def test_a_preamble_or_a_first_element_makes_a_dicom():
    assert is_dicom(bytes(128) + b"DICM")
    assert is_dicom(b"\x08\0\x05\0CS\x0a\0")
    assert is_dicom(b"\x08\0\x08\0\x1a\0\0\0DERIVED")
    assert is_dicom(b"\x02\0\0\0UL\x04\0")
    assert not is_dicom(b"\x02\0\0\0\x04\0\0\0")  # the meta elements have explicit types


def test_a_file_that_names_no_syntax_behind_its_preamble_is_damaged():
    from pydicom.data import get_testdata_file

    name = get_testdata_file("meta_missing_tsyntax.dcm")
    with open(name, "rb") as stream, pytest.raises(RadiographError, match="name its transfer syntax"):
        parsed("film", stream.read())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\x28\0\x03\x01US", b"\x28\0\x03\x01UW"),  # PixelRepresentation of a type that there is not
        (b"\x28\0\0\x01US", b"\x28\0\xff\x01US"),  # no BitsAllocated
    ],
)
def test_a_header_that_is_wrong_in_an_unforeseen_way_is_a_refusal(tmp_path, old, new):
    data = dicom(tmp_path / "s.dcm", pixels(12), 12).read_bytes()
    assert data.count(old) == 1
    (tmp_path / "film.dcm").write_bytes(data.replace(old, new))
    with pytest.raises(RadiographError, match=r"film.dcm: .* \(got .*copy the file again"):
        read_radiograph(tmp_path / "film.dcm", check=False)
