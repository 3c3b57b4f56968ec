"""What a run takes as its films: each item of a datalist, and nothing that a run made unless that is asked for."""

import json
import os
import shutil

import pytest
from phantom_run import EDITS, FLUID, PAGES, datalist, films, phantom_run, skips, told

from monai_cars.synthesis import SourceError


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
