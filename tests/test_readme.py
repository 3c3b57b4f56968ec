"""Every snippet of the README and the docs runs, every command exists, every link leads somewhere."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    REPOSITORY / "CHANGELOG.md",
    *sorted((REPOSITORY / "docs").glob("*.md")),
    REPOSITORY / "bundles" / "cars_chest_xray" / "docs" / "README.md",
    REPOSITORY / "transforms" / "README.md",
]
PAGES = [page for page in PAGES if page.is_file()]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def named(pages: list[Path], language: str) -> list:
    found = [page for page in pages if blocks(page, language)]
    return [pytest.param(page, id=str(page.relative_to(REPOSITORY))) for page in found]


@pytest.mark.parametrize("page", named(PAGES, "python"))
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    shutil.copy(get_testdata_file("RG1_UNCR.dcm"), tmp_path / "film.dcm")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for number, block in enumerate(blocks(page, "python")):
        exec(compile(block, f"{page.name}, python block {number}", "exec"), names)


@pytest.mark.parametrize("page", named(PAGES, "json"))
def test_the_json_of_a_page_is_json(page):
    for block in blocks(page, "json"):
        json.loads(block)


@pytest.mark.parametrize("page", named(PAGES, "bash"))
def test_the_commands_of_a_page_exist(page):
    config = json.loads((REPOSITORY / "bundles/cars_chest_xray/configs/inference.json").read_text())
    known = {*config, "config_file", "bundle_root", "meta_file", "filepath", "n", "ckpt_file", "input_shape"}
    for block in blocks(page, "bash"):
        for target in re.findall(r"^make ([a-z-]+)", block, flags=re.MULTILINE):
            assert subprocess.run(["make", "-n", target], cwd=REPOSITORY, capture_output=True).returncode == 0, target
        for command in re.findall(r"python -m monai\.bundle run (.*?)(?<!\\)$", block, flags=re.MULTILINE | re.DOTALL):
            options = re.findall(r"--([a-z_]+)", command)
            assert set(options) <= known, set(options) - known
        for path in re.findall(r"(?:bundles|transforms|tests|docs)/[\w./-]+", block):
            assert (REPOSITORY / path).exists(), path


ALL = [pytest.param(page, id=str(page.relative_to(REPOSITORY))) for page in PAGES]


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What headings may be linked to: lower case, words joined by hyphens, as code hosts and the site make it."""
    headings = re.findall(r"^#+ +(.+?) *$", prose(page), flags=re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading)) for heading in plain}


@pytest.mark.parametrize("page", ALL)
def test_every_link_picture_and_anchor_of_a_page_is_there(page):
    for target in re.findall(r"\]\(([^)\s]+)[^)]*\)", prose(page)):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", ALL)
def test_a_list_stands_apart_from_the_paragraph_before_it(page):
    # The site would otherwise run it into the paragraph; code hosts would not.
    before = ""
    for line in prose(page).splitlines():
        item = re.match(r"([-*]|[0-9]\.) ", line)
        assert not item or not before or re.match(r"([-*]|[0-9]+\.|#+|<) | ", before) or before.startswith("|"), line
        before = line


@pytest.mark.parametrize("picture", sorted((REPOSITORY / "docs").glob("*.[jp][pn]g")), ids=lambda path: path.name)
def test_pictures_of_the_docs_are_small(picture):
    assert picture.stat().st_size <= 400_000


def test_the_reference_tells_every_option_of_the_bundle_and_no_other():
    config = json.loads((REPOSITORY / "bundles/cars_chest_xray/configs/inference.json").read_text())
    internal = {"imports", "bundle_root", "network_def", "segmenter", "synthesis", "initialize", "run"}
    told = re.findall(r"^\| `--([a-z_]+)` \|", (REPOSITORY / "docs" / "reference.md").read_text(), flags=re.MULTILINE)
    assert set(told) == set(config) - internal
