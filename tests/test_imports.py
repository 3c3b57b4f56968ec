"""Imports go one way: no package needs one that is built on it, not even from within a function."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import monai_cars

ROOT = Path(monai_cars.__file__).parent
ABOVE = {"transforms", "synthesis", "evaluation"}


def imported(module):
    """What a module imports of monai_cars, as the first name below it: a package, or a module of none."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("monai_cars."))


@pytest.fixture(scope="module")
def graph():
    found = {}
    for module in ROOT.rglob("*.py"):
        package = module.relative_to(ROOT).with_suffix("").parts[0]
        if package != "__init__":
            found.setdefault(package, set()).update(set(imported(module)) - {package, "__version__"})
    return found


def test_packages_and_single_modules_have_an_order(graph):
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert set(order) == set(graph)
    assert order.index("anatomy") < order.index("editors") < order.index("gates") < order.index("transforms")


@pytest.mark.parametrize("package", ["anatomy", "measurement", "editors", "teachers", "gates", "features", "files"])
def test_what_edits_and_judges_knows_nothing_of_the_transforms_on_top(graph, package):
    assert graph[package].isdisjoint(ABOVE)


def test_evaluation_and_synthesis_need_no_transforms(graph):
    assert "transforms" not in graph["evaluation"] | graph["synthesis"]
