import struct
import zlib

import numpy as np
import pytest
import torch
from film_builders import pixels, png
from PIL import Image

from monai_cars.files.padding import padded_pixels
from monai_cars.files.radiograph import RadiographError, read_native, read_radiograph, write_radiograph


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(path, kind, body):
    """The PNG with a chunk before its pixels."""
    data = path.read_bytes()
    at = data.index(b"IDAT") - 4
    path.write_bytes(data[:at] + chunk(kind, body) + data[at:])
    return path


def unedited(path, out):
    film = read_radiograph(path)
    support = torch.zeros(film.image.shape)
    return film, read_native(write_radiograph(out, film.image, header=film.header, support=support))


@pytest.mark.parametrize("suffix", [".png", ".dcm"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_grey_png_keeps_its_depth_beside_a_transparent_value(tmp_path, bits, suffix):
    stored = pixels(bits, full=False)
    stored[:7] = 3
    path = with_chunk(png(tmp_path / "film.png", stored), b"tRNS", struct.pack(">H", 3))
    film, after = unedited(path, tmp_path / f"out{suffix}")
    assert np.array_equal(film.image[0].numpy(), stored)
    assert np.array_equal(after.stored, stored)
    assert (film.header.bits, film.header.padding) == (bits, (3.0, 3.0))


def test_a_transparent_value_that_no_pixel_has_changes_nothing(tmp_path):
    stored = pixels(16, full=False)
    value = next(value for value in range(65536) if value not in stored)
    film, after = unedited(
        with_chunk(png(tmp_path / "film.png", stored), b"tRNS", struct.pack(">H", value)), tmp_path / "out.png"
    )
    assert np.array_equal(after.stored, stored)
    assert padded_pixels(film.image, film.header.padding) is None


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_grey_png_of_few_bits_is_refused(tmp_path, bits):
    values = np.zeros((144, 160 * bits // 8), np.uint8) + np.arange(20 * bits, dtype=np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    head = struct.pack(">IIBBBBB", 160, 144, bits, 0, 0, 0, 0)
    (tmp_path / "film.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    with pytest.raises(
        RadiographError, match=rf"8 bits, or 16 bits in one grey channel \(got {bits} bits, colour type 0"
    ):
        read_radiograph(tmp_path / "film.png")


def test_a_palette_of_few_bits_is_read_by_its_colours(tmp_path):
    few = (pixels(8) // 32).astype(np.uint8)
    film = Image.fromarray(few, "P")
    film.putpalette([shade for value in range(8) for shade in (value * 30,) * 3])
    film.save(tmp_path / "film.png", bits=4)
    assert (tmp_path / "film.png").read_bytes()[24:26] == bytes([4, 3])
    read, after = unedited(tmp_path / "film.png", tmp_path / "out.png")
    assert np.array_equal(read.image[0].numpy(), few * 30)
    assert np.array_equal(after.stored, few * 30)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("under", [0, 255])
def test_a_transparent_border_of_one_value_is_padding(tmp_path, mode, under):
    stored, alpha = pixels(8), np.full((144, 160), 255, np.uint8)
    stored[:, :9], alpha[:, :9] = under, 0
    Image.merge("LA", [Image.fromarray(stored), Image.fromarray(alpha)]).convert(mode).save(tmp_path / "film.png")
    film, after = unedited(tmp_path / "film.png", tmp_path / "out.png")
    assert np.array_equal(film.image[0].numpy(), stored)
    assert np.array_equal(after.stored, stored)
    assert film.header.padding == (under, under)
    assert film.header.notes == ("1296 transparent pixels are read as a border",)


def test_transparency_that_hides_or_blends_something_is_refused(tmp_path):
    stored, alpha = pixels(8), np.full((144, 160), 255, np.uint8)
    alpha[:, :9] = 0
    Image.merge("LA", [Image.fromarray(stored), Image.fromarray(alpha)]).save(tmp_path / "film.png")
    with pytest.raises(
        RadiographError, match=r"transparent pixels must hold one value, as a border does \(got \d+ under"
    ):
        read_radiograph(tmp_path / "film.png")
    alpha[:, 9] = 128
    Image.merge("LA", [Image.fromarray(stored), Image.fromarray(alpha)]).save(tmp_path / "film.png")
    with pytest.raises(RadiographError, match="must be opaque"):
        read_radiograph(tmp_path / "film.png")


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 200, 255), (255, 255, 0)])
def test_a_coloured_marker_is_read_by_its_brightest_channel(tmp_path, colour):
    stored = pixels(8)
    film = np.repeat(stored[..., None], 3, axis=2)
    film[5:15, 5:25] = colour
    Image.fromarray(film).save(tmp_path / "film.png")
    read, after = unedited(tmp_path / "film.png", tmp_path / "out.png")
    meant = stored.copy()
    meant[5:15, 5:25] = max(colour)
    assert np.array_equal(after.stored, meant)
    assert read.header.notes == ("200 coloured pixels are read by their brightest channel",)


def test_more_colour_than_a_marker_has_is_refused(tmp_path):
    film = np.repeat(pixels(8)[..., None], 3, axis=2)
    film[5:25, 5:25] = (255, 0, 0)
    Image.fromarray(film).save(tmp_path / "film.png")
    with pytest.raises(RadiographError, match=r"its channels must be equal \(got 3 channels that differ by up to 255"):
        read_radiograph(tmp_path / "film.png")


def test_a_grey_jpeg_of_three_channels_is_read_by_its_luminance(tmp_path):
    film = np.repeat(pixels(8)[..., None], 3, axis=2).astype(np.int64)
    film[..., 2] = np.clip(film[..., 2] + 2, 0, 255)  # what other encoders' rounding leaves
    Image.fromarray(film.astype(np.uint8)).save(tmp_path / "film.jpg", quality=95, subsampling=0)
    read, after = unedited(tmp_path / "film.jpg", tmp_path / "out.png")
    with Image.open(tmp_path / "film.jpg") as coloured:
        values = np.asarray(coloured).astype(np.int64)
    assert np.ptp(values, axis=2).max() > 0
    assert np.abs(read.image[0].numpy() - values.mean(2)).max() <= 2
    assert np.array_equal(after.stored, read.image[0].numpy())
    assert read.header.notes == ()


@pytest.mark.parametrize("polarity", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_of_a_png_follows_its_polarity(tmp_path, polarity):
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("Photometric Interpretation", polarity)
    stored = pixels(16, full=False)
    stored[:7] = 9
    path = with_chunk(png(tmp_path / "film.png", stored, pnginfo=text), b"tRNS", struct.pack(">H", 9))
    sign = -1.0 if polarity == "MONOCHROME1" else 1.0
    assert read_radiograph(path).header.padding == (9 * sign, 9 * sign)
