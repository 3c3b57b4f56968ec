"""The documentation's site: everything public has its place on it, and every link and anchor leads somewhere."""

import importlib.util
import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def hook():
    spec = importlib.util.spec_from_file_location("site_pages", REPOSITORY / "docs" / "site" / "pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = hook()


class Anchors(HTMLParser):
    """What a page offers to link to, and what it links to."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links = set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids |= {given[name] for name in ("id", "name") if given.get(name)}
        self.links += [given[name] for name in ("href", "src") if given.get(name)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-3000:]
    return folder


@pytest.mark.slow
def test_every_public_class_and_function_has_its_anchor(site):
    for module, names in PAGES.public_objects().items():
        page = site / "api" / f"{module.removeprefix('monai_cars.').replace('.', '/')}.html"
        assert {f"{module}.{name}" for name in names} <= Anchors(page).ids


@pytest.mark.slow
def test_every_link_and_anchor_of_the_site_resolves(site):
    pages = {path: Anchors(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) > 60
    lost = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            there = target.exists() and (not parts.fragment or target not in pages or fragment(parts, pages[target]))
            lost += [] if there else [(str(path.relative_to(site)), link)]
    assert lost == []


def fragment(parts, page):
    return unquote(parts.fragment) in page.ids or parts.fragment.startswith("__")


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(site):
    for path in site.rglob("*.html"):
        loaded = [link for link in Anchors(path).links if link.endswith((".js", ".css", ".woff2"))]
        assert [link for link in loaded if urlsplit(link).netloc] == []


@pytest.mark.slow
def test_the_search_finds_transforms_findings_and_checks(site):
    entries = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    places = {entry["location"] for entry in entries}
    assert (
        "api/transforms/rand_counterfactual.html#monai_cars.transforms.rand_counterfactual.RandCounterfactuald"
        in places
    )
    text = " ".join(entry["title"] + " " + entry["text"] for entry in entries)
    assert all(word in text for word in ("RandCounterfactuald", "pneumothorax", "OffTargetStable"))


def test_what_packages_export_and_the_reference_shows_is_public():
    found = {name for names in PAGES.public_objects().values() for name in names}
    assert {
        "RandCounterfactuald",
        "ValidityGate",
        "Gate",
        "calibrate_gate",
        "Bank",
        "from_report",
        "Synthesis",
    } <= found
    assert "RandCounterfactualD" not in found  # an alias is told once, under the name of the class


def test_a_public_object_without_a_docstring_would_have_an_empty_page():
    modules = PAGES.public_objects()
    bare = [
        f"{module}.{name}"
        for module, names in modules.items()
        for name in names
        if not (getattr(importlib.import_module(module), name).__doc__ or "").strip()
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("target", "source", "here", "there"),
    [
        ("docs/tutorial.md", "README.md", "index.md", "tutorial.md"),
        ("transforms/", "README.md", "index.md", "transforms/index.md"),
        ("../transforms/README.md", "docs/tutorial.md", "tutorial.md", "transforms/index.md"),
        ("images/detection.jpg", "transforms/README.md", "transforms/index.md", "images/detection.jpg"),
        ("../README.md", "docs/tutorial.md", "tutorial.md", "index.md"),
        ("https://arxiv.org/abs/2603.15525", "README.md", "index.md", "https://arxiv.org/abs/2603.15525"),
        ("nowhere.md", "README.md", "index.md", "nowhere.md"),
    ],
)
def test_a_link_of_the_repository_leads_to_the_same_page_of_the_site(target, source, here, there):
    assert PAGES.site_link(target, REPOSITORY / source, here) == there


def test_every_page_of_the_docs_stands_in_the_navigation():
    told = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [path.name for path in (REPOSITORY / "docs").glob("*.md")]
    assert [page for page in [*pages, *PAGES.OUTSIDE] if f": {page}\n" not in told] == []
