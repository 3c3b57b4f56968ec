"""The house holds: imports go one way, module by module, and nothing general imports an organ."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import monai_cars

ROOT = Path(monai_cars.__file__).parent
ORGANS = ("chest_xray",)
# From the ground up; what stands in one line does not know of each other.
FLOORS = (
    ("echo", "extras"),
    ("findings", "networks", "_moved"),
    ("files", "weights"),
    ("edits",),
    ("features",),
    ("teachers",),
    ("gates", "editors"),
    ("modality", *ORGANS),
    ("loop",),
    ("synthesis", "evaluation", "reporting"),
    ("transforms",),
    ("chains", "bundles"),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def name_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def nodes(tree):
    """Everything that runs: what a type checker alone reads is left out."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from nodes(node)


def imported(path):
    """Modules of the library that a module imports, also from within a function."""
    for node in nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "monai_cars":
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


GRAPH = {name: set(imported(path)) - {name, "monai_cars"} for name, path in MODULES.items() if name != "monai_cars"}


def room(module):
    return module.split(".")[1]


def test_no_two_modules_need_each_other():
    order = list(TopologicalSorter(GRAPH).static_order())  # raises CycleError
    assert set(order) == set(GRAPH)


def test_every_room_of_the_house_has_its_floor():
    assert {room(name) for name in GRAPH} == set(FLOOR)


@pytest.mark.parametrize("name", sorted(FLOOR))
def test_a_room_needs_only_what_lies_below_it(name):
    for module, needed in GRAPH.items():
        if room(module) == name:
            higher = {other for other in needed if room(other) != name and FLOOR[room(other)] >= FLOOR[name]}
            # An organ is built on modality.py's contracts; modality.py knows organs by name only.
            assert {other for other in higher if other != "monai_cars.modality"} == set(), module


def test_nothing_general_imports_an_organ():
    general = {module: needed for module, needed in GRAPH.items() if room(module) not in ORGANS}
    crossings = {
        f"{module} -> {other}" for module, needed in general.items() for other in needed if room(other) in ORGANS
    }
    assert crossings == set()
    by_name = {
        f"{module} -> {other}"
        for module, needed in general.items()
        for other in needed
        if other.split(".")[1:2] == ["findings"] and other.split(".")[2:3] in [[organ] for organ in ORGANS]
    }
    assert {each for each in by_name if not each.startswith("monai_cars.findings.")} == set()
