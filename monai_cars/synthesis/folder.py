"""The folder a run writes: its layout, its manifest, and that nothing in it is ever half-written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from monai_cars.files.atomic import write_atomically

MANIFEST, RUN, DATALIST = "manifest.jsonl", "run.json", "datalist.json"
_UNFINISHED = MANIFEST + ".part"
# How every film and mask of a run begins, and what a killed process leaves of one.
_OURS = re.compile(r"[0-9a-f]{12}-|\.[0-9a-f]{32}\.partial")
_SUBFOLDERS = ("films", "masks")


class RunFolder:
    """Where a run puts its films, masks, manifest and datalist.

    A manifest line is written after the files that it names; until the last line is there the manifest is called
    ``manifest.jsonl.part``. So a run that was interrupted is seen to be unfinished, and every file it names is whole.

    Args:
        path: the folder; it is made when it does not exist.

    Raises:
        FileExistsError: the folder holds something and no earlier run made it; nothing of others is overwritten.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as path:
        ...     folder = RunFolder(path).start()
        ...     folder.append({"accepted": True})
        ...     folder.finish()
        ...     read_manifest(path)
        [{'accepted': True}]
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        ours = any((self.path / name).exists() for name in (MANIFEST, _UNFINISHED))
        if self.path.exists() and not self.path.is_dir():
            raise FileExistsError(f"output_dir {str(path)!r} must be a folder, got a file; choose another --output_dir")
        if self.path.is_dir() and any(self.path.iterdir()) and not ours:
            raise FileExistsError(
                f"output_dir {str(path)!r} must be empty or made by an earlier run, got a folder with other "
                "things in it; choose another --output_dir"
            )

    def start(self) -> RunFolder:
        """Remove what an earlier run left and open the manifest; other files in the folder stay."""
        for name in _SUBFOLDERS:
            (self.path / name).mkdir(parents=True, exist_ok=True)
            for old in (self.path / name).iterdir():
                if old.is_file() and _OURS.match(old.name):
                    old.unlink()
        for name in (MANIFEST, RUN, DATALIST):
            (self.path / name).unlink(missing_ok=True)
        (self.path / _UNFINISHED).write_text("", encoding="utf-8")
        return self

    def append(self, line: Mapping[str, Any]) -> None:
        """Add one line to the manifest, on disk when this returns."""
        with (self.path / _UNFINISHED).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, sort_keys=True, allow_nan=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def finish(self) -> None:
        """Give the manifest its name: the run is complete."""
        os.replace(self.path / _UNFINISHED, self.path / MANIFEST)

    def write_mask(self, name: str, mask: np.ndarray) -> str:
        """Write a {0, 1} mask, (H, W) or (3, H, W) as red, green and blue, as an 8-bit PNG of 0 and 255.

        Returns:
            The file's path inside the folder.
        """
        picture = (np.asarray(mask) != 0).astype(np.uint8) * 255
        picture = np.moveaxis(picture, 0, -1) if picture.ndim == 3 else picture
        stream = BytesIO()
        Image.fromarray(picture).save(stream, "PNG")
        write_atomically(self.path / "masks" / f"{name}.png", stream.getvalue())
        return f"masks/{name}.png"

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file, all of it or nothing."""
        write_atomically(self.path / name, (json.dumps(content, indent=1, sort_keys=True) + "\n").encode())

    def relative(self, path: Path) -> str:
        """A path as seen from the folder."""
        return Path(os.path.relpath(path.resolve(), self.path.resolve())).as_posix()


def read_manifest(folder: str | Path) -> list[dict[str, Any]]:
    """The manifest's lines.

    Raises:
        FileNotFoundError: the folder holds no finished run.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{str(folder)!r} must hold a finished run ({MANIFEST}), got none; run it again")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
