import numpy as np
import pydicom
import pytest
import torch
from film_builders import dataset, pixels, transcode

from monai_cars.files.dicom_display import decimals, number, polarity_of
from monai_cars.files.radiograph import RadiographError, read_native, read_radiograph, write_radiograph

RISING = np.linspace(0, 4095, 4096).astype(np.uint16)
FALLING = RISING[::-1].copy()


def table(values, *, bits=16, vr="OW", order="<"):
    item = pydicom.Dataset()
    item.LUTDescriptor = [len(values) % 65536, 0, bits]
    item["LUTDescriptor"].VR = "US"
    item.add_new("LUTData", vr, values.astype(f"{order}u2").tobytes() if vr == "OW" else [int(v) for v in values])
    return item


POLARITIES = {
    "MONOCHROME2": ({}, 1),
    "MONOCHROME1": ({"PhotometricInterpretation": "MONOCHROME1"}, -1),
    "slope": ({"RescaleSlope": "-1"}, -1),
    "slope with a comma": ({"RescaleSlope": "-2.5"}, -1),
    "both": ({"PhotometricInterpretation": "MONOCHROME1", "RescaleSlope": "-1"}, 1),
    "inverse": ({"PresentationLUTShape": "INVERSE"}, -1),
    "identity": ({"PresentationLUTShape": "IDENTITY"}, 1),
    "inverse said twice": ({"PresentationLUTShape": "INVERSE", "PhotometricInterpretation": "MONOCHROME1"}, -1),
    "falling VOI": ({"VOILUTSequence": [table(FALLING)]}, -1),
    "falling VOI as numbers": ({"VOILUTSequence": [table(FALLING, vr="US")]}, -1),
    "rising VOI": ({"VOILUTSequence": [table(RISING)], "WindowCenter": "2000", "WindowWidth": "4000"}, 1),
    "falling modality": ({"ModalityLUTSequence": [table(FALLING)]}, -1),
    "both fall": ({"ModalityLUTSequence": [table(FALLING)], "VOILUTSequence": [table(FALLING)]}, 1),
    "falling VOI of MONOCHROME1": (
        {"VOILUTSequence": [table(FALLING)], "PhotometricInterpretation": "MONOCHROME1"},
        1,
    ),
}


@pytest.mark.parametrize("syntax", ["native", "implicit", "big endian"])
@pytest.mark.parametrize("case", POLARITIES)
def test_dense_is_bright_whatever_turns_the_film_over_and_reads_back_so(tmp_path, case, syntax):
    tags, polarity = POLARITIES[case]
    order = ">" if syntax == "big endian" else "<"
    swapped = {
        name: [table(FALLING if "alling" in case or "fall" in case else RISING, vr=value[0]["LUTData"].VR, order=order)]
        if name.endswith("Sequence")
        else value
        for name, value in tags.items()
    }
    dataset(pixels(12), 12, **swapped).save_as(tmp_path / "source.dcm", enforce_file_format=True)
    path = transcode(tmp_path / "source.dcm", tmp_path / "film.dcm", syntax)
    if case == "slope with a comma":
        path.write_bytes(path.read_bytes().replace(b"-2.5", b"-2,5"))
    film = read_radiograph(path)
    assert film.header.polarity == polarity
    assert np.array_equal(film.image[0].numpy(), polarity * pixels(12).astype(np.float32))
    target = write_radiograph(tmp_path / "out.dcm", film.image, header=film.header, support=torch.zeros(144, 160))
    again = read_native(target)
    assert again.header.polarity == polarity
    assert np.array_equal(again.stored, pixels(12))
    written = pydicom.dcmread(target)
    assert written.PhotometricInterpretation == tags.get("PhotometricInterpretation", "MONOCHROME2")
    for name, value in tags.items():
        if name.endswith("Sequence"):
            data = written[name].value[0].LUTData
            words = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.asarray(data)
            meant = value[0].LUTData
            assert np.array_equal(words, np.frombuffer(meant, "<u2") if isinstance(meant, bytes) else meant)


@pytest.mark.parametrize("name", ["VOILUTSequence", "ModalityLUTSequence"])
def test_a_table_that_rises_and_falls_is_refused(tmp_path, name):
    hill = np.concatenate([RISING[::2], FALLING[::2]])
    dataset(pixels(12), 12, **{name: [table(hill)]}).save_as(tmp_path / "film.dcm", enforce_file_format=True)
    with pytest.raises(
        RadiographError, match=rf"{name} must rise or fall \(got a table that rises by \d+ and falls by"
    ):
        read_radiograph(tmp_path / "film.dcm")


def test_a_falling_table_beside_a_window_is_refused(tmp_path):
    film = dataset(pixels(12), 12, VOILUTSequence=[table(FALLING)], WindowCenter="2000", WindowWidth="4000")
    film.save_as(tmp_path / "film.dcm", enforce_file_format=True)
    with pytest.raises(
        RadiographError, match=r"must show the film the same way round .*; remove the one that is wrong"
    ):
        read_radiograph(tmp_path / "film.dcm")


def test_tables_of_bytes_and_tables_that_cannot_be_read():
    film, item = dataset(pixels(12), 12), pydicom.Dataset()
    item.LUTDescriptor, item["LUTDescriptor"].VR = [256, 0, 8], "US"
    item.add_new("LUTData", "OW", np.arange(256, dtype=np.uint8)[::-1].tobytes())
    film.VOILUTSequence = [item]
    assert polarity_of("film", film) == -1
    item.LUTDescriptor = []
    assert polarity_of("film", film) == 1
    film.VOILUTSequence = []
    assert polarity_of("film", film) == 1


def test_decimals_are_read_with_points_and_commas():
    film = pydicom.Dataset()
    film.PixelSpacing = ["0.14", "0.15"]
    assert decimals(film, "PixelSpacing") == (0.14, 0.15)
    assert number(film, "PixelSpacing") is None
    film.RescaleSlope = "2"
    assert (number(film, "RescaleSlope"), number(film, "RescaleIntercept")) == (2.0, None)
