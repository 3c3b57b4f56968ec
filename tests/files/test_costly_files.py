"""Small files that cost: each is read or refused at once, and no process takes more than it may."""

import gzip
import struct
import sys
import time
import zlib

import nibabel as nib
import numpy as np
import pytest
from film_builders import dicom, nifti, pixels, png, transcode
from PIL import Image, PngImagePlugin

from monai_cars.files import decode_process as decoding
from monai_cars.files.decode_process import DecodeError, DecodeProcess
from monai_cars.files.nifti import SLACK
from monai_cars.files.radiograph import RadiographError, read_radiograph


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def ihdr(columns, rows, bits=8, color=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, bits, color, 0, 0, 0))


SIGNATURE, END = b"\x89PNG\r\n\x1a\n", chunk(b"IEND", b"")


@pytest.mark.parametrize(("color", "side"), [(2, 10_000), (6, 6_000), (3, 6_000), (4, 8_000), (0, 10_001)])
def test_pngs_of_more_values_than_a_film_has_are_refused_unread(tmp_path, color, side):
    (tmp_path / "film.png").write_bytes(SIGNATURE + ihdr(side, side, color=color) + chunk(b"IDAT", b"") + END)
    with pytest.raises(RadiographError, match=rf"at most \d+ pixels \(got {side} x {side}\)"):
        read_radiograph(tmp_path / "film.png")


def test_a_png_that_grows_behind_its_header_is_refused(tmp_path):
    rows = zlib.compress(bytes(144 * 161))
    (tmp_path / "film.png").write_bytes(SIGNATURE + ihdr(160, 144) + ihdr(60_000, 60_000) + chunk(b"IDAT", rows) + END)
    with pytest.raises(RadiographError, match="more pixels than the file states at its start"):
        read_radiograph(tmp_path / "film.png")


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_text_and_profile_bombs_of_a_png_are_bounded(tmp_path, kind):
    bomb = zlib.compress(bytes(200 << 20), 9)
    body = b"word\0\1\0\0\0" + bomb if kind == b"iTXt" else b"word\0\0" + bomb
    whole = png(tmp_path / "film.png", pixels(8)).read_bytes()
    (tmp_path / "film.png").write_bytes(whole[:33] + chunk(kind, body) + whole[33:])
    began = time.monotonic()
    try:
        assert np.array_equal(read_radiograph(tmp_path / "film.png").image[0], pixels(8))
    except RadiographError as refusal:
        assert "the image must decode" in str(refusal)  # noqa: PT017 - either is right, but soon
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("fill", [b"\xff", b"\xff\xee\x00\x02", b"\xff\xee\x00\x00"])
def test_a_jpeg_of_fill_bytes_or_empty_segments_is_refused_at_once(tmp_path, fill):
    (tmp_path / "film.jpg").write_bytes(b"\xff\xd8\xff\xe0" + fill * (4 << 20) + b"\xff\xda\xff\xd9")
    began = time.process_time()
    with pytest.raises(RadiographError, match="a JPEG must have a frame header"):
        read_radiograph(tmp_path / "film.jpg")
    assert time.process_time() - began < 2


def test_a_nifti_that_inflates_beyond_its_header_is_refused(tmp_path):
    whole = nifti(tmp_path / "film.nii", pixels(8)).read_bytes()
    bomb = gzip.compress(whole + bytes(200 << 20))
    (tmp_path / "film.nii.gz").write_bytes(bomb)
    assert len(bomb) < 300_000
    with pytest.raises(RadiographError, match=rf"at most {len(whole) + SLACK} bytes \(got more, once inflated\)"):
        read_radiograph(tmp_path / "film.nii.gz")
    (tmp_path / "film.nii.gz").write_bytes(gzip.compress(bytes(200 << 20)))
    with pytest.raises(RadiographError, match="a NIfTI file must be complete"):
        read_radiograph(tmp_path / "film.nii.gz")


def test_a_nifti_that_promises_more_than_it_holds_is_refused_unread(tmp_path):
    image = nib.Nifti1Image(np.zeros((160, 144), np.float32), np.eye(4))
    data = bytearray(image.to_bytes())
    data[42:46] = struct.pack("<hh", 9999, 9999)  # columns and rows
    data[70:74] = struct.pack("<hh", 1792, 128)  # complex of 16 bytes
    (tmp_path / "film.nii").write_bytes(data)
    with pytest.raises(RadiographError, match=r"complete and readable \(got EOFError: \d+ bytes, the header needs"):
        read_radiograph(tmp_path / "film.nii")


def test_extensions_of_a_nifti_are_not_even_parsed(tmp_path):
    count = 200_000
    data = bytearray(nifti(tmp_path / "film.nii", pixels(8)).read_bytes())
    data[108:112] = struct.pack("<f", 352 + 16 * count)
    data[348] = 1
    data[352:352] = struct.pack("<ii8s", 16, 2, b"Doe^Jane") * count
    (tmp_path / "film.nii").write_bytes(data)
    began = time.process_time()
    assert np.array_equal(read_radiograph(tmp_path / "film.nii").image[0], pixels(8))
    assert time.process_time() - began < 1


HUNGRY = """
import sys, time
from monai_cars.files import decode_worker
def hungry(path):
    held = [bytearray(b"x") * (8 << 20)]
    while True:
        held.append(bytearray(b"x") * (8 << 20))
        time.sleep(0.01)
decode_worker.read_raster = hungry
decode_worker._limit_memory = lambda: None
decode_worker.serve()
"""


def test_the_parent_ends_a_child_that_takes_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "MEMORY", 300 << 20)
    child = DecodeProcess((sys.executable, "-P", "-c", HUNGRY))
    with pytest.raises(DecodeError, match="the decoder exceeded its memory limit of 300 MiB"):
        child(png(tmp_path / "film.png", pixels(8)), "raster")
    child.close()


def test_the_largest_grey_film_fits(tmp_path):
    stored = np.zeros((9_000, 11_000), np.uint8)
    stored[0, 0] = 1
    Image.fromarray(stored).save(tmp_path / "film.png", compress_level=1)
    assert read_radiograph(tmp_path / "film.png").image.shape == (1, 9_000, 11_000)
    assert PngImagePlugin.MAX_TEXT_CHUNK < 1 << 24  # what bounds texts and profiles in the child


@pytest.mark.parametrize(
    ("columns", "rows", "tile"), [(160, 144, 1), (0x7FFFFFFF, 0x7FFFFFFF, 1), (60_000, 60_000, 60_000), (160, 144, 0)]
)
def test_jpeg_2000_of_absurd_tiles_and_sizes_is_refused_in_time(tmp_path, columns, rows, tile):
    path = transcode(dicom(tmp_path / "film.dcm", pixels(), 12), tmp_path / "j2k.dcm", "JPEG 2000")
    data = bytearray(path.read_bytes())
    at = data.index(b"\xff\x4f\xff\x51") + 8  # image and tile sizes of the SIZ marker segment
    data[at : at + 8] = struct.pack(">II", columns, rows)
    data[at + 16 : at + 24] = struct.pack(">II", tile, tile)
    path.write_bytes(data)
    began = time.monotonic()
    with pytest.raises(RadiographError, match=r"the pixels must (decode|have the header's size)"):
        read_radiograph(path)
    assert time.monotonic() - began < 20
