"""What comes from a file, a header, a datalist or a record stands in a message only as `monai_cars.echo` shows it.

Read from the source: in the rooms where such values arrive, no message may hold a value's `repr`, the text of a caught
exception, or what stands behind "got", unless it went through the helper, is a number by its format, or is named below
with the reason why it is no foreign text.
"""

import ast
import re
from pathlib import Path

import pytest

import monai_cars

ROOT = Path(monai_cars.__file__).parent
ROOMS = ("files", "edits", "features", "synthesis")
HELPERS = {"echo", "cause", "cut", "among", "printable", "len", "_term", "_told", "_why", "int"}
# Numbers and shapes that numpy, torch or this library made, and types' names: short by their nature.
NUMBERS = re.compile(
    r"(tuple\()?[\w.]*\.?(shape|dtype)(\))?|self\.(bits|max_attempts)|rows|columns|frames|bits|size|gap|low|high|count"
    r"|' x '\.join\(map\(str, shape\)\)|values\[\.\.\., -1\]\.min\(\)|tuple\(\w+(\.mask)?\.shape\)|str\(name\)\[:60\]"
)
OWN = {
    # The command's own argument, a path: nothing of it may be cut, and repr leaves no control character.
    "str(dataset)", "str(folder)", "str(output)", "str(path)", "str(self.path)",
    # Names in the caller's own code.
    "editor", "INVERTED", "self.seed_key", "vector", "given or 'none of them'",
    # Errors of this library, whose own messages obey the rule.
    ("plan.py", "error"), ("items.py", "error"), ("raster.py", "error"), ("inflate.py", "error"),
    ("vocabulary.py", "error"), ("vocabulary_checks.py", "error"), ("dicom_pixels.py", "said"), ("report.py", "value"),
    # Checked to be a number before.
    "float(severity)", "severity.value", "found or 'nothing'",
}  # fmt: skip


def foreign(path):
    """(line, expression) of every value that a message shows and that no helper has shortened."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    caught = {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)} - {None}
    raised = (node for node in ast.walk(tree) if isinstance(node, ast.Raise))
    for message in (part for node in raised for part in ast.walk(node) if isinstance(part, ast.JoinedStr)):
        before = ""
        for part in message.values:
            if isinstance(part, ast.Constant):
                before = str(part.value)
                continue
            shown = ast.unparse(part.value)
            suspect = part.conversion == ord("r") or shown in caught or re.search(r"\bgot:? [\w ]*$", before)
            before = ""
            if suspect and not _harmless(part, shown) and not {shown, (path.name, shown)} & OWN:
                yield message.lineno, shown


def _harmless(part, shown):
    called = part.value.func if isinstance(part.value, ast.Call) else None
    name = getattr(called, "id", getattr(called, "attr", ""))
    return bool(name in HELPERS or part.format_spec or shown.endswith(".__name__") or NUMBERS.fullmatch(shown))


def sources():
    for room in ROOMS:
        where = ROOT / room
        yield from [where] if where.is_file() else sorted(where.rglob("*.py"))


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_message_holds_a_foreign_value_as_it_came(path):
    assert list(foreign(path)) == []


def test_the_rule_sees_what_it_is_for(tmp_path):
    (tmp_path / "bad.py").write_text(
        "try:\n    pass\nexcept ValueError as error:\n"
        "    raise KeyError(f'{name!r} is no word (got {word}); {error}') from error\n"
        "raise KeyError(f'{echo(name)} is {number:g} (got {echo(word)}), shape {x.shape}')\n"
    )
    assert [shown for _, shown in foreign(tmp_path / "bad.py")] == ["name", "word", "error"]
