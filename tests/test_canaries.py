"""Nothing of a header comes out: not in a film, a manifest, a report, a log, a warning or a message."""

import gzip
import io
import logging
import subprocess
import sys
import warnings
from itertools import islice
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from canaries import WORD, film, nifti, png, refused, whole
from monai.transforms import Compose
from phantom import phantom
from phantom_run import EDITS, SIZE, phantom_run, segmenter
from pydicom.data import get_testdata_file

from monai_cars.files.radiograph import RadiographError, read_radiograph
from monai_cars.reporting.html_report import write_report
from monai_cars.reporting.panel import write_panel
from monai_cars.synthesis import REFUSED
from monai_cars.transforms import InsertFindingd, LoadRadiographd, SaveRadiographd, SegmentAnatomyd


def stored(seed=0):
    return phantom(size=SIZE, seed=seed).image[0].numpy().astype(np.uint16)


def told(data):
    """The canaries in a file's bytes, or in what they hold packed."""
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    return WORD.findall(data)


def in_folder(folder):
    """Canaries in every file below a folder, and in the files' names."""
    return {
        path.relative_to(folder).as_posix(): found
        for path in folder.rglob("*")
        if (found := told(path.read_bytes()) if path.is_file() else []) or WORD.search(path.name.encode())
    }


@pytest.fixture
def heard(caplog, capfd, recwarn):
    """What anybody could hear: every logger at its loudest, both streams, and warnings, each of them every time."""
    caplog.set_level(logging.DEBUG)
    warnings.simplefilter("always")

    def listen():
        streams = capfd.readouterr()
        said = [streams.out, streams.err, caplog.text, *(str(each.message) for each in recwarn)]
        return [found for text in said for found in WORD.findall(text.encode(errors="replace"))]

    return listen


def test_the_builder_makes_two_thousand_of_them():
    data = whole(film(stored()))
    assert len(set(told(data))) > 2000
    header = pydicom.dcmread(io.BytesIO(data))
    assert len({element.VR for element in header.iterall()}) >= 15


def test_a_run_over_films_good_and_damaged_tells_nobody(tmp_path, heard):
    films = tmp_path / "films"
    films.mkdir()
    (films / "good.dcm").write_bytes(whole(film(stored())))
    (films / "good.png").write_bytes(png(stored(1)))
    (films / "good.nii").write_bytes(nifti(stored(2)))
    damaged = dict(refused(stored(3)))
    for name, data in damaged.items():
        (films / f"{name}.dcm").write_bytes(data)
    run = phantom_run(tmp_path, edits=EDITS[:1]).run()
    assert len({line["source_name"] for line in run.lines}) >= 3
    assert len(run.skipped) >= 10
    write_panel(tmp_path / "run")
    write_report(tmp_path / "run")
    with pytest.raises(SystemExit):
        run.finish()
    assert in_folder(tmp_path / "run") == {}
    assert heard() == []


@pytest.mark.parametrize("output_format", [".dcm", ".png", ".nii.gz"])
@pytest.mark.parametrize("source", ["good.dcm", "good.nii", "good.png"])
def test_the_transforms_tell_nobody(tmp_path, heard, source, output_format):
    make = {
        "good.dcm": lambda: whole(film(stored())),
        "good.nii": lambda: nifti(stored()),
        "good.png": lambda: png(stored()),
    }
    (tmp_path / source).write_bytes(make[source]())
    chain = Compose(
        [
            LoadRadiographd(keys="image"),
            SegmentAnatomyd(keys="image", segmenter=segmenter, axes="HW"),
            InsertFindingd(keys="image", finding="nodule", side="left", severity=0.8),
            SaveRadiographd(keys="image", output_dir=tmp_path / "out", output_format=output_format),
        ]
    )
    out = chain({"image": str(tmp_path / source)})
    assert torch.is_tensor(out["image"])
    assert in_folder(tmp_path / "out") == {}
    assert WORD.findall(out["counterfactual"].encode()) == []
    assert heard() == []


def test_no_refusal_quotes_the_header(tmp_path, heard):
    number = 0
    for name, data in refused(stored()):
        (tmp_path / "film.dcm").write_bytes(data)
        try:
            read_radiograph(tmp_path / "film.dcm")
        except RadiographError as refusal:
            assert WORD.findall(str(refusal).encode()) == [], name  # noqa: PT017 - some are read
            number += 1
    assert number >= 10
    assert heard() == []


@pytest.mark.slow
def test_the_bundle_on_the_command_line_tells_nobody(tmp_path):
    films = tmp_path / "films"
    films.mkdir()
    pixels = pydicom.dcmread(get_testdata_file("RG1_UNCR.dcm")).pixel_array
    (films / "good.dcm").write_bytes(whole(film(pixels)))
    for name, data in islice(refused(stored()), 16):
        (films / f"{name}.dcm").write_bytes(data)
    bundle = Path(__file__).resolve().parents[1] / "bundles" / "cars_chest_xray"
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(bundle / "configs/inference.json")]
    command += ["--bundle_root", str(bundle), "--dataset_dir", str(films), "--output_dir", str(tmp_path / "run")]
    command += ["--edits", "[{'operation': 'insert', 'finding': 'nodule', 'side': 'left'}]"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == REFUSED, done.stderr[-2000:].decode()
    assert list((tmp_path / "run" / "films").iterdir()) != []
    assert told(done.stdout + done.stderr) == []
    assert in_folder(tmp_path / "run") == {}
