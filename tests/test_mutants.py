"""The list of mutants cannot rot: every old text stands where it is said, every named test exists."""

import ast
from pathlib import Path

import pytest
from mutations import MUTANTS, ROOT, mutants, unique

BY_NAME = {mutant.name: mutant for mutant in mutants()}


def named_in(path: Path) -> set[str]:
    """Names of a file's tests, those of a class behind its name."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return found


@pytest.mark.parametrize("name", BY_NAME)
def test_the_text_to_change_stands_in_its_file_once(name):
    mutant = BY_NAME[name]
    assert mutant.places() == 1, f"{mutant.old!r} stands {mutant.places()} times in {mutant.file}"
    assert mutant.old != mutant.new


@pytest.mark.parametrize("name", BY_NAME)
def test_the_tests_that_mean_it_exist(name):
    assert BY_NAME[name].tests
    for test in BY_NAME[name].tests:
        path, _, node = test.partition("::")
        assert (ROOT / path).is_file(), test
        if node:
            assert node.partition("[")[0] in named_in(ROOT / path), test


def test_there_are_enough_of_them():
    assert len(BY_NAME) >= 28


def test_two_of_one_name_are_refused():
    text = MUTANTS.read_text("utf-8")
    with pytest.raises(ValueError, match=r"mutants must have different names, got 'pixels outside .*' twice; rename"):
        unique(text + text)
