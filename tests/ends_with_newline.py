"""Of the files named, says which do not end with exactly one newline: `python tests/ends_with_newline.py FILE ...`."""

import sys
from pathlib import Path


def wrong(paths: list[str]) -> list[str]:
    ends = {path: Path(path).read_bytes()[-2:] for path in paths}
    return [path for path, end in ends.items() if end and (not end.endswith(b"\n") or end == b"\n\n")]


if __name__ == "__main__":
    found = wrong(sys.argv[1:])
    print(*(f"{path}: must end with exactly one newline" for path in found), sep="\n")
    sys.exit(bool(found))
