import numpy as np
import pydicom
import pytest
import torch
from film_builders import LOSSLESS, dataset, dicom, pixels, transcode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monai_cars.files import dicom_pixels
from monai_cars.files.radiograph import RadiographError, read_native, read_radiograph, write_radiograph


def unedited(path, out):
    """What a save without edits gives, and the film that was read."""
    film = read_radiograph(path)
    support = torch.zeros(film.image.shape)
    return film, read_native(write_radiograph(out, film.image, header=film.header, support=support))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    allocated=st.sampled_from([8, 16, 32]),
    stored_bits=st.integers(8, 24),
    signed=st.booleans(),
    used=st.integers(6, 24),
    above=st.sampled_from(["nothing", "sign", "constant", "declared overlay", "overlay"]),
    high=st.sampled_from([-1, -1, -1, 0, 4]),
)
def test_any_layout_of_bits_comes_back_bit_for_bit_or_is_refused(
    tmp_path, allocated, stored_bits, signed, used, above, high
):
    if stored_bits > allocated:
        stored_bits = allocated
    values = pixels(min(used, 16) if used > 8 else 8).astype(np.int64)
    values = (values << max(used - 16, 0)) & ((1 << allocated) - 1)
    cells = values.copy()
    fits = values.max() < 1 << stored_bits
    if above != "nothing" and stored_bits < allocated:
        top, room = 1 << (allocated - 1), ~((1 << stored_bits) - 1) & ((1 << allocated) - 1)
        negative = (values >> (stored_bits - 1)) & 1 == 1
        plane = {"sign": np.where(negative, room, 0), "constant": np.full_like(values, top)}
        cells |= plane.get(above, np.where(np.arange(160) % 3 == 0, top, 0) + np.zeros_like(values))
    kind = f"{'i' if signed else 'u'}{allocated // 8}"
    film = dataset(cells.astype(f"u{allocated // 8}").view(kind), stored_bits, HighBit=stored_bits + high)
    if above == "declared overlay":
        film.add_new((0x6000, 0x0102), "US", allocated - 1)
    film.save_as(tmp_path / "film.dcm", enforce_file_format=True)
    meant = pydicom.dcmread(tmp_path / "film.dcm").pixel_array  # by the standard: the stored bits alone
    try:
        read, after = unedited(tmp_path / "film.dcm", tmp_path / "out.dcm" if allocated < 32 else tmp_path / "out.nii")
    except RadiographError:
        certain = fits and high == -1 and above in ("nothing", "constant", "declared overlay")
        assert not certain or meant.min() == meant.max()
        return
    assert high == -1
    assert fits or above == "sign" or signed
    assert np.array_equal(read.header.polarity * read.image[0].numpy(), meant.astype(np.float32))
    assert np.array_equal(after.stored, meant)


@pytest.mark.parametrize("syntax", ["native", "RLE", "big endian", "implicit"])
def test_values_beyond_the_stored_bits_are_refused(tmp_path, syntax):
    path = transcode(dicom(tmp_path / "source.dcm", pixels(12), 12), tmp_path / "film.dcm", syntax)
    film = pydicom.dcmread(path)
    film.BitsStored, film.HighBit = 10, 9
    if syntax == "big endian":
        pydicom.dcmwrite(path, film, implicit_vr=False, little_endian=False, force_encoding=True)
    else:
        film.save_as(path, enforce_file_format=True)
    with pytest.raises(
        RadiographError, match=r"values must fit into the 10 stored bits \(got 0 to 4095\); correct Bits"
    ):
        read_radiograph(path)


def test_left_justified_values_are_refused(tmp_path):
    with pytest.raises(
        RadiographError, match=r"HighBit one below BitsStored \(got HighBit 15 and BitsStored 12\); shift"
    ):
        read_radiograph(dicom(tmp_path / "film.dcm", pixels(12) << 4, 12, HighBit=15))
    with pytest.raises(RadiographError, match=r"stored bits must fit into the allocated ones \(got 12 of 8\)"):
        read_radiograph(dicom(tmp_path / "film.dcm", pixels(8), 12))


def test_negative_values_without_their_sign_carried_up_are_read_by_it(tmp_path):
    stored = pixels(12, signed=True)
    film, after = unedited(dicom(tmp_path / "film.dcm", stored & 0x0FFF, 12), tmp_path / "out.dcm")
    assert np.array_equal(film.image[0].numpy(), stored)
    assert np.array_equal(after.stored, stored)


@pytest.mark.parametrize("syntax", ["JPEG 2000", "JPEG-LS"])
def test_decoded_values_outside_the_headers_range_are_refused(tmp_path, syntax):
    path = transcode(dicom(tmp_path / "source.dcm", pixels(12), 12), tmp_path / "film.dcm", syntax)
    film = pydicom.dcmread(path)
    film.BitsStored, film.HighBit = 10, 9
    film.save_as(path, enforce_file_format=True)
    with pytest.raises(
        RadiographError, match=r"header's range 0 to 1023 \(got 0 to 4095\): the compressed pixels are dam"
    ):
        read_radiograph(path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.floats(0.3, 0.99), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_jpeg_2000_gives_values_of_its_headers_range_or_nothing(tmp_path, flips):
    data = bytearray(whole_jpeg_2000(tmp_path))
    for share, byte in flips:
        data[int(share * len(data))] = byte
    (tmp_path / "film.dcm").write_bytes(data)
    try:
        film = read_radiograph(tmp_path / "film.dcm")
    except RadiographError:
        return
    assert film.header.low <= float(film.image.min())
    assert float(film.image.max()) <= film.header.high


def whole_jpeg_2000(folder):
    path = folder / "whole.dcm"
    if not path.exists():
        transcode(dicom(folder / "source.dcm", pixels(12), 12), path, "JPEG 2000")
    return path.read_bytes()


@pytest.mark.parametrize("syntax", [name for name in LOSSLESS if name != "JPEG-LS"])
def test_a_missing_sign_is_taken_for_none_and_noted(tmp_path, syntax):
    path = transcode(dicom(tmp_path / "source.dcm", pixels(12), 12), tmp_path / "film.dcm", syntax)
    film = pydicom.dcmread(path)
    del film.PixelRepresentation
    big = syntax == "big endian"
    pydicom.dcmwrite(path, film, implicit_vr=syntax == "implicit", little_endian=not big, force_encoding=True)
    film, after = unedited(path, tmp_path / "out.dcm")
    assert np.array_equal(film.image[0].numpy(), pixels(12))
    assert np.array_equal(after.stored, pixels(12))
    assert film.header.notes == ("the header does not say whether pixels are signed: read as unsigned",)


def palette(indices, *, colours=(1.0, 1.0, 1.0), bits=16, **tags):
    film = dataset(indices, 8, PhotometricInterpretation="PALETTE COLOR", **tags)
    entries = np.linspace(0, 2**bits - 1, 256)
    for name, share in zip(("Red", "Green", "Blue"), colours, strict=True):
        setattr(film, f"{name}PaletteColorLookupTableDescriptor", [256, 0, bits])
        values = np.round(share * entries).astype(np.uint16)
        setattr(film, f"{name}PaletteColorLookupTableData", values.tobytes())
    return film


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_of_greys_is_read_by_its_values(tmp_path, bits):
    film = palette(pixels(8), bits=bits, PixelPaddingValue=7)
    film.save_as(tmp_path / "film.dcm", enforce_file_format=True)
    film, after = unedited(tmp_path / "film.dcm", tmp_path / "out.dcm")
    meant = pixels(8).astype(np.int64) * (1 if bits == 8 else 257)
    assert np.array_equal(film.image[0].numpy(), meant)
    assert np.array_equal(after.stored, meant)
    assert (film.header.bits, film.header.padding) == (bits, None)
    assert film.header.notes == ("grey values are those of the palette",)
    written = pydicom.dcmread(tmp_path / "out.dcm")
    assert (written.PhotometricInterpretation, "PixelPaddingValue" in written) == ("MONOCHROME2", False)


def test_a_palette_of_colours_and_one_without_tables_are_refused(tmp_path):
    palette(pixels(8), colours=(1, 0.5, 0.2)).save_as(tmp_path / "film.dcm", enforce_file_format=True)
    with pytest.raises(RadiographError, match="its channels must be equal"):
        read_radiograph(tmp_path / "film.dcm")
    with pytest.raises(RadiographError, match=r"got PALETTE COLOR and AttributeError.*; give the original film"):
        read_radiograph(dicom(tmp_path / "film.dcm", pixels(8), 8, PhotometricInterpretation="PALETTE COLOR"))


def test_a_coloured_mark_on_a_grey_film_is_read_by_its_brightest_channel(tmp_path):
    colour = np.repeat(pixels(8)[..., None], 3, axis=2)
    colour[10:20, 10:15] = (30, 200, 40)
    film = dicom(
        tmp_path / "film.dcm", colour, 8, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0
    )
    film, after = unedited(film, tmp_path / "out.dcm")
    meant = pixels(8)
    meant[10:20, 10:15] = 200
    assert np.array_equal(film.image[0].numpy(), meant)
    assert np.array_equal(after.stored, meant)
    assert film.header.notes == ("50 coloured pixels are read by their brightest channel",)


def test_overlays_are_told_by_the_header(tmp_path):
    film = dataset(pixels(12), 12)
    film.add_new((0x6000, 0x0102), "US", 15)
    film.add_new((0x6002, 0x0102), "US", 0)
    film.add_new((0x6002, 0x3000), "OW", b"\0\0")  # not in the pixels
    assert dicom_pixels._overlay_bits(film) == {15}
