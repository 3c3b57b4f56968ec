"""Words of the chest in files that are to be general: for `house_figures.py --names`.

What counts as a name: identifiers, attributes, arguments, imported modules, and string constants of one word
(``"lung"``, ``"inside_lung"``, ``"a.b"``). What counts as words: the other string constants, such as messages and
names with spaces. Docstrings and comments count as neither.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
BEFORE = "5a6d920"
"""The commit before the house was made ready for a second organ; its general files are those that became general."""
ORGAN = ("monai_cars/chest_xray/", "monai_cars/findings/chest_xray/", "monai_cars/_moved.py")
"""Files of the chest; `_moved.py` lists where its parts lay before."""

STEMS = (
    "aerated", "airspace", "bronch", "cardi", "chest", "chexpert", "clavic", "costophrenic", "cxr", "diaphragm",
    "heart", "hemidiaphragm", "hemithora", "lung", "mediastin", "pleur", "pneumo", "pulmon", "retrocardi", "thora",
    "trachea",
)  # fmt: skip
"""A word that begins with one of these is the chest's."""
WORDS = ("apex", "apical", "apices", "hila", "hilar", "hilum", "rib", "ribs")
"""So is each of these as a whole."""
ONE_WORD = re.compile(r"[\w.\-/*{}]+")
PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@dataclass(frozen=True, order=True)
class Found:
    """One name or one text with a word of the chest, and the lines where it stands in its file."""

    path: str
    text: str
    prose: bool
    lines: tuple[int, ...]


def of_the_chest(text: str) -> bool:
    """Whether a word of the chest stands in it: ``InsideLung`` and ``heart_share`` do, ``discarding`` does not.

    Example:
        >>> of_the_chest("InsideLung"), of_the_chest("discarding")
        (True, False)
    """
    words = [part.lower() for part in PARTS.findall(text)]
    return any(word.startswith(STEMS) or word in WORDS for word in words)


def identifiers(node: ast.AST) -> Iterator[str]:
    """The identifiers that a node itself writes, without those of its children."""
    for field in ("id", "attr", "arg", "name", "asname", "module", "rest"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield value
    if isinstance(node, ast.MatchClass):
        yield from node.kwd_attrs


def texts(source: str) -> Iterator[tuple[str, bool, int]]:
    """Every name and every string constant of a file: itself, whether it is prose, its line."""
    tree = ast.parse(source)
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings, of values too
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        yield from ((name, False, line) for name in identifiers(node))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value, not ONE_WORD.fullmatch(node.value), line


def found_in(root: Path, path: str) -> list[Found]:
    """What stands in one file, each name and text once."""
    lines: dict[tuple[str, bool], set[int]] = {}
    for text, prose, line in texts((root / path).read_text(encoding="utf-8")):
        if of_the_chest(text):
            lines.setdefault((text, prose), set()).add(line)
    return sorted(Found(path, text, prose, tuple(sorted(at))) for (text, prose), at in lines.items())


def general_files(root: Path) -> list[str]:
    """Files of a checkout that are general, or became so where it is older than the organ's own folder."""
    files = sorted(path.relative_to(root).as_posix() for path in (root / "monai_cars").rglob("*.py"))
    if (root / "monai_cars/chest_xray").exists():
        return [path for path in files if not path.startswith(ORGAN)]
    became = moves()
    return [path for path in files if (now := became.get(path, path)) and not now.startswith(ORGAN)]


def moves() -> dict[str, str]:
    """Path at BEFORE -> path now, empty where it is gone; files of the same path are left out.

    Git's rename detection tells, and for files that were rewritten on their way the table of earlier import paths.
    """
    git = ["git", "diff", "-l0", "-M50%", "--name-status", BEFORE, "HEAD", "--", "monai_cars"]
    lines = subprocess.run(git, cwd=HERE, check=True, capture_output=True, text=True).stdout.splitlines()
    rows = [line.split("\t") for line in lines]
    from monai_cars._moved import MODULES

    as_paths = {old.replace(".", "/") + ".py": new.replace(".", "/") + ".py" for old, new in MODULES.items()}
    gone = {row[1]: as_paths.get(row[1], "") for row in rows if row[0] == "D"}
    return gone | {row[1]: row[2] for row in rows if row[0].startswith("R")}


def chest_names(root: Path) -> list[Found]:
    """All of a checkout, by file."""
    return [found for path in general_files(root) for found in found_in(root, path)]
