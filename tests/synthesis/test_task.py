"""A run's task is a pure function of its film, its edits and what the film carries already."""

import json
from dataclasses import dataclass, field

import pytest
import torch
from phantom_film import drawn_header
from phantom_run import films, phantom_run, segmenter

from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.edits.edit import Edit
from monai_cars.features import load_vocabulary
from monai_cars.loop.counterfactual import make_counterfactual
from monai_cars.synthesis import RunFolder, SourceError, find_sources
from monai_cars.synthesis.sources import Source
from monai_cars.synthesis.task import Task, Work, run_task

OPACITY = Edit("insert", "consolidation", side="left", severity=0.5, seed=5)
FLUID = Edit("insert", "effusion", side="right", severity=0.5, seed=5)


@dataclass(frozen=True)
class Watching:
    """The real editor, and the films that it was shown."""

    name: str = "watching"
    weights: str | None = None
    films: list = field(default_factory=list)

    def propose(self, film, anatomy, edit, generator):
        self.films.append(film)
        return AttenuationEditor().propose(film, anatomy, edit, generator)


@pytest.fixture
def film(tmp_path):
    return films(tmp_path / "films", count=1)[0]


def test_edits_that_an_item_of_a_datalist_carries_reach_the_editor(film, tmp_path):
    earlier = make_counterfactual(film.image, film.anatomy, FLUID, header=drawn_header(film))
    assert earlier.accepted
    refused = {**earlier.record, "accepted": False}
    for record in ({"edits": [refused, earlier.record]}, json.dumps({"edits": [refused, earlier.record]})):
        path = tmp_path / "films" / "list.json"
        path.write_text(json.dumps({"training": [{"image": "film0.png", "counterfactual": record}]}))
        editor = Watching()
        run = phantom_run(tmp_path, edits=[{"operation": "insert", "finding": "nodule", "severity": 0.8}])
        run.dataset, run.editor, run.output_dir = path, editor, tmp_path / f"run{len(str(record))}"
        run.run()
        (carried,) = editor.films[0].earlier
        assert (carried.operation, carried.finding) == ("insert", "effusion")
        assert torch.equal(carried.lesion, earlier.lesion[0] > 0)


def test_a_record_that_is_none_is_refused_with_its_place(tmp_path):
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"training": [{"image": "a.png", "counterfactual": {"edit": []}}]}))
    message = r"training\[0\]: counterfactual must be the record that an earlier edit left: the record must be a JSON"
    with pytest.raises(SourceError, match=message):
        find_sources(path)


def work(**options):
    settings = {"segmenter": segmenter, "editor": AttenuationEditor(), "vocabulary": load_vocabulary("carpa-19")}
    return Work(**settings, axes="HW", **options)


def test_a_task_gives_the_same_lines_in_any_folder_and_a_line_an_edit(film, tmp_path):
    source = Source(tmp_path / "films" / "film0.png", "film0.png", findings={"unremarkable": 1})
    task = Task(source, ((4, OPACITY), (9, FLUID)))
    folders = [RunFolder(tmp_path / name).start() for name in ("one", "two")]
    one, two = (run_task(task, work(), folder) for folder in folders)
    assert one == two
    assert one.refused == ""
    assert [(line["finding"], line["accepted"]) for line in one.lines] == [("consolidation", True), ("effusion", True)]
    assert ["-04-insert-consolidation" in one.lines[0]["output"], "-09-insert-effusion" in one.lines[1]["output"]] == [
        True
    ] * 2
    for line in one.lines:
        assert line["findings_before"] == {"unremarkable": 1}
        assert line["findings"][line["finding"]] == 1
        assert line["findings"]["unremarkable"] == 0
        assert line["shared_model"] is True


def test_an_edit_that_was_refused_leaves_the_labels_as_they_were(film, tmp_path):
    @dataclass(frozen=True)
    class Blank(Watching):
        def propose(self, film, anatomy, edit, generator):
            made = AttenuationEditor().propose(film, anatomy, edit, generator)
            object.__setattr__(made, "residual", torch.zeros_like(made.residual))
            return made

    source = Source(tmp_path / "films" / "film0.png", "film0.png", findings={"unremarkable": 1})
    blank = Work(segmenter, Blank(), load_vocabulary("carpa-19"), axes="HW", max_attempts=1)
    done = run_task(Task(source, ((0, OPACITY),)), blank, RunFolder(tmp_path / "run").start())
    [line] = done.lines
    assert not line["accepted"]
    assert line["output"] is line["lesion"] is line["support"] is None
    assert line["findings"] == line["findings_before"] == {"unremarkable": 1}
