"""MkDocs hook: puts the pages that lie outside docs/ on the site, and writes an API page for every public module.

The repository's Markdown is written to be read where it lies, on a code host or in an editor; nothing is copied.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

import monai_cars

REPOSITORY = Path(__file__).resolve().parents[2]
OUTSIDE = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changes.md": "CHANGELOG.md",
    "transforms/index.md": "transforms/README.md",
    "model_card.md": "bundles/cars_chest_xray/docs/README.md",
}
"""Page of the site -> file of the repository; every other page lies in docs/."""

_LINK = re.compile(r"(\]\()([^)#\s]+)")
_DOCUMENTED = re.compile(r"\bmonai_cars(?:\.\w+)+")
_IMPORTED = re.compile(r"^from (monai_cars[\w.]*) import (\([^)]*\)|[^\n]*)", flags=re.MULTILINE)


def public_names() -> set[str]:
    """Dotted names that are public: what a package exports in ``__all__``, and what docs/reference.md shows."""
    packages = [found.name for found in pkgutil.walk_packages(monai_cars.__path__, "monai_cars.") if found.ispkg]
    exported = {
        f"{package}.{name}" for package in packages for name in getattr(importlib.import_module(package), "__all__", ())
    }
    reference = (REPOSITORY / "docs" / "reference.md").read_text(encoding="utf-8")
    imported = {
        f"{module}.{name}" for module, names in _IMPORTED.findall(reference) for name in re.findall(r"\w+", names)
    }
    return exported | imported | set(_DOCUMENTED.findall(reference))


def public_objects() -> dict[str, list[str]]:
    """Public classes and functions by the module that defines them, each once whatever its aliases."""
    found: dict[str, set[str]] = {}
    for dotted in public_names():
        module, _, name = dotted.rpartition(".")
        thing = getattr(importlib.import_module(module), name, None)
        ours = getattr(thing, "__module__", "").startswith("monai_cars.")
        if ours and (inspect.isclass(thing) or inspect.isfunction(thing)):
            found.setdefault(thing.__module__, set()).add(thing.__name__)
    return {module: sorted(names) for module, names in sorted(found.items())}


def api_pages() -> dict[str, str]:
    """Page -> Markdown: one for each module, with every public object of it made from its docstring."""
    return {
        f"api/{module.removeprefix('monai_cars.').replace('.', '/')}.md": _page(module, names)
        for module, names in public_objects().items()
    }


def _page(module: str, names: list[str]) -> str:
    told = (importlib.import_module(module).__doc__ or "").strip()
    return "\n\n".join([f"# {module.removeprefix('monai_cars.')}", told, *(f"::: {module}.{name}" for name in names)])


def _overview(pages: dict[str, str]) -> str:
    rows = [
        f"| [{name}]({page.removeprefix('api/')}#{module}.{name}) | `{module}` |"
        for (module, names), page in zip(public_objects().items(), pages, strict=True)
        for name in names
    ]
    head = "# API\n\nEvery public class and function, from its docstring.\n\n| name | module |\n|---|---|\n"
    return head + "\n".join(sorted(rows, key=str.lower)) + "\n"


def _navigation(pages: dict[str, str]) -> list[Any]:
    rooms: dict[str, list[dict[str, str]]] = {}
    for page in pages:
        room, _, rest = page.removeprefix("api/").removesuffix(".md").partition("/")
        rooms.setdefault(room, []).append({rest.replace("/", ".") or room: page})
    return ["api/index.md", *({room: entries} for room, entries in rooms.items())]


def on_config(config: Any) -> Any:
    """MkDocs event: the API's part of the navigation."""
    config.nav.append({"API": _navigation(api_pages())})
    return config


def on_files(files: Any, config: Any) -> Any:
    """MkDocs event: pages from outside docs/, chains and pictures of the gallery, and the API."""
    for page, source in OUTSIDE.items():
        files.append(File.generated(config, page, content=(REPOSITORY / source).read_text(encoding="utf-8")))
    for path in [*(REPOSITORY / "transforms").glob("*.json"), *(REPOSITORY / "transforms" / "images").iterdir()]:
        files.append(File.generated(config, path.relative_to(REPOSITORY).as_posix(), abs_src_path=str(path)))
    pages = api_pages()
    for page, content in {**pages, "api/index.md": _overview(pages)}.items():
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """MkDocs event: links that hold in the repository lead to the same page of the site."""
    here = page.file.src_uri
    source = REPOSITORY / OUTSIDE.get(here, f"docs/{here}")
    return _LINK.sub(lambda link: link[1] + site_link(link[2], source, here), markdown)


def site_link(target: str, source: Path, here: str) -> str:
    """What a link of the repository's file ``source`` is on the page ``here`` of the site."""
    path = (source.parent / target).resolve()
    if ":" in target or not path.exists() or not path.is_relative_to(REPOSITORY):
        return target
    if path.is_dir():
        path = path / "README.md"
    file = path.relative_to(REPOSITORY).as_posix()
    inside = {origin: uri for uri, origin in OUTSIDE.items()}.get(file, file.removeprefix("docs/"))
    return Path(os.path.relpath(inside, Path(here).parent)).as_posix()
