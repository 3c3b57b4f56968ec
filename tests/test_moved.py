"""Import paths that the documentation has shown go on working, and lead to the one thing that there is."""

import importlib

import pytest

from monai_cars._moved import MODULES, NAMES, moved_name, now_at


@pytest.mark.parametrize("old", sorted(MODULES))
def test_a_module_that_was_is_the_module_that_is(old):
    assert importlib.import_module(old) is importlib.import_module(MODULES[old])


@pytest.mark.parametrize(("package", "name"), [(package, name) for package, names in NAMES.items() for name in names])
def test_a_name_that_a_package_offered_is_what_it_has_become(package, name):
    found = getattr(importlib.import_module(package), name)
    assert found is getattr(importlib.import_module(NAMES[package][name]), name)


def test_no_path_leads_to_one_that_was_moved_itself():
    assert {new for new in MODULES.values() if now_at(new)} == set()
    assert {module for names in NAMES.values() for module in names.values() if now_at(module)} == set()


def test_what_never_was_is_not_found():
    with pytest.raises(AttributeError, match=r"module 'monai_cars\.gates' has no attribute 'Gait'"):
        moved_name("monai_cars.gates", "Gait")
    with pytest.raises(ModuleNotFoundError, match=r"monai_cars\.anatomie"):
        importlib.import_module("monai_cars.anatomie")
