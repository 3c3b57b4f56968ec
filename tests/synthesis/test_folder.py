import os

import numpy as np
import pytest
from PIL import Image

from monai_cars.files.atomic import CannotWriteError
from monai_cars.synthesis import RunFolder, read_manifest
from monai_cars.synthesis.lock import InUseError


def test_the_manifest_has_its_name_only_when_the_run_is_complete(tmp_path):
    folder = RunFolder(tmp_path / "run").start()
    folder.append({"a": 1})
    with pytest.raises(FileNotFoundError, match="must hold a finished run"):
        read_manifest(folder.path)
    folder.finish()
    assert read_manifest(folder.path) == [{"a": 1}]
    assert sorted(path.name for path in folder.path.iterdir()) == ["films", "manifest.jsonl", "masks"]


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_second_run_removes_nothing_but_what_a_killed_process_left(tmp_path):
    first = RunFolder(tmp_path).start()
    first.append({"lesion": first.write_mask("0123456789ab-lesion", np.ones((2, 2))), "source_name": "a"})
    first.finish()
    (tmp_path / "films" / "mine.dcm").write_text("mine")
    (tmp_path / "films" / f".{'0' * 32}.partial").write_text("left by a run that was killed")
    (tmp_path / "notes.txt").write_text("mine")
    kept = ["0123456789ab-lesion.png", "manifest.jsonl", "mine.dcm", "notes.txt"]
    second = RunFolder(tmp_path).start()
    assert names(tmp_path) == sorted([*kept, "manifest.jsonl.part"])
    assert len(read_manifest(tmp_path)) == 1  # until the second is complete, the first one stands
    second.finish()
    assert names(tmp_path) == sorted(kept)
    assert read_manifest(tmp_path) == []


def test_the_finished_run_of_another_plan_is_never_overwritten(tmp_path):
    run = RunFolder(tmp_path).start()
    run.append({"source_name": "a.png"})
    run.write_json("run.json", {"seed": 1, "edits": [], "skipped": []})
    run.finish()
    run.refuse_another({"seed": 1, "edits": []}, {"a.png", "b.png"})
    with pytest.raises(FileExistsError, match="holds a finished run that was made with other seed; nothing of it"):
        run.refuse_another({"seed": 2, "edits": []}, {"a.png"})
    with pytest.raises(FileExistsError, match="holds a finished run that was made with other films; nothing of it"):
        run.refuse_another({"seed": 1, "edits": []}, {"b.png"})


def test_a_folder_of_others_is_never_written_to(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(FileExistsError, match="must be empty or made by an earlier run"):
        RunFolder(tmp_path)
    with pytest.raises(FileExistsError, match="must be a folder, got a file"):
        RunFolder(tmp_path / "thesis.tex")


def test_masks_are_pictures_of_0_and_255(tmp_path):
    folder = RunFolder(tmp_path).start()
    one, three = np.eye(3, dtype=np.uint8), np.stack([np.eye(3), np.zeros((3, 3)), np.ones((3, 3))])
    assert folder.write_mask("0123456789ab-lesion", one) == "masks/0123456789ab-lesion.png"
    np.testing.assert_array_equal(Image.open(tmp_path / "masks/0123456789ab-lesion.png"), one * 255)
    folder.write_mask("0123456789ab-anatomy", three)
    picture = np.asarray(Image.open(tmp_path / "masks/0123456789ab-anatomy.png"))
    np.testing.assert_array_equal(np.moveaxis(picture, -1, 0), three * 255)


def test_a_manifest_is_strict_json(tmp_path):
    with pytest.raises(ValueError, match="Out of range float"):
        RunFolder(tmp_path).start().append({"a": float("nan")})


def test_paths_are_told_from_the_folder(tmp_path):
    assert RunFolder(tmp_path / "runs" / "demo").relative(tmp_path / "film.dcm") == "../../film.dcm"


def test_two_runs_never_write_into_one_folder(tmp_path):
    with RunFolder(tmp_path).start() as first:
        first.append({"a": 1})
        with pytest.raises(InUseError, match="must be written by one run at a time, got another that is not finished"):
            RunFolder(tmp_path).start()
        first.append({"a": 2})
        first.finish()
    assert read_manifest(tmp_path) == [{"a": 1}, {"a": 2}]
    RunFolder(tmp_path).start().close()  # the next one may


def test_a_run_that_ended_without_finishing_lets_the_next_one_in(tmp_path):
    with pytest.raises(KeyboardInterrupt), RunFolder(tmp_path).start():
        raise KeyboardInterrupt
    with RunFolder(tmp_path).start() as second:
        second.finish()
    assert read_manifest(tmp_path) == []


@pytest.mark.parametrize("meddle", ["another", "longer", "removed"])
def test_a_manifest_that_is_not_what_the_run_wrote_is_never_called_finished(tmp_path, meddle):
    folder, part = RunFolder(tmp_path).start(), tmp_path / "manifest.jsonl.part"
    folder.append({"a": 1})
    if meddle == "longer":
        part.write_text('{"a": 1}\n{"a": 2}\n')
    else:
        part.unlink()
    if meddle == "another":
        part.write_text('{"a": 1}\n')
    with pytest.raises(
        RuntimeError, match=r"must hold the 1 lines that this run wrote, got [02]: something else wrote"
    ):
        folder.finish()
    with pytest.raises(FileNotFoundError):
        read_manifest(tmp_path)


def test_what_stands_beside_a_manifest_gets_its_name_with_it(tmp_path):
    folder = RunFolder(tmp_path).start()
    folder.write_json("run.json", {"seed": 1})
    folder.stage("report.html", b"page")
    assert names(tmp_path) == ["manifest.jsonl.part", "report.html.part", "run.json.part"]
    folder.finish()
    assert names(tmp_path) == ["manifest.jsonl", "report.html", "run.json"]


def test_a_page_of_an_earlier_run_never_stands_beside_another_manifest(tmp_path):
    for lines, left in (([1], "report.html"), ([1], "report.html"), ([1, 2], "earlier-report.html")):
        with RunFolder(tmp_path).start() as folder:
            for line in lines:
                folder.append({"a": line})
            folder.finish()
        if not (tmp_path / "earlier-report.html").exists() and not (tmp_path / "report.html").exists():
            (tmp_path / "report.html").write_text("one edit")  # drawn afterwards, by hand
        assert (tmp_path / left).read_text() == "one edit"
    assert not (tmp_path / "report.html").exists()


def test_a_folder_of_a_run_that_was_killed_before_its_first_line_can_be_used_again(tmp_path):
    for name in ("films", "masks"):
        (tmp_path / name).mkdir()
    RunFolder(tmp_path).start().finish()
    (tmp_path / "other" / "films").mkdir(parents=True)
    (tmp_path / "other" / "films" / "mine.dcm").write_text("mine")
    with pytest.raises(FileExistsError, match="must be empty or made by an earlier run"):
        RunFolder(tmp_path / "other")


def test_an_unfinished_run_of_another_plan_is_not_mixed_with_this_one(tmp_path):
    with RunFolder(tmp_path).start() as folder:
        folder.write_json("run.json", {"seed": 1})
    RunFolder(tmp_path).refuse_another({"seed": 1}, ["a.png"])
    with pytest.raises(FileExistsError, match="holds an unfinished run that was made with other seed; nothing of it"):
        RunFolder(tmp_path).refuse_another({"seed": 2}, ["a.png"])


def test_a_finished_run_whose_plan_is_lost_is_never_overwritten(tmp_path):
    RunFolder(tmp_path).start().finish()
    for content in (None, "{", "[]"):
        if content is not None:
            (tmp_path / "run.json").write_text(content)
        with pytest.raises(FileExistsError, match=r"nobody knows the plan \(run.json is gone or damaged\)"):
            RunFolder(tmp_path).refuse_another({"seed": 1}, [])


def test_a_finished_run_is_not_replaced_by_one_with_fewer_edits_or_items(tmp_path):
    lines = [{"source_name": "a", "anatomy": f"masks/{number}.png"} for number in (1, 2)]
    with RunFolder(tmp_path).start() as folder:
        folder.write_json("run.json", {"seed": 1})
        for line in lines:
            folder.append(line)
        folder.finish()
    folder.refuse_fewer(lines)
    folder.refuse_another({"seed": 1}, ["a", "a"])
    with pytest.raises(
        FileExistsError, match="with more edits of 1 films, the first 'a', than could be made this time"
    ):
        folder.refuse_fewer(lines[:1])
    with pytest.raises(FileExistsError, match="made with other films"):
        folder.refuse_another({"seed": 1}, ["a"])


def test_a_full_disk_leaves_the_run_unfinished_and_says_so(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path).start()

    def full(*_):
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(
            CannotWriteError, match=r"manifest.jsonl.part: cannot be written \(No space left on device\)"
        ):
            folder.append({"a": 1})
    folder.close()
    with RunFolder(tmp_path).start() as again, monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(CannotWriteError, match=r"manifest.jsonl: cannot be written"):
            again.finish()
    with pytest.raises(FileNotFoundError):
        read_manifest(tmp_path)


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CannotWriteError, match=r"output_dir '.*file/run': cannot be written \(Not a directory\)"):
        RunFolder(tmp_path / "file" / "run").start()


def test_a_folder_has_to_be_started_before_it_is_written_to(tmp_path):
    with pytest.raises(ValueError, match=r"must be started before it is written to; call start\(\)"):
        RunFolder(tmp_path).append({})


@pytest.mark.parametrize("content", ["{", "[1]", "\xff", '{"a": 1}\n3\n', "[" * 100_000], ids=range(5))
def test_a_manifest_that_is_none_is_refused_by_its_name(tmp_path, content):
    (tmp_path / "manifest.jsonl").write_text(content, encoding="latin-1")
    with pytest.raises(
        ValueError, match=r"manifest.jsonl must hold one JSON mapping a line, got another or a damaged one"
    ):
        read_manifest(tmp_path)


def test_no_manifest_stands_while_what_belongs_to_it_is_replaced(tmp_path, monkeypatch):
    for content in (b"first", b"second"):
        folder = RunFolder(tmp_path).start()
        folder.stage("report.html", content)
        folder.stage("run.json", content)
        if content == b"first":
            folder.finish()
    whole, seen = os.replace, []

    def watched(source, target):
        seen.append((tmp_path / "manifest.jsonl").exists())
        whole(source, target)

    monkeypatch.setattr(os, "replace", watched)
    folder.finish()
    assert seen == [False] * 3
    assert read_manifest(tmp_path) == []
