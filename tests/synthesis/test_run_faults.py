"""Whatever is wrong with a film or a disk: nothing is lost, nothing is hidden, and one line says what."""

import errno
import os
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from phantom_run import FLUID, PAGES, ends_with_3, films, phantom_run, segmenter, skips, told

from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.files.atomic import CannotWriteError
from monai_cars.reporting.html_report import draw_report, write_report
from monai_cars.reporting.results import GONE
from monai_cars.synthesis import read_manifest
from monai_cars.synthesis.lock import InUseError
from monai_cars.weights import WeightsError


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
