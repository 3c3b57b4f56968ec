import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from phantom_run import EDITS, films, phantom_run
from PIL import Image

from monai_cars.chest_xray.gate import default_gate
from monai_cars.edits.edit import OPERATIONS, SEVERITY
from monai_cars.reporting.html_report import write_report
from monai_cars.reporting.panel import caption, write_panel
from monai_cars.reporting.results import Result, read_results
from monai_cars.reporting.wording import CHECKS, amount, bound, meaning, number

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    films(folder / "films", count=1)
    (folder / "films" / "<b>broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    phantom_run(folder).run()
    write_panel(folder / "run")
    write_report(folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def page(run):
    return (run / "report.html").read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_needs_nothing_but_itself(page):
    Balanced().feed(page)
    assert re.findall(r'(?:src|href)="(?!data:image/|#)', page) == []
    assert "<script" not in page
    assert not re.search(r"https?://|@import|url\(", page)


def test_the_page_says_what_it_is_and_escapes_what_it_was_given(page):
    assert "SYNTHETIC - NOT FOR DIAGNOSIS" in page
    assert "For research only" in page
    assert "&lt;b&gt;broken.png" in page
    assert "<b>" not in page


def test_every_check_is_on_the_page_with_its_figures_and_verdict(run, page):
    for result in read_results(run):
        for check in result.line["checks"]:
            assert check["name"].replace("_", " ") in page
            assert number(check["value"]) in page


def test_severity_asked_and_measured_are_on_the_page(run, page):
    for result in read_results(run):
        assert amount(result.line["severity_asked"]) in page
        assert amount(result.line["severity_measured"]) in page


def test_the_panel_says_what_was_done_and_when_one_of_several_was_removed(run):
    [result, *_] = read_results(run)
    assert caption(result).startswith("nodule inserted, left middle\nasked")
    deleted = Result(run, {**result.line, "operation": "delete", "finding": "mass", "instance_only": True})
    assert "one of several masses removed" in caption(deleted)


def test_every_check_of_every_gate_is_explained():
    for finding in SEVERITY:
        for operation in OPERATIONS:
            assert set(default_gate(finding, operation, profile="full").names) <= set(CHECKS)
    assert bound({"name": "my own", "threshold": 2}) == "2"
    assert meaning({"name": "my own"}) == ""


def test_no_patient_identifier_is_on_the_page(run, page):
    assert all(result.line["patient_id"] not in page for result in read_results(run))


def test_outlines_and_legend_are_of_the_structures_that_the_run_names(run, page, tmp_path):
    assert ".structure-1 { stroke: #4cc9dc; } .structure-2 { stroke: #ff9f43; }" in page
    assert "</i>right lung, left lung<i" in page
    assert "(1 = mediastinum minus aerated lung)" in page
    assert "percentile of right lung, left lung, heart, the same" in page
    shown = sum(result.accepted for result in read_results(run))
    assert page.count('<path class="structure-2"') == shown
    other = tmp_path / "copy" / "run"
    shutil.copytree(run.parent, other.parent)
    told = json.loads((other / "run.json").read_text())
    organ = {"structures": ["wall", "<pool>"], "colours": {"wall": [10, 20, 30], "<pool>": [200, 100, 50]}}
    (other / "run.json").write_text(json.dumps({**told, **organ, "unit": "pool minus wall"}))
    renamed = write_report(other).read_text(encoding="utf-8")
    assert ".structure-0 { stroke: #0a141e; } .structure-1 { stroke: #c86432; }" in renamed
    assert "</i>wall<i" in renamed
    assert "(1 = pool minus wall)" in renamed
    assert "</i>&lt;pool&gt;<i" in renamed
    assert renamed.count('<path class="structure-2"') == 0
    assert (run / "panel.png").read_bytes() != write_panel(other).read_bytes()


def test_edits_beyond_the_limit_are_in_the_table_only(run):
    accepted = sum(result.accepted for result in read_results(run))
    short = write_report(run, edits=1).read_text(encoding="utf-8")
    assert short.count("<section") == 1
    assert f"The last {len(EDITS) - 1} edits are in the table" in short
    assert write_report(run).read_text(encoding="utf-8").count('alt="signed difference"') == accepted


def test_the_panel_has_a_row_for_every_accepted_edit(run):
    accepted = sum(result.accepted for result in read_results(run))
    heights = []
    for rows in (1, 2, 8):
        with Image.open(write_panel(run, rows=rows)) as picture:
            heights.append(picture.height)
    assert heights[2] == heights[0] + (accepted - 1) * (heights[1] - heights[0])


def test_report_and_panel_are_the_same_bytes_each_time(run):
    before = [(run / name).read_bytes() for name in ("report.html", "panel.png")]
    write_report(run), write_panel(run)
    assert before == [(run / name).read_bytes() for name in ("report.html", "panel.png")]


def test_a_folder_without_a_finished_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must hold a finished run .*run it first"):
        write_report(tmp_path)


def test_a_run_in_which_nothing_was_accepted_still_has_a_panel_and_a_report(tmp_path):
    films(tmp_path / "films", count=1)
    # The left lung's zone is asked of a film where it is too small for the largest mass.
    phantom_run(tmp_path, edits=[{"operation": "insert", "finding": "mass", "zone": "apex", "severity": 1.0}]).run()
    write_panel(tmp_path / "run")
    assert "abstained" in write_report(tmp_path / "run").read_text(encoding="utf-8")


@pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here; `apt-get install chromium` shows the page as people see it"
)
def test_a_real_browser_shows_dark_films_on_a_light_page(run, tmp_path):
    picture = screenshot(run / "report.html", tmp_path / "page.png", width=1400, height=2600)
    grey = picture.mean(-1)
    assert np.median(grey[:, :20]) > 230, "the page must be light"
    assert (grey < 60).mean() > 0.02, "the films must be shown"


def screenshot(page: Path, target: Path, *, width: int, height: int) -> np.ndarray:
    """The page as headless Chromium draws it, (height, width, 3) uint8."""
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--window-size={width},{height}",
    ]
    done = subprocess.run(
        [*command, f"--user-data-dir={target.parent / 'profile'}", f"--screenshot={target}", page.as_uri()],
        capture_output=True,
        timeout=120,
    )
    assert target.is_file(), done.stderr.decode()[-1000:]
    return np.asarray(Image.open(target).convert("RGB"))


class Balanced(HTMLParser):
    """Fails on a tag that is closed out of turn."""

    VOID = ("meta", "img", "input", "path", "rect", "br", "link")

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag
