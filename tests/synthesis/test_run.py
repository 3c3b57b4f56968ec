import hashlib
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from film_builders import dicom
from monai.data import load_decathlon_datalist
from phantom_run import EDITS, films, phantom_run, segmenter
from PIL import Image

from monai_cars.features import VocabularyError
from monai_cars.files.radiograph import RadiographError, read_radiograph, write_radiograph
from monai_cars.reporting.html_report import write_report
from monai_cars.synthesis import REFUSED, PlanError, SourceError, read_manifest

FIELDS = [
    "source",
    "source_sha256",
    "output",
    "support",
    "lesion",
    "anatomy",
    "operation",
    "finding",
    "side",
    "severity_asked",
    "severity_measured",
    "seed",
    "editor",
    "weights",
    "accepted",
    "checks",
    "patient_id",
    "findings",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthesis")
    films(folder / "films")
    phantom_run(folder).run()
    return folder


@pytest.fixture(scope="module")
def lines(folder):
    return read_manifest(folder / "run")


def test_every_edit_of_every_film_has_one_line_with_its_provenance(lines):
    assert len(lines) == 2 * len(EDITS)
    for line in lines:
        assert set(FIELDS) <= set(line)
        assert {"name", "value", "threshold", "passed", "reason"} <= set(line["checks"][0])
    assert sum(line["accepted"] for line in lines) >= len(lines) / 2


def test_paths_lead_from_the_folder_to_the_files(folder, lines):
    for line in lines:
        assert hashlib.sha256((folder / "run" / line["source"]).read_bytes()).hexdigest() == line["source_sha256"]
        names = [line[key] for key in ("output", "support", "lesion") if line["accepted"]] + [line["anatomy"]]
        assert all(not Path(name).is_absolute() and (folder / "run" / name).is_file() for name in names)


def test_nothing_outside_the_support_changed_and_something_inside_did(folder, lines):
    for line in lines:
        if line["accepted"]:
            before = read_radiograph(folder / "run" / line["source"]).image[0].numpy()
            after = read_radiograph(folder / "run" / line["output"]).image[0].numpy()
            support = np.asarray(Image.open(folder / "run" / line["support"])) > 0
            assert (before != after).any()
            assert not ((before != after) & ~support).any()


def test_an_abstained_edit_writes_no_film_and_says_why(lines):
    for line in lines:
        if not line["accepted"]:
            assert line["output"] is line["lesion"] is line["support"] is None
            assert line["reason"]


def test_the_datalist_is_monais_and_holds_accepted_counterfactuals_only(folder, lines):
    path = folder / "run" / "datalist.json"
    items = load_decathlon_datalist(str(path), is_segmentation=True)
    accepted = [line for line in lines if line["accepted"]]
    assert len(items) == sum(line["operation"] != "sham" for line in accepted)
    assert len(json.loads(path.read_text())["shams"]) == sum(line["operation"] == "sham" for line in accepted)
    for item in items:
        assert Path(item["image"]).is_file()
        assert Path(item["label"]).is_file()
        assert item["patient_id"] == item["group"]
        assert len(item["findings"]) == 19


def test_an_insertion_sets_its_finding_and_a_sham_none(lines):
    for line in lines:
        known = line["findings"]
        if line["accepted"] and line["operation"] == "insert":
            assert known[line["finding"]] == 1
        else:
            assert known == line["findings_before"] == {}


def test_the_same_run_gives_the_same_bytes(folder, tmp_path):
    (tmp_path / "films").symlink_to(folder / "films")
    phantom_run(tmp_path).run()
    assert digests(tmp_path / "run", skip="manifest.jsonl") == digests(folder / "run", skip="manifest.jsonl")
    first = digests(tmp_path / "run")
    phantom_run(tmp_path).run()
    assert digests(tmp_path / "run") == first


def test_an_interrupted_run_is_seen_to_be_unfinished_and_comes_out_the_same_when_run_again(folder, tmp_path):
    (tmp_path / "films").symlink_to(folder / "films")
    seen = []

    def pulled_plug(image):
        seen.append(image)
        if len(seen) > 1:
            raise KeyboardInterrupt
        return segmenter(image)

    with pytest.raises(KeyboardInterrupt):
        phantom_run(tmp_path, segmenter=pulled_plug).run()
    with pytest.raises(FileNotFoundError, match="must hold a finished run"):
        read_manifest(tmp_path / "run")
    part = (tmp_path / "run" / "manifest.jsonl.part").read_text().splitlines()
    assert [json.loads(line)["source_name"] for line in part] == ["film0.png"] * len(EDITS)
    phantom_run(tmp_path).run()
    assert digests(tmp_path / "run", skip="manifest.jsonl") == digests(folder / "run", skip="manifest.jsonl")


def test_films_that_are_refused_are_skipped_listed_and_told_by_the_exit_status(tmp_path, capsys):
    films(tmp_path / "films", count=1)
    (tmp_path / "films" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Image.fromarray(np.full((50, 50), 7, np.uint8)).save(tmp_path / "films" / "blank.png")
    run = phantom_run(tmp_path, edits=EDITS[:1]).run()
    assert [line["source_name"] for line in run.lines] == ["film0.png"]
    with pytest.raises(SystemExit) as stopped:
        run.finish()
    assert stopped.value.code == REFUSED
    told = json.loads((tmp_path / "run" / "run.json").read_text())["skipped"]
    assert [skip["source"] for skip in told] == ["blank.png", "broken.png"]
    assert all(str(tmp_path) not in skip["reason"] for skip in told)
    assert "skipped broken.png: " in capsys.readouterr().err


def test_what_is_no_film_is_left_out_and_listed_and_no_refusal(tmp_path, capsys):
    [drawn] = films(tmp_path / "films", count=1)
    stored = drawn.image[0].numpy().astype(np.uint16)
    film = dicom(tmp_path / "film.dcm", stored, 16)
    del (header := pydicom.dcmread(film)).PixelRepresentation
    pydicom.dcmwrite(tmp_path / "films" / "1.2.840.10008.7", header, implicit_vr=False, little_endian=True)
    names = sorted(f"table{number:02d}.csv" for number in range(25))
    for name in names:
        (tmp_path / "films" / name).write_text("a,b")
    run = phantom_run(tmp_path, edits=EDITS[:1]).run()
    run.finish()
    assert [line["source_name"] for line in run.lines] == ["1.2.840.10008.7", "film0.png"]
    assert [line["source_note"] for line in run.lines] == [
        "the header does not say whether pixels are signed: read as unsigned",
        "",
    ]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["left_out"] == run.left_out == names
    told = capsys.readouterr().err
    assert "left out, no films by name or content (25): table00.csv, table01.csv" in told
    assert "table19.csv, ..." in told
    page = write_report(tmp_path / "run").read_text()
    assert "Left out, no films by name or content: table00.csv" in page
    assert "5 more, all in run.json" in page


def test_a_run_without_refusals_ends_with_0(folder, capsys):
    phantom_run(folder).finish()
    assert "0 of 0 edits accepted; written to" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"edits": [{"operation": "insert", "finding": "nodul"}]}, PlanError, "must be one of nodule"),
        ({"profile": "chaep"}, ValueError, "profile must be 'cheap' or 'full', got 'chaep'"),
        ({"max_attempts": 0}, ValueError, r"max_attempts must be at least 1 \(got 0\)"),
        ({"axes": "XY"}, ValueError, "axes must be one of HW"),
        ({"created": "today"}, RadiographError, "must be an ISO 8601 time"),
        ({"vocabulary": "nih-15"}, VocabularyError, "No vocabulary 'nih-15'"),
        (
            {"vocabulary": "nih-14", "edits": [{"operation": "insert", "finding": "fracture"}]},
            VocabularyError,
            "does not say what 'fracture' is called in it",
        ),
    ],
)
def test_a_wrong_input_is_refused_before_anything_is_written(folder, tmp_path, options, error, message):
    (tmp_path / "films").symlink_to(folder / "films")
    with pytest.raises(error, match=message):
        phantom_run(tmp_path, **options).check()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("box", "known"), [([100, 270, 120, 290], True), ([280, 90, 310, 120], False)])
def test_an_earlier_insertion_stays_known_where_the_new_one_lies_beside_it(folder, tmp_path, box, known):
    nodule = {"operation": "insert", "finding": "nodule", "accepted": True, "shape": [384, 400], "box": box}
    item = {"image": str(folder / "films" / "film0.png"), "findings": {"nodule": 1}}
    (tmp_path / "films").mkdir()
    path = tmp_path / "films" / "list.json"
    path.write_text(json.dumps({"training": [{**item, "counterfactual": {"edits": [nodule]}}]}))
    run = phantom_run(tmp_path, edits=EDITS[1:2], vocabulary="nih-14")
    run.dataset = path
    [line] = run.run().lines
    assert line["accepted"], line["reason"]
    assert line["findings"] == ({"Nodule": 1, "Effusion": 1} if known else {"Effusion": 1})


def test_findings_of_a_datalist_are_checked_and_kept_in_step(folder, tmp_path):
    item = {"image": str(folder / "films" / "film0.png"), "group": "17", "findings": {"unremarkable": 1}}
    (tmp_path / "films").mkdir()
    path = tmp_path / "films" / "list.json"
    path.write_text(json.dumps({"training": [item]}))
    run = phantom_run(tmp_path, edits=EDITS[:1])
    run.dataset = path
    [line] = run.run().lines
    assert line["patient_id"] == "17"
    if line["accepted"]:
        assert line["findings"] == {"nodule": 1, "unremarkable": 0}
    path.write_text(json.dumps({"training": [{**item, "findings": {"nodul": 1}}]}))
    with pytest.raises(VocabularyError, match="nodul"):
        run.check()


def test_a_box_outside_its_film_is_refused_with_the_remedy(folder, tmp_path):
    box = {"box": [0, 0, 9000, 10], "box_finding": "mass"}
    (tmp_path / "films").mkdir()
    path = tmp_path / "films" / "list.json"
    path.write_text(json.dumps({"training": [{"image": str(folder / "films" / "film0.png"), **box}]}))
    run = phantom_run(tmp_path)
    run.dataset = path
    assert "box must lie inside the film of 384 x 400 pixels" in run.run().skipped[0]["reason"]


def test_a_film_of_real_numbers_is_written_as_nifti(tmp_path):
    [film] = films(tmp_path / "films", count=1)
    (tmp_path / "films" / "film0.png").unlink()
    values = film.image[0].numpy().T / 7
    nib.save(nib.Nifti1Image(values.astype(np.float32), np.diag([-1.0, -1, 1, 1])), tmp_path / "films" / "film.nii.gz")
    run = phantom_run(tmp_path, edits=EDITS[:1]).run()
    assert run.skipped == []
    assert [line["output"][-7:] for line in run.lines if line["accepted"]] == [".nii.gz"]


def test_one_film_that_cannot_be_written_does_not_end_the_run(folder, tmp_path, monkeypatch):
    (tmp_path / "films").symlink_to(folder / "films")
    written = []

    def full(path, *args, **kwargs):
        written.append(path)
        if len(written) == 1:
            raise RadiographError(f"{folder}/films/film0.png: .dcm holds 16 bits; write .nii.gz")
        return write_radiograph(path, *args, **kwargs)

    monkeypatch.setattr("monai_cars.synthesis.task.write_radiograph", full)
    run = phantom_run(tmp_path).run()
    assert [skip["source"] for skip in run.skipped] == ["film0.png"]
    names = [line["source_name"] for line in run.lines]
    assert names.count("film0.png") < len(EDITS) == names.count("film1.png")


def test_no_films_is_an_error(tmp_path):
    (tmp_path / "films").mkdir()
    with pytest.raises(SourceError, match="got a folder without any"):
        phantom_run(tmp_path).check()


def digests(folder: Path, skip: str = "") -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != skip)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_what_films_keep_of_their_sources_stands_in_the_run_and_the_key_nowhere(tmp_path):
    films(tmp_path / "films", count=1)
    (tmp_path / "key").write_text("a secret of some length")
    run = phantom_run(tmp_path, edits=EDITS[:1], retain=["source"], uid_key_file=tmp_path / "key").run()
    told = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (told["retain"], told["uids"]) == (["source"], "keyed")
    data = b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert b"a secret" not in data
    assert b"a secret" not in repr(run).encode()
    with pytest.raises(RadiographError, match="retain may hold characteristics and source"):
        phantom_run(tmp_path, edits=EDITS[:1], retain=["dates"]).check()
