import struct

import numpy as np
import pytest
from film_builders import pixels
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from monai_cars.files.exif import ORIENTATION, jpeg_orientation, png_orientation, png_text, tiff_orientation
from monai_cars.files.radiograph import read_radiograph
from monai_cars.files.sides import OF_EXIF

STORED = pixels(8)
READ = {"jpg": jpeg_orientation, "png": png_orientation}


def picture(path, orientation=None, **options):
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    if orientation is not None:
        exif[ORIENTATION] = orientation
    Image.fromarray(STORED).save(path, exif=exif, **options)
    return path


@pytest.mark.parametrize("kind", sorted(READ))
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_read_and_the_values_stay(tmp_path, kind, orientation):
    path = picture(tmp_path / f"film.{kind}", orientation)
    assert READ[kind](path.read_bytes()) == orientation
    film = read_radiograph(path)
    assert film.header.axes == OF_EXIF[orientation]
    assert film.header.laterality == "assumed"  # it says which way is up, not whose side is whose
    with Image.open(path) as decoded:
        assert np.array_equal(film.image[0].numpy(), np.asarray(decoded))


@pytest.mark.parametrize("kind", sorted(READ))
@pytest.mark.parametrize("orientation", [None, 0, 9, 255])
def test_a_file_that_says_nothing_sound_lies_as_it_is(tmp_path, kind, orientation):
    assert READ[kind](picture(tmp_path / f"film.{kind}", orientation).read_bytes()) == 1


def test_xmp_is_read_where_exif_says_nothing(tmp_path):
    packet = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    Image.fromarray(STORED).save(tmp_path / "film.jpg", xmp=packet)
    assert jpeg_orientation((tmp_path / "film.jpg").read_bytes()) == 6
    picture(tmp_path / "both.jpg", 3, xmp=packet)
    assert jpeg_orientation((tmp_path / "both.jpg").read_bytes()) == 3
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "<tiff:Orientation>8</tiff:Orientation>")
    Image.fromarray(STORED).save(tmp_path / "film.png", pnginfo=text)
    assert png_orientation((tmp_path / "film.png").read_bytes()) == 8


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_of_tiff(order):
    head = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(order + "IHHHIH", 8, 1, ORIENTATION, 3, 1, 5)
    assert tiff_orientation(head + directory) == 5
    assert tiff_orientation(head + directory[:-4]) is None


def test_a_text_entry_is_found_by_its_whole_name(tmp_path):
    text = PngInfo()
    text.add_text("Comment", "no")
    text.add_text("Comments", "yes")
    Image.fromarray(STORED).save(tmp_path / "film.png", pnginfo=text)
    data = (tmp_path / "film.png").read_bytes()
    assert [png_text(data, name) for name in ("Comment", "Comments", "Com")] == ["no", "yes", ""]


@given(st.binary(max_size=300), st.sampled_from([b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n", b"II*\0", b""]))
def test_no_bytes_bring_it_down(data, head):
    assert jpeg_orientation(head + data) in range(1, 9)
    assert png_orientation(head + data) in range(1, 9)
    assert tiff_orientation(head + data) in (None, *range(1, 9))
