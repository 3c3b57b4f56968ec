"""The folder a run writes: its layout, its manifest, and that nothing in it is ever half-written."""

from __future__ import annotations

import contextlib
import filecmp
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from monai_cars.files.atomic import cannot_write, write_atomically
from monai_cars.files.mask_png import mask_png
from monai_cars.files.spelling import writable
from monai_cars.synthesis.lock import InUseError, open_locked, still_at

MANIFEST, RUN, DATALIST = "manifest.jsonl", "run.json", "datalist.json"
_PART = ".part"
_UNFINISHED = MANIFEST + _PART
# What a killed process leaves of a file.
_PARTIAL = re.compile(r"\.[0-9a-f]{32}\.partial")
_SUBFOLDERS = ("films", "masks")
_BESIDE = (RUN, DATALIST, "report.html", "panel.png")
EARLIER = "earlier-"
"""Before the name of a page of an earlier run that this one did not draw anew."""


def of_monai(name: str) -> bool:
    """Whether MONAI itself puts a file of this name into ``output_dir`` before or while a bundle runs (``--tracking``).

    Example:
        >>> of_monai("config_20260131_120000.json"), of_monai("config.json")
        (True, False)
    """
    return bool(re.fullmatch(r"config_\d{8}_\d{6}\.json|mlruns(\.db)?", name))


class RunFolder:
    """Where a run puts its films, masks, manifest and datalist; one run at a time.

    A manifest line is written after the files that it names. Until the run is complete the manifest is called
    ``manifest.jsonl.part``, and what stands beside it ``run.json.part`` and so on; `finish` gives them their names, the
    manifest last. So a run that was interrupted is seen to be unfinished, every file that its manifest names is whole,
    and what stands beside a ``manifest.jsonl`` belongs to it. An earlier finished run stands until then.

    Args:
        path: the folder; it is made when it does not exist.

    Raises:
        FileExistsError: the folder holds something and no earlier run made it; nothing of others is overwritten.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as path:
        ...     with RunFolder(path).start() as folder:
        ...         folder.append({"accepted": True})
        ...         folder.finish()
        ...     read_manifest(path)
        [{'accepted': True}]
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._stream: BinaryIO | None = None
        self._count = 0
        self._staged: set[str] = set()
        if self.path.exists() and not self.path.is_dir():
            raise FileExistsError(f"output_dir {str(path)!r} must be a folder, got a file; choose another --output_dir")
        if self.path.is_dir() and not is_run(self.path) and not _is_bare(self.path):
            raise FileExistsError(
                f"output_dir {str(path)!r} must be empty or made by an earlier run, got a folder with other "
                "things in it; choose another --output_dir"
            )

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        """Other processes may write films and masks; the manifest stays with the one that started."""
        return {**self.__dict__, "_stream": None}

    def close(self) -> None:
        """Let the next run in; what was not finished stays so."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(OSError):  # every line was on disk before this
                stream.close()

    def refuse_another(self, provenance: Mapping[str, Any], sources: Collection[str]) -> None:
        """Refuse to run over a run of another plan, or a finished one of other films; the same gives the same bytes.

        Args:
            provenance: what run.json will say, but for the films that were skipped.
            sources: names of the films of the new run; it may have more than the finished one, not fewer.

        Raises:
            FileExistsError: naming what differs.
        """
        finished = (self.path / MANIFEST).is_file()
        found = self._stated(finished)
        if found is None and not finished:
            return
        if found is None:
            raise FileExistsError(
                f"output_dir {str(self.path)!r} holds a finished run of which nobody knows the plan ({RUN} is gone or "
                "damaged); nothing of it is overwritten: choose another --output_dir"
            )
        asked = json.loads(json.dumps(provenance))
        differs = [name for name in asked if found.get(name) != asked[name]]
        if finished and _items(read_manifest(self.path)) - Counter(sources):
            differs.append("films")
        if differs:
            raise FileExistsError(
                f"output_dir {str(self.path)!r} holds {'a finished' if finished else 'an unfinished'} run that was "
                f"made with other {', '.join(differs)}; nothing of it is overwritten: choose another --output_dir, or "
                "remove the folder yourself"
            )

    def refuse_fewer(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Refuse to put a run in the place of a finished one that held more: films may have become unreadable since.

        Args:
            lines: of the new manifest.

        Raises:
            FileExistsError: naming a film that is missing.
        """
        if not (self.path / MANIFEST).is_file():
            return
        missing = _films(read_manifest(self.path)) - _films(lines)
        if missing:
            raise FileExistsError(
                f"output_dir {str(self.path)!r} holds a finished run with more edits of {len(missing)} films, the "
                f"first {next(iter(missing))!r:.60}, than could be made this time; it stands: mend the films and "
                "run it again"
            )

    def _stated(self, finished: bool) -> Mapping[str, Any] | None:
        """What the run that lies here says of itself, where it does."""
        for name in (RUN,) if finished else (RUN + _PART, RUN):
            with contextlib.suppress(OSError, ValueError, RecursionError):
                found = json.loads((self.path / name).read_text(encoding="utf-8"))
                if isinstance(found, Mapping):
                    return found
        return None

    def start(self) -> RunFolder:
        """Open the manifest of an unfinished run. Nothing that lies there is removed but what a killed process left.

        Raises:
            InUseError: another run is writing into the folder.
            CannotWriteError: nothing can be written here.
        """
        try:
            # The manifest comes first: a folder that holds anything of a run holds it.
            self.path.mkdir(parents=True, exist_ok=True)
            self._stream = open_locked(self.path / _UNFINISHED)
            self._stream.truncate(0)
            for folder in (self.path, *(self.path / name for name in _SUBFOLDERS)):
                folder.mkdir(exist_ok=True)
                for old in folder.iterdir():
                    if old.is_file() and (_PARTIAL.fullmatch(old.name) or folder / old.name in self._parts()):
                        old.unlink()
        except InUseError as error:
            raise InUseError(
                f"output_dir {str(self.path)!r} must be written by one run at a time, got another that is not "
                "finished; wait for it, or choose another --output_dir"
            ) from error
        except OSError as error:
            self.close()
            raise cannot_write(f"output_dir {str(self.path)!r}", error) from error
        self._count, self._staged = 0, set()
        return self

    def _parts(self) -> set[Path]:
        return {self.path / (name + _PART) for name in _BESIDE}

    def append(self, line: Mapping[str, Any]) -> None:
        """Add one line to the manifest, on disk when this returns.

        Raises:
            CannotWriteError: the disk is full.
        """
        text = json.dumps(line, sort_keys=True, allow_nan=False) + "\n"
        stream = self._opened()
        try:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        except OSError as error:
            raise cannot_write(self.path / _UNFINISHED, error) from error
        self._count += 1

    def _opened(self) -> BinaryIO:
        if self._stream is None:
            raise ValueError(f"the run in {str(self.path)!r} must be started before it is written to; call start()")
        return self._stream

    def finish(self) -> None:
        """Give everything its name, the manifest last: the run is complete.

        Raises:
            RuntimeError: the manifest is not the one that this run wrote; the run stays unfinished.
            CannotWriteError: the disk is full or went away; likewise.
        """
        stream = self._opened()
        self._check(stream)
        part, manifest = self.path / _UNFINISHED, self.path / MANIFEST
        try:
            same = manifest.is_file() and filecmp.cmp(manifest, part, shallow=False)
            # From here to the last line the folder holds no finished run: what stands beside a manifest belongs to it.
            manifest.unlink(missing_ok=True)
            for name in sorted(self._staged):
                os.replace(self.path / (name + _PART), self.path / name)
            for name in _BESIDE:
                if not same and name not in self._staged and (self.path / name).exists():
                    os.replace(self.path / name, self.path / (EARLIER + name))
            _sync(self.path)
            if os.name == "nt":  # an open file cannot be renamed there
                self.close()
            os.replace(part, manifest)
            _sync(self.path)
        except OSError as error:
            raise cannot_write(manifest, error) from error
        self.close()

    def _check(self, stream: BinaryIO) -> None:
        part = self.path / _UNFINISHED
        held = part.read_bytes().count(b"\n") if still_at(stream, part) else 0
        if held != self._count or not still_at(stream, part):
            raise RuntimeError(
                f"{part} must hold the {self._count} lines that this run wrote, got {held:d}: something else wrote to "
                "the folder or removed it; run it again, into a folder of its own"
            )

    def write_mask(self, name: str, mask: np.ndarray) -> str:
        """Write a mask, (H, W) or one a structure (S, H, W), as `monai_cars.files.mask_png.mask_png` draws it.

        Returns:
            The file's path inside the folder.
        """
        write_atomically(self.path / "masks" / f"{name}.png", mask_png(mask))
        return f"masks/{name}.png"

    def stage(self, name: str, content: bytes) -> None:
        """Write a file, all of it or nothing, that gets its name when the run is complete."""
        write_atomically(self.path / (name + _PART), content)
        self._staged.add(name)

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file, all of it or nothing, that gets its name when the run is complete."""
        self.stage(name, (json.dumps(content, indent=1, sort_keys=True) + "\n").encode())

    def relative(self, path: Path) -> str:
        """A path as seen from the folder."""
        return writable(Path(os.path.relpath(path.resolve(), self.path.resolve())).as_posix())


def read_manifest(folder: str | Path) -> list[dict[str, Any]]:
    """The manifest's lines.

    Raises:
        FileNotFoundError: the folder holds no finished run.
        ValueError: what it holds is no manifest.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{str(folder)!r} must hold a finished run ({MANIFEST}), got none; run it again")
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (ValueError, RecursionError):
        lines = [None]
    if not all(isinstance(line, dict) for line in lines):
        raise ValueError(
            f"{path} must hold one JSON mapping a line, got another or a damaged one; choose another folder"
        )
    return lines


def is_run(folder: Path) -> bool:
    """Tell whether a run was started in a folder, finished or not."""
    return any((folder / name).is_file() for name in (MANIFEST, _UNFINISHED))


def _is_bare(folder: Path) -> bool:
    """Nothing lies there but the empty rooms of a run, and what MONAI itself put there."""
    found = [entry for entry in folder.iterdir() if not of_monai(entry.name)]
    return all(room.name in _SUBFOLDERS and room.is_dir() and not any(room.iterdir()) for room in found)


def _items(lines: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Items of each film: a datalist may name one several times, and each has an anatomy of its own."""
    found: dict[str, set[Any]] = defaultdict(set)
    for line in lines:
        found[str(line.get("source_name"))].add(line.get("anatomy"))
    return Counter({name: len(masks) for name, masks in found.items()})


def _films(lines: Iterable[Mapping[str, Any]]) -> Counter[str]:
    return Counter(str(line.get("source_name")) for line in lines)


def _sync(folder: Path) -> None:
    """Have the folder's names on disk, where a system can."""
    if os.name == "nt":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError:
        pass  # some network file systems refuse it; they keep their own order
    finally:
        os.close(opened)
