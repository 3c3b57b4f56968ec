import numpy as np
import pytest
from PIL import Image

from monai_cars.synthesis import RunFolder, read_manifest


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
