"""Griffe extension: docstrings that are read in an editor or by `help`, made into what the site's parser knows."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

_EXAMPLE = re.compile(r"^( *)Example:$", flags=re.MULTILINE)  # the parser knows the plural only
_ROLE = re.compile(r":(?:attr|class|func|meth|mod):(`[^`]+`)")


def for_the_site(text: str) -> str:
    """A docstring with its example as a section of its own, and Sphinx roles as plain code.

    Example:
        >>> for_the_site("See :func:`compose`.")
        'See `compose`.'
    """
    return _ROLE.sub(r"\1", _EXAMPLE.sub(r"\1Examples:", text))


class Docstrings(Extension):
    """Rewrites every docstring that is collected."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Griffe event: an object was collected."""
        if obj.docstring:
            obj.docstring.value = for_the_site(obj.docstring.value)
