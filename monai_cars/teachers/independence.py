"""A gate must not ask a model that has seen the editor's patients: it would find its own habits."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

LEARNED_NOTHING = frozenset({"nothing"})
"""The data of a model without training, such as a fixed formula; it shares nothing with anybody."""
REMEDY = "judge with a teacher that was trained on other patients"


class SharedDataWarning(UserWarning):
    """A teacher and the editor were trained on the same data."""


class SharedDataError(ValueError):
    """A teacher and the editor were trained on the same data, and the gate is strict."""


def shared_data(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    """Identifiers of what two models were both trained on.

    "set" stands for all patients of a set, "set:part" for some: two parts of different names share nobody, a part and
    its whole set do.

    Example:
        >>> shared_data({"nih:editor"}, {"nih:teacher"}), shared_data({"nih:editor", "v7"}, {"nih"})
        ((), ('nih:editor',))
    """
    theirs = frozenset(other) - LEARNED_NOTHING
    whole = {name for name in theirs if ":" not in name}
    parts_of = {name.partition(":")[0] for name in theirs}
    shared = {
        name
        for name in one
        if name in theirs or name.partition(":")[0] in whole or (":" not in name and name in parts_of)
    }
    return tuple(sorted(shared))


def independent(
    editor_data: frozenset[str],
    teacher_data: frozenset[str],
    *,
    strict: bool,
    editor: str = "the editor",
    teacher: str = "the teacher",
) -> None:
    """Warn, or refuse, when a teacher was trained on what the editor was trained on.

    Args:
        editor_data: identifiers of the editor's data, as "set" or "set:part"; empty when it learned from none.
        teacher_data: of the teacher's; empty when not stated, which only `strict` refuses (LEARNED_NOTHING is stated).
        strict: refuse instead of warning.
        editor: name for the message.
        teacher: name for the message.

    Raises:
        SharedDataError: with `strict`, they share data or the teacher states none.

    Warns:
        SharedDataWarning: without `strict`, they share data.

    Example:
        >>> independent(frozenset({"nih:editor"}), frozenset({"nih:teacher"}), strict=True)
    """
    if strict and not teacher_data:
        raise SharedDataError(
            f"{teacher} states no training data, so that nobody can tell whether {editor} shares it; state its data="
        )
    shared = shared_data(editor_data, teacher_data)
    if not shared:
        return
    message = f"{editor} and {teacher} were both trained on {', '.join(shared)}; {REMEDY}"
    if strict:
        raise SharedDataError(message)
    warnings.warn(message, SharedDataWarning, stacklevel=2)
