"""The folder a run writes: its layout, its manifest, and that nothing in it is ever half-written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from monai_cars.files.atomic import write_atomically
from monai_cars.files.mask_png import mask_png

MANIFEST, RUN, DATALIST = "manifest.jsonl", "run.json", "datalist.json"
_UNFINISHED = MANIFEST + ".part"
# What a killed process leaves of a file.
_PARTIAL = re.compile(r"\.[0-9a-f]{32}\.partial")
_SUBFOLDERS = ("films", "masks")


def of_monai(name: str) -> bool:
    """Whether MONAI itself puts a file of this name into ``output_dir`` before or while a bundle runs (``--tracking``).

    Example:
        >>> of_monai("config_20260131_120000.json"), of_monai("config.json")
        (True, False)
    """
    return bool(re.fullmatch(r"config_\d{8}_\d{6}\.json|mlruns(\.db)?", name))


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
        if self.path.is_dir() and any(not of_monai(entry.name) for entry in self.path.iterdir()) and not ours:
            raise FileExistsError(
                f"output_dir {str(path)!r} must be empty or made by an earlier run, got a folder with other "
                "things in it; choose another --output_dir"
            )

    def refuse_another(self, provenance: Mapping[str, Any], sources: Collection[str]) -> None:
        """Refuse to run over a finished run of another plan or of other films; the same again gives the same bytes.

        Args:
            provenance: what run.json will say, but for the films that were skipped.
            sources: names of the films of the new run; it may have more than the finished one, not fewer.

        Raises:
            FileExistsError: naming what differs.
        """
        if not (self.path / MANIFEST).is_file() or not (self.path / RUN).is_file():
            return
        found = json.loads((self.path / RUN).read_text(encoding="utf-8"))
        asked = json.loads(json.dumps(provenance))
        differs = [name for name in asked if found.get(name) != asked[name]]
        if any(line.get("source_name") not in sources for line in read_manifest(self.path)):
            differs.append("films")
        if differs:
            raise FileExistsError(
                f"output_dir {str(self.path)!r} holds a finished run that was made with other {', '.join(differs)}; "
                "nothing of it is overwritten: choose another --output_dir, or remove the folder yourself"
            )

    def start(self) -> RunFolder:
        """Open the manifest of an unfinished run. Nothing that lies there is removed but what a killed process left."""
        for name in _SUBFOLDERS:
            (self.path / name).mkdir(parents=True, exist_ok=True)
            for old in (self.path / name).iterdir():
                if old.is_file() and _PARTIAL.match(old.name):
                    old.unlink()
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
        """Write a mask, (H, W) or one a structure (S, H, W), as `monai_cars.files.mask_png.mask_png` draws it.

        Returns:
            The file's path inside the folder.
        """
        write_atomically(self.path / "masks" / f"{name}.png", mask_png(mask))
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
