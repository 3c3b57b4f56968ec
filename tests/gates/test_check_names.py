"""A check is found by the name under which its result is recorded: one check a module, which bears that name."""

import dataclasses
import importlib
import pkgutil

import pytest

from monai_cars.chest_xray import checks as of_the_chest
from monai_cars.gates import checks as of_any_organ

MODULES = [
    f"{package.__name__}.{module.name}"
    for package in (of_any_organ, of_the_chest)
    for module in pkgutil.iter_modules(package.__path__)
]


def recorded_names(module):
    """What the checks that a module defines are recorded as."""
    own = [found for found in vars(module).values() if getattr(found, "__module__", "") == module.__name__]
    return [
        field.default
        for found in own
        if isinstance(found, type) and dataclasses.is_dataclass(found) and "__call__" in dir(found)
        for field in dataclasses.fields(found)
        if field.name == "name"
    ]


def test_there_are_checks_in_both_rooms():
    assert len(MODULES) >= 29
    assert {name.split(".")[1] for name in MODULES} == {"gates", "chest_xray"}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_holds_the_one_check_that_is_recorded_under_its_name(name):
    assert recorded_names(importlib.import_module(name)) == [name.rpartition(".")[2]]


def test_no_two_checks_are_recorded_under_one_name():
    names = [name.rpartition(".")[2] for name in MODULES]
    assert sorted(set(names)) == sorted(names)
