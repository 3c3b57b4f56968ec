"""Whatever is wrong with a film, a disk or an option: nothing is lost, nothing is hidden, and one line says what."""

import errno
import json
import os
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from phantom_run import EDITS, films, phantom_run, segmenter
from PIL import Image

from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.files.atomic import CannotWriteError
from monai_cars.reporting.html_report import draw_report, write_report
from monai_cars.reporting.panel import draw_panel
from monai_cars.reporting.results import GONE
from monai_cars.synthesis import REFUSED, PlanError, SourceError, read_manifest
from monai_cars.synthesis.lock import InUseError
from monai_cars.weights import WeightsError

PAGES = {"panel.png": draw_panel, "report.html": draw_report}
FLUID = EDITS[1:2]


def skips(run):
    return {each["source"]: each["reason"] for each in run.skipped}


def told(folder):
    return json.loads((folder / "run" / "run.json").read_text())


def ends_with_3(run):
    with pytest.raises(SystemExit) as stopped:
        run.finish()
    return stopped.value.code == REFUSED


def test_a_name_that_is_no_utf_8_is_edited_like_any_other(tmp_path, capsys):
    films(tmp_path / "films", count=1)
    try:
        (tmp_path / "films" / "film0.png").rename(tmp_path / "films" / "Thor\udce4x\n.png")
        (tmp_path / "films" / "br\udcffken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    run = phantom_run(tmp_path, edits=FLUID, pages=PAGES).run()
    assert [line["source_name"] for line in run.lines] == ["Thor\\udce4x\n.png"]
    assert list(skips(run)) == ["br\\udcffken.png"]
    assert ends_with_3(run)
    assert "skipped br\\udcffken.png: " in capsys.readouterr().err
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Thor\\udce4x" in page
    assert 'alt="the film before any edit"' in page
    assert write_report(tmp_path / "run").read_text(encoding="utf-8") == page


def test_a_film_with_values_that_no_float_can_hold_is_skipped(tmp_path):
    [film] = films(tmp_path / "films", count=1)
    for name, factor in (("large.nii.gz", 1e33), ("larger.nii.gz", 1e300), ("tiny.nii.gz", 1e-44)):
        values = film.image[0].numpy().T.astype(np.float64) * factor
        nib.save(nib.Nifti1Image(values, np.diag([-1.0, -1, 1, 1])), tmp_path / "films" / name)
    run = phantom_run(tmp_path, edits=FLUID, pages=PAGES).run()
    edited = {line["source_name"] for line in run.lines}
    assert "film0.png" in edited
    assert edited | set(skips(run)) == {"film0.png", "large.nii.gz", "larger.nii.gz", "tiny.nii.gz"}
    for line in read_manifest(tmp_path / "run"):
        assert not line["accepted"] or (tmp_path / "run" / line["output"]).is_file()


def test_a_film_that_is_gone_before_it_is_read_is_skipped(tmp_path):
    films(tmp_path / "films")

    def takes_the_next_away(image):
        (tmp_path / "films" / "film1.png").unlink(missing_ok=True)
        return segmenter(image)

    run = phantom_run(tmp_path, edits=FLUID, segmenter=takes_the_next_away, pages=PAGES).run()
    assert "must exist and be readable" in skips(run)["film1.png"]
    assert str(tmp_path) not in skips(run)["film1.png"]
    assert ends_with_3(run)


@pytest.mark.parametrize("how", ["gone", "changed", "damaged"])
def test_a_film_that_is_gone_before_the_pages_are_drawn_is_listed_and_the_others_are_shown(tmp_path, how):
    films(tmp_path / "films")
    seen = []

    def takes_the_first_away(image):
        seen.append(image)
        first = tmp_path / "films" / "film0.png"
        if len(seen) == 2:
            first.unlink()
            if how == "changed":
                shutil.copy(tmp_path / "films" / "film1.png", first)
            if how == "damaged":
                first.write_bytes(b"\x89PNG\r\n\x1a\n")
        return segmenter(image)

    run = phantom_run(tmp_path, edits=FLUID, segmenter=takes_the_first_away, pages=PAGES).run()
    assert skips(run) == {"film0.png": GONE}
    assert told(tmp_path)["skipped"] == run.skipped
    assert ends_with_3(run)
    assert [line["source_name"] for line in read_manifest(tmp_path / "run")] == ["film0.png", "film1.png"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count('alt="the film before any edit"') == 1
    assert f'<p class="note">{GONE}.</p>' in page


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("deep"), KeyError("a\nb"), OSError(5, "I/O error")])
def test_no_error_of_one_film_ends_the_run(tmp_path, error):
    films(tmp_path / "films")
    seen = []

    def fails_once(image):
        seen.append(image)
        if len(seen) == 1:
            raise error
        return segmenter(image)

    run = phantom_run(tmp_path, edits=FLUID, segmenter=fails_once).run()
    assert [line["source_name"] for line in run.lines] == ["film1.png"]
    assert f"it could not be worked on: {type(error).__name__}" in skips(run)["film0.png"]
    assert skips(run)["film0.png"].isprintable()
    assert len(skips(run)["film0.png"]) < 200


def test_a_page_that_cannot_be_drawn_is_listed_and_the_run_is_complete(tmp_path):
    films(tmp_path / "films", count=1)

    def fails(*_):
        raise RuntimeError("no font\nat all")

    run = phantom_run(tmp_path, edits=FLUID, pages={"panel.png": fails, "report.html": draw_report}).run()
    assert skips(run) == {"panel.png": "it could not be drawn: RuntimeError: no font at all"}
    assert len(read_manifest(tmp_path / "run")) == 1
    assert not (tmp_path / "run" / "panel.png").exists()
    assert "no font at all" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize("number", [3, 8, 14])
def test_a_full_disk_ends_the_run_unfinished_and_the_same_again_finishes_it(tmp_path, monkeypatch, number):
    films(tmp_path / "films")
    calls, whole = [], os.fsync

    def fills(handle):
        calls.append(handle)
        if len(calls) >= number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return whole(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fills)
        with pytest.raises(CannotWriteError, match=r"cannot be written \(No space left on device\)"):
            phantom_run(tmp_path, edits=FLUID, pages=PAGES).run()
    with pytest.raises(FileNotFoundError, match="must hold a finished run"):
        read_manifest(tmp_path / "run")
    assert not any((tmp_path / "run" / name).exists() for name in ("run.json", "datalist.json", "report.html"))
    run = phantom_run(tmp_path, edits=FLUID, pages=PAGES).run()
    assert len(read_manifest(tmp_path / "run")) == len(run.lines) == 2
    assert run.skipped == []


def test_a_disk_that_is_full_for_a_moment_is_no_films_fault(tmp_path, monkeypatch):
    films(tmp_path / "films")
    failed, whole = [], os.fsync

    def fills(handle):
        if not failed and "films" in Path(os.readlink(f"/proc/self/fd/{handle}")).parts[-2:]:
            failed.append(handle)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return whole(handle)

    monkeypatch.setattr(os, "fsync", fills)
    with pytest.raises(CannotWriteError, match=r"cannot be written \(No space left on device\)"):
        phantom_run(tmp_path, edits=FLUID, pages=PAGES).run()
    assert len(failed) == 1


def test_weights_that_are_missing_end_the_run_since_every_film_would_miss_them(tmp_path):
    films(tmp_path / "films")

    class Lacking(AttenuationEditor):
        def propose(self, film, anatomy, edit, generator):
            raise WeightsError("the weights 'x' were looked for and not found")

    with pytest.raises(WeightsError, match="looked for and not found"):
        phantom_run(tmp_path, edits=FLUID, editor=Lacking()).run()
    phantom_run(tmp_path, edits=FLUID).run()


def test_a_second_run_into_a_folder_that_one_is_writing_to_is_refused(tmp_path):
    films(tmp_path / "films", count=1)
    refused = []

    def starts_another(image):
        with pytest.raises(InUseError, match="one run at a time") as caught:
            phantom_run(tmp_path, edits=FLUID).run()
        refused.append(caught)
        return segmenter(image)

    run = phantom_run(tmp_path, edits=FLUID, segmenter=starts_another)
    run.run()
    assert len(refused) == 1
    assert len(read_manifest(tmp_path / "run")) == 1


def test_a_finished_run_stands_when_a_film_of_it_can_no_longer_be_read(tmp_path):
    films(tmp_path / "films")
    phantom_run(tmp_path, edits=FLUID, pages=PAGES).run()
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    (tmp_path / "films" / "film1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(FileExistsError, match=r"more edits of 1 films, the first 'film1.png'"):
        phantom_run(tmp_path, edits=FLUID, pages=PAGES).run()
    assert {path: path.read_bytes() for path in before} == before


def test_the_finished_run_stays_whole_until_one_with_more_films_is(tmp_path):
    films(tmp_path / "films", count=1)
    phantom_run(tmp_path, edits=FLUID, pages=PAGES).run()
    first = (tmp_path / "run" / "report.html").read_bytes()
    films(tmp_path / "films", count=2)
    seen = []

    def watches(image):
        seen.append((len(read_manifest(tmp_path / "run")), (tmp_path / "run" / "report.html").read_bytes() == first))
        return segmenter(image)

    phantom_run(tmp_path, edits=FLUID, segmenter=watches, pages=PAGES).run()
    assert seen == [(1, True)] * 2
    assert len(read_manifest(tmp_path / "run")) == 2
    assert (tmp_path / "run" / "report.html").read_bytes() != first


def datalist(folder, *items):
    path = folder / "films" / "list.json"
    path.write_text(json.dumps({"training": list(items)}))
    return path


def test_one_film_twice_in_a_datalist_gives_the_files_of_both_items(tmp_path):
    films(tmp_path / "films", count=1)
    once = phantom_run(tmp_path, edits=EDITS[:2])
    once.dataset, once.output_dir = datalist(tmp_path, {"image": "film0.png"}), tmp_path / "once"
    alone = {line["anatomy"] for line in once.run().lines}
    items = [{"image": "film0.png", "spacing": [s, s]} for s in (0.8, 0.9)]
    items = [{"image": "film0.png"}, *items, items[0], {"image": "film0.png", "patient_id": "17"}]
    run = phantom_run(tmp_path, edits=EDITS[:2])
    run.dataset = datalist(tmp_path, *items)
    lines = run.run().lines
    assert len(lines) == 2 * len(items)
    masks = [line["anatomy"] for line in lines]
    assert len(set(masks)) == len(items)
    assert alone == set(masks[:2])  # the first item's names are those that it always had
    outputs = [line["output"] for line in lines if line["accepted"]]
    assert len(set(outputs)) == len(outputs) == len(items)
    assert [line["spacing"] for line in lines[2::2]] == [[0.8, 0.8], [0.9, 0.9], [0.8, 0.8], lines[0]["spacing"]]
    digests = {line["output"]: line["output_sha256"] for line in lines if line["accepted"]}
    again = phantom_run(tmp_path, edits=EDITS[:2])
    again.dataset = run.dataset
    assert {line["output"]: line["output_sha256"] for line in again.run().lines if line["accepted"]} == digests
    run.dataset = datalist(tmp_path, *items[:-1])
    with pytest.raises(FileExistsError, match="made with other films"):
        run.check()


def test_counterfactuals_are_sources_only_when_that_is_asked_for(tmp_path):
    films(tmp_path / "films", count=1)
    [line] = phantom_run(tmp_path, edits=FLUID).run().lines
    assert line["accepted"]
    made = tmp_path / "second" / "films"
    made.mkdir(parents=True)
    shutil.copy(tmp_path / "run" / line["output"], made / "copied.dcm")
    os.link(tmp_path / "run" / line["output"], made / "linked.dcm")
    shutil.copy(tmp_path / "films" / "film0.png", made)
    run = phantom_run(tmp_path / "second", edits=FLUID).run()
    assert [line["source_name"] for line in run.lines] == ["film0.png"]
    assert list(skips(run)) == ["copied.dcm", "linked.dcm"]
    assert all("marked as synthetic" in reason and "--synthetic_sources" in reason for reason in skips(run).values())
    asked = phantom_run(tmp_path / "second", edits=FLUID, synthetic_sources="true")
    asked.output_dir = tmp_path / "asked"
    assert [line["source_name"] for line in asked.run().lines] == ["copied.dcm", "film0.png", "linked.dcm"]
    assert told(tmp_path / "second").get("synthetic_sources") is None
    # A datalist that passes the film's record on asks for it, too.
    carried = phantom_run(tmp_path / "second", edits=FLUID)
    path = made / "list.json"
    path.write_text(json.dumps({"training": [{"image": "copied.dcm", "counterfactual": {"edits": [line]}}]}))
    carried.dataset, carried.output_dir = path, tmp_path / "carried"
    assert len(carried.run().lines) == 1


def test_a_run_into_a_folder_below_its_films_gives_the_same_bytes_again(tmp_path):
    films(tmp_path / "films", count=1)
    seen = []
    for _ in range(2):
        run = phantom_run(tmp_path, edits=FLUID, pages=PAGES)
        run.output_dir = tmp_path / "films" / "out"
        run.run()
        assert run.skipped == []
        seen.append({path: path.read_bytes() for path in run.output_dir.rglob("*") if path.is_file()})
    assert seen[0] == seen[1]


def test_a_run_over_its_own_output_is_refused_and_removes_nothing(tmp_path):
    films(tmp_path / "films", count=1)
    phantom_run(tmp_path, edits=FLUID).run()
    mine = tmp_path / "run" / "films" / "mine.png"
    shutil.copy(tmp_path / "films" / "film0.png", mine)
    run = phantom_run(tmp_path, edits=FLUID)
    run.dataset = tmp_path / "run" / "films"
    with pytest.raises(SourceError, match="must not lie in output_dir"):
        run.run()
    assert mine.is_file()


CANARY = ("DOE_JANE", "4711", "MRN")


def pseudonymised(folder, **options):
    """A run over films whose every name tells of a patient."""
    place = folder / "films" / "DOE_JANE" / "4711"
    if not place.exists():
        films(place, count=1)
        (place / "film0.png").rename(place / "MRN-4711.png")
        (place / "MRN-broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        Image.fromarray(np.full((50, 50), 7, np.uint8)).save(place / "MRN-blank.png")
    return phantom_run(folder, edits=FLUID, names="pseudonymised", pages=PAGES, **options)


def test_no_name_is_told_where_names_are_pseudonyms(tmp_path, capsys):
    run = pseudonymised(tmp_path).run()
    assert len(run.lines) == 1
    assert len(run.skipped) == 2
    assert ends_with_3(run)
    output = capsys.readouterr()
    texts = [output.err, output.out.replace(str(tmp_path), "")]
    for path in (tmp_path / "run").rglob("*"):
        texts.append(path.relative_to(tmp_path).as_posix())
        texts.append(path.read_bytes().decode("latin-1") if path.is_file() else "")
    assert len(texts) > 10
    assert [word for word in CANARY for text in texts if word in text] == []
    assert run.lines[0]["source"] == run.lines[0]["source_name"]
    assert 'alt="the film before any edit"' in (tmp_path / "run" / "report.html").read_text()
    page = write_report(tmp_path / "run").read_text()  # who has only the folder cannot show the films
    assert GONE in page


def test_pseudonyms_follow_from_the_key_and_a_forgotten_key_is_another(tmp_path):
    key = tmp_path / "keys" / "key"
    first = pseudonymised(tmp_path, names_key=key).run()
    again = pseudonymised(tmp_path, names_key=str(key)).run()
    assert first.lines == again.lines
    with pytest.raises(FileExistsError, match="made with other names, films; nothing of it is overwritten"):
        pseudonymised(tmp_path).run()
    assert first.lines[0]["patient_id"] == again.lines[0]["patient_id"]
    assert key.read_text().strip() not in (tmp_path / "run" / "run.json").read_text()


def test_a_patient_of_a_datalist_becomes_a_pseudonym_and_stays_together(tmp_path):
    films(tmp_path / "films")
    items = [{"image": f"film{number}.png", "patient_id": "MRN 4711"} for number in (0, 1)]
    run = phantom_run(tmp_path, edits=FLUID, names="pseudonymised")
    run.dataset = datalist(tmp_path, *items)
    lines = run.run().lines
    assert len({line["patient_id"] for line in lines}) == 1
    assert "4711" not in lines[0]["patient_id"]


@pytest.mark.parametrize("key", ["run/key", "run/../run/films/key"])
def test_the_key_never_lies_in_what_is_given_away(tmp_path, key):
    with pytest.raises(ValueError, match=r"names_key '.*key' must lie outside output_dir"):
        pseudonymised(tmp_path, names_key=tmp_path / key).run()
    assert not (tmp_path / "run").exists()


def test_nor_does_the_key_of_identifiers_though_an_earlier_run_made_the_folder(tmp_path):
    films(tmp_path / "films", count=1)
    (tmp_path / "key").write_text("0123456789abcdef")
    phantom_run(tmp_path, edits=FLUID, uid_key_file=tmp_path / "key").run()
    os.rename(tmp_path / "key", tmp_path / "run" / "key")
    (tmp_path / "link").symlink_to(tmp_path / "run" / "key")
    for key in (tmp_path / "run" / "key", tmp_path / "link"):
        with pytest.raises(ValueError, match=r"uid_key_file '.*' must lie outside output_dir"):
            phantom_run(tmp_path, edits=FLUID, uid_key_file=key).run()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": "abc"}, r"seed must be a whole number from 0 to 9223372036854775807 \(got 'abc'\)"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"seed": 2**70}, "seed must be at most 9223372036854775807"),
        ({"seed": True}, "seed must be a whole number"),
        ({"max_attempts": "x"}, r"max_attempts must be a whole number from 1 to 1000 \(got 'x'\)"),
        ({"max_attempts": 1.0}, "max_attempts must be a whole number"),
        ({"max_attempts": 10**9}, "max_attempts must be at most 1000"),
        ({"edits": [3]}, r"edits\[0\] must be a mapping of fields to values, got 3"),
        ({"edits": "nodule"}, "edits must be a list of mappings, got 'nodule'"),
        ({"edits": {"operation": "insert"}}, "edits must be a list of mappings"),
        ({"edits": 3}, "edits must be a list of mappings, got 3"),
        ({"edits": None}, "edits must hold at least one row"),
        ({"axes": 3}, "axes must be text, got 3"),
        ({"profile": ["full"]}, "gate must be text, got"),
        ({"profile": "fulll"}, "fulll"),
        ({"vocabulary": 3}, "vocabulary must be the path of a file or folder, got 3"),
        ({"editor": 3}, "editor must be text, got 3"),
        ({"editor_weights": 3}, "editor_weights must be the path of a file or folder, got 3"),
        ({"created": 20260131}, "created must be text, got 20260131"),
        ({"image_key": None}, "image_key must be text, got None"),
        ({"progress": "no"}, "progress must be True or False, got 'no'"),
        ({"synthetic_sources": "no"}, "synthetic_sources must be True or False, got 'no'"),
        ({"names": "secret"}, "names must be one of kept, pseudonymised, got 'secret'"),
        ({"retain": 3}, r"retain must be a list of words \(got 3\)"),
        ({"retain": None}, r"retain must be a list of words \(got None\)"),
        ({"uid_key_file": 3}, "uid_key_file must be the path of a file or folder, got 3"),
        ({"names_key": "key"}, "names_key is for names 'pseudonymised'"),
    ],
)
def test_an_option_is_right_or_refused_before_anything_is_written(tmp_path, options, message):
    films(tmp_path / "films", count=1)
    with pytest.raises(ValueError, match=message) as caught:
        phantom_run(tmp_path, **options).run()
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["dataset", "output_dir"])
@pytest.mark.parametrize("value", [3, None, "", ["films"]])
def test_a_place_is_one_or_refused(tmp_path, name, value):
    run = phantom_run(tmp_path)
    setattr(run, name, value)
    with pytest.raises(ValueError, match=r"(dataset|output)_dir must be the path of a file or folder, got "):
        run.check()


@pytest.mark.parametrize(
    "field",
    [
        {"seed": "abc"}, {"seed": -1}, {"seed": 1.5}, {"seed": 2**70}, {"seed": None}, {"finding": 3},
        {"finding": None}, {"operation": ["insert"]}, {"side": 3}, {"side": ["left"]}, {"zone": {}},
        {"severity": "0.5"}, {"severity": True}, {"severity": [0.5]}, {"severity": float("nan")},
        {"severity": 10**400}, {"severity": {"value": "18", "unit": "mm"}}, {3: 3}, {"\udc80": 1},
        {"severity": {"value": 18, "unit": "mm", "x": 1}}, {"severity": {"value": 18, "unit": 3}},
    ],
)  # fmt: skip
def test_every_field_of_an_edit_is_right_or_refused_with_its_row(tmp_path, field):
    films(tmp_path / "films", count=1)
    rows = [EDITS[0], {**EDITS[0], **field}]
    with pytest.raises(ValueError, match=r"^edits\[1\]:? ") as caught:
        phantom_run(tmp_path, edits=rows).check()
    assert len(str(caught.value)) < 600
    assert isinstance(caught.value, PlanError) or 3 in field


def test_what_a_run_leaves_when_it_is_refused_is_nothing(tmp_path):
    with pytest.raises(SourceError, match="got nothing there"):
        phantom_run(tmp_path).run()
    assert list(Path(tmp_path).iterdir()) == []
