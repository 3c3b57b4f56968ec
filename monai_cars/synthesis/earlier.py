"""What a run made is no source of a run: what lies in its own output, and what earlier runs left, stays aside."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from monai_cars.synthesis.folder import EARLIER, is_run
from monai_cars.synthesis.source import Source, SourceError

_FILM = re.compile(r"[0-9a-f]{12}-\d{2,}-(insert|delete|sham)-.+")
_DRAWING = re.compile(r"[0-9a-f]{12}-.*(anatomy|lesion|support)\.png")
MADE = "made by an earlier run; counterfactuals are edited again only when that is asked for: --synthetic_sources True"
INSIDE = "it lies in the output folder; a run never edits what lies where it writes: move it out"


def set_aside(
    sources: Sequence[Source], dataset: Path, output: Path, *, synthetic: bool = False
) -> tuple[list[Source], list[dict[str, str]]]:
    """Part the films that may be edited from what runs made.

    Links are followed, and folders are compared as the file system does, whatever they are called.

    Args:
        sources: what lies in the dataset.
        dataset: the folder, datalist or film that was asked for.
        output: where the run will write.
        synthetic: counterfactuals of earlier runs were asked for.

    Returns:
        The films to edit, and {source, reason} of each other one. The output's own films and masks, and the masks and
        panels of earlier runs, are neither.

    Raises:
        SourceError: the dataset, or a film that a datalist names, lies in the output folder; or no film is left.
    """
    within = Within(output)
    a_folder = dataset.is_dir()
    if a_folder and within(dataset):
        raise SourceError(f"dataset_dir {str(dataset)!r} must not lie in output_dir {str(output)!r}; choose another")
    taken: list[Source] = []
    aside: list[dict[str, str]] = []
    for source in sources:
        inside, kind = within(source.path), _made_by_a_run(source.path)
        if inside and not a_folder:
            raise SourceError(
                f"film {source.name!r:.60} must not lie in output_dir {str(output)!r}; choose another --output_dir"
            )
        if inside and kind is None:
            aside.append({"source": source.name, "reason": INSIDE})
        elif kind == "film" and not inside and not synthetic:
            aside.append({"source": source.name, "reason": MADE})
        elif not inside and kind != "drawing":
            taken.append(source)
    if not taken:
        raise SourceError(
            f"dataset_dir {str(dataset)!r} must hold films that no run made, got {len(sources)} that runs made only; "
            "name other films, or ask for these: --synthetic_sources True"
        )
    return taken, aside


class Within:
    """Whether paths lie in one folder, or are it: links are followed, names compared as the file system does.

    Args:
        folder: nothing lies in one that does not exist.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Within(Path(folder))(Path(folder) / "films" / "a.png"), Within(Path(folder))(Path(folder).parent)
        (True, False)
    """

    def __init__(self, folder: Path) -> None:
        self._folder = _identity(os.path.realpath(folder))
        self._known: dict[str, bool] = {}

    def __call__(self, path: Path) -> bool:
        """Tell it of one path, which need not exist."""
        if self._folder is None:
            return False
        try:
            place = os.path.realpath(path)
        except (OSError, ValueError):  # no path at all: whoever reads it says so
            return False
        asked: list[str] = []
        found: bool | None = None
        while found is None:
            found = self._known.get(place)
            if found is None:
                asked.append(place)
                parent = os.path.dirname(place)
                found = True if _identity(place) == self._folder else False if parent == place else None
                place = parent
        self._known |= dict.fromkeys(asked[1:] or asked, found)  # not the film's own: there are many of them
        return found


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _made_by_a_run(path: Path) -> str | None:
    """Tell "film" or "drawing" of what an earlier run wrote, by its place in the run's folder and its name."""
    try:
        real = Path(os.path.realpath(path))
    except (OSError, ValueError):
        return None
    place, name = real.parent, real.name
    if name.removeprefix(EARLIER) == "panel.png" and is_run(place):
        return "drawing"
    if place.name == "films" and _FILM.fullmatch(name) and is_run(place.parent):
        return "film"
    if place.name == "masks" and _DRAWING.fullmatch(name) and is_run(place.parent):
        return "drawing"
    return None
