"""Every example in a docstring runs and says what it shows."""

import doctest
import importlib
import pkgutil

import pytest

import monai_cars

MODULES = sorted(module.name for module in pkgutil.walk_packages(monai_cars.__path__, "monai_cars."))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert found.failed == 0


def test_the_package_is_found():
    assert len(MODULES) > 30
