"""Values of others in messages: short, on one line, and without what a terminal or a reader could be deceived by.

A message names the value that it refuses. That value comes from a file, a header, a datalist or a record, and may be
a patient's whole history, a kilobyte of control characters, or text that runs backwards.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

LONGEST = 60
"""Characters of a value that a message shows."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_QUOTES = "'\"`"


def printable(text: str) -> str:
    r"""Return text with each control character, bidirectional override, line separator and surrogate as a "?".

    Example:
        >>> printable("file\x1b[2J\u202egnp.exe")
        'file?[2J?gnp.exe'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join("?" if unicodedata.category(letter) in _UNSEEN else letter for letter in text)


def cut(text: str, longest: int = LONGEST) -> str:
    """Return printable text of at most `longest` characters, the last three dots where some were left out.

    Example:
        >>> cut("a long text", 9)
        'a long...'
    """
    shown = printable(text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def echo(value: Any) -> str:
    r"""Return a value as a message shows it: a string in quotes, anything else as Python writes it, cut.

    Example:
        >>> echo("lung\n"), echo([1, 2]), len(echo("x" * 4000))
        ("'lung?'", '[1, 2]', 60)
    """
    if isinstance(value, str):
        return cut(repr(cut(value, LONGEST - 2)))  # quotes and backslashes make the written form longer
    try:
        return cut(repr(value))
    except Exception:  # nested without end, or a number of too many digits
        return f"a {type(value).__name__}"


def among(names: Iterable[Any], most: int = 40) -> str:
    """Return names from a file as a message lists them, each as `echo` shows it, and how many more there are.

    Example:
        >>> among(["Mass", "Nodule", "Edema"], 2)
        "'Mass', 'Nodule' and 1 more"
    """
    shown = list(names)
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(map(echo, shown[:most])) + more


def cause(error: BaseException) -> str:
    """Return an exception of another library in one line: its type and what it says, without what it quotes.

    Libraries put the values that they stumble over between quotes, and those may be a patient's: all from the first
    quote to the last is left out.

    Example:
        >>> cause(ValueError("could not convert string to float: 'Doe^Jane'"))
        'ValueError: could not convert string to float: ...'
    """
    said = " ".join(str(error).split())
    places = [place for place, letter in enumerate(said) if letter in _QUOTES]
    if places:
        said = f"{said[: places[0]]}...{said[places[-1] + 1 :]}"
    kind = type(error).__name__
    return f"{kind}: {cut(said)}" if said and not re.fullmatch(r"[\W_]*", said) else kind
