"""A run's work is pure: in other processes and another order it gives the same lines and files."""

import hashlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest
from phantom_run import EDITS, films, segmenter

from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.features import load_vocabulary
from monai_cars.synthesis import find_sources, plan_edits
from monai_cars.synthesis.folder import RunFolder
from monai_cars.synthesis.run import tasks
from monai_cars.synthesis.task import Work, run_task


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    films(folder, count=3)
    return find_sources(folder)


def work() -> Work:
    return Work(segmenter, AttenuationEditor(), load_vocabulary("carpa-19"), seed=5, axes="HW")


def files(folder) -> dict[str, str]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in (".dcm", ".png"))
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def told(lines) -> list[dict]:
    """Lines without the way from the folder to the film, which is not the same for two folders."""
    return [{key: value for key, value in line.items() if key != "source"} for line in lines]


def test_processes_give_the_bytes_of_a_serial_run(sources, tmp_path):
    plan = tasks(plan_edits(sources, EDITS, seed=5))
    serial = RunFolder(tmp_path / "serial").start()
    one_by_one = [run_task(task, work(), serial) for task in plan]
    assert any(line["accepted"] for done in one_by_one for line in done.lines)
    apart = RunFolder(tmp_path / "apart").start()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        backwards = [pool.submit(run_task, task, work(), apart) for task in reversed(plan)]
        done = [future.result() for future in reversed(backwards)]
    assert [told(each.lines) for each in done] == [told(each.lines) for each in one_by_one]
    assert files(tmp_path / "apart") == files(tmp_path / "serial") != {}
