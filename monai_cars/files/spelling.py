"""Names of files, and messages, spelt so that every file, terminal and page can hold them."""

import re


def writable(name: str) -> str:
    r"""A file's name as every output can hold it: bytes that are not UTF-8 are spelt out.

    Example:
        >>> print(writable("film\udcff.png"), writable("Thorax-Übersicht.png"))
        film\udcff.png Thorax-Übersicht.png
    """
    return name.encode("utf-8", "backslashreplace").decode()


def in_one_line(text: str) -> str:
    r"""Text for a terminal and a table: spaces as one, whatever cannot be printed spelt out.

    Example:
        >>> print(in_one_line("a\n b\x1b[31m\udcff"))
        a b\x1b[31m\udcff
    """
    spaced = " ".join(text.split())
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in spaced)


def unwritten(name: str) -> str:
    r"""The file's own name, back from `writable`.

    Example:
        >>> unwritten(writable("film\udcff.png")) == "film\udcff.png"
        True
    """
    return re.sub(r"\\(udc[89a-f][0-9a-f])", lambda found: chr(int(found[1][1:], 16)), name)
