import json
import subprocess
import sys

import numpy as np
import pytest
from film_builders import dicom, pixels, png, transcode
from PIL import Image
from pydicom.data import get_testdata_file

from monai_cars.files import decode_worker


def test_readers_give_the_stored_values(tmp_path):
    source = dicom(tmp_path / "film.dcm", pixels(), 12)
    compressed = transcode(source, tmp_path / "jls.dcm", "JPEG-LS")
    assert np.array_equal(decode_worker.read_dicom(str(compressed))[0], pixels())
    assert decode_worker.read_dicom(get_testdata_file("JPGExtended.dcm"))[0].shape == (1024, 256)
    values, notes = decode_worker.read_raster(str(png(tmp_path / "film.png", pixels(16))))
    assert np.array_equal(values, pixels(16))
    assert notes == {"mode": "I;16", "text": {}}


def test_palettes_and_transparent_colours_become_channels(tmp_path):
    Image.fromarray(pixels(8)).convert("P").save(tmp_path / "film.png")
    assert decode_worker.read_raster(str(tmp_path / "film.png"))[1]["mode"] == "RGB"
    Image.fromarray(pixels(8)).save(tmp_path / "film.png", transparency=int(pixels(8)[70, 70]))
    values, notes = decode_worker.read_raster(str(tmp_path / "film.png"))
    assert notes["mode"] == "RGBA"
    assert values[70, 70, 3] == 0


def test_answers_are_values_or_one_line_of_error(tmp_path):
    path = str(png(tmp_path / "film.png", pixels(8)))
    head, body = decode_worker._answer({"path": path, "kind": "raster"})
    assert np.array_equal(np.frombuffer(body, head["dtype"]).reshape(head["shape"]), pixels(8))
    for request in (
        {"path": path, "kind": "dicom"},
        {"path": path, "kind": "other"},
        {"path": "gone", "kind": "raster"},
    ):
        head, body = decode_worker._answer(request)
        assert set(head) == {"error"}
        assert "\n" not in head["error"]
        assert body.size == 0


def test_gdcm_refuses_what_is_no_image(tmp_path):
    (tmp_path / "film.dcm").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="GDCM cannot read the file"):
        decode_worker._extended_jpeg(str(tmp_path / "film.dcm"))


def test_the_program_serves_one_line_a_request(tmp_path):
    paths = [str(png(tmp_path / f"{seed}.png", pixels(8, seed=seed))) for seed in range(2)]
    requests = "".join(json.dumps({"path": path, "kind": "raster", "seconds": 60}) + "\n" for path in [*paths, "gone"])
    command = [sys.executable, "-m", "monai_cars.files.decode_worker"]
    output = subprocess.run(command, input=requests.encode(), capture_output=True, check=True).stdout
    assert output.startswith(decode_worker.READY)
    rest = output[len(decode_worker.READY) :]
    for seed in range(2):
        line, rest = rest.split(b"\n", 1)
        shape = json.loads(line)["shape"]
        assert np.array_equal(np.frombuffer(rest[: np.prod(shape)], np.uint8).reshape(shape), pixels(8, seed=seed))
        rest = rest[np.prod(shape) :]
    assert "FileNotFoundError" in json.loads(rest)["error"]
