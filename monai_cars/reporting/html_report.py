"""One self-contained page about a run: every film before and after, what was checked, and what was skipped."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from monai_cars.extras import require_extra
from monai_cars.files.atomic import write_atomically
from monai_cars.reporting.display import (
    Window,
    crop_around,
    difference_colours,
    difference_limit,
    encode,
    outlines,
    window_of,
)
from monai_cars.reporting.legend import LESION, SUPPORT, grouped, hexadecimal, on_white, read_structures, read_unit
from monai_cars.reporting.results import GONE, Result, read_results
from monai_cars.reporting.wording import amount, bound, meaning, number, plural

_TEMPLATE = Path(__file__).parent / "report.html.j2"
_QUALITY = 88  # of whole films; crops are lossless
_OVERVIEW = 900  # pixels, longer side of the film under the outlines


def write_report(folder: str | Path, *, edits: int = 20) -> Path:
    """Write ``report.html`` into the folder of a finished run; it needs no network, no script and no other file.

    Args:
        folder: of the run.
        edits: how many are shown with pictures (about 2 MB each); the rest are in the table only.

    Returns:
        The page's path.

    Raises:
        FileNotFoundError: the folder holds no finished run.
        MissingExtra: jinja2 is not installed.
    """
    require_extra("bundle", "jinja2")
    folder = Path(folder)
    results = read_results(folder)
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    content, _ = draw_report(folder, [result.line for result in results], run, edits=edits)
    return write_atomically(folder / "report.html", content)


def draw_report(
    folder: Path,
    lines: Sequence[Mapping[str, Any]],
    run: Mapping[str, Any],
    films: Mapping[str, Path] = MappingProxyType({}),
    *,
    edits: int = 20,
) -> tuple[bytes, dict[str, str]]:
    """The page about a run that need not be finished, see `write_report`.

    Args:
        folder: of the run.
        lines: of its manifest.
        run: content of run.json.
        films: see `Result`.
        edits: how many are shown with pictures.

    Returns:
        The page's bytes, and by `source_name` why a film's pictures are missing.
    """
    results = [Result(folder, line, films) for line in lines]
    structures, colours = read_structures(run)
    shown, rest = results[:edits], results[edits:]
    missing: dict[str, str] = {}
    # One film at a time: a generator lets the template drop a film's pictures before the next is read.
    by_film = groupby(shown, key=lambda result: (result.line["source"], result.line["anatomy"]))
    groups = (_FilmView(list(group), structures, missing) for _, group in by_film)
    page = _template().render(
        run=run,
        results=results,
        films=groups,
        unshown=len(rest),
        structures=[(name.replace("_", " "), hexadecimal(colours[name])) for name in structures],
        legend=[(words, on_white(colour)) for words, colour in grouped(structures, colours)],
        unit=read_unit(run),
        lesion=hexadecimal(LESION),
        support=hexadecimal(SUPPORT),
        **_words(results),
    )
    return page.encode("utf-8", "backslashreplace"), missing


def _template() -> Any:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {f.__name__: f for f in (amount, bound, meaning, number, plural)}
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))


def _words(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "accepted": sum(result.accepted for result in results),
        "verdicts": {"pass": "passed", "fail": "failed", "unavailable": "not available"},
    }


class _FilmView:
    """One film and its edits, as the template sees them."""

    def __init__(self, results: list[Result], structures: Sequence[str], missing: dict[str, str]) -> None:
        self.structures = structures
        self.line = results[0].line
        self.edits = [_EditView(result, self) for result in results]
        self.trouble = self._read(results[0])
        if self.trouble or any(edit.trouble for edit in self.edits):
            missing[str(self.line["source_name"])] = GONE

    def _read(self, first: Result) -> str:
        """Why the film cannot be shown, empty where it can: it may be gone or damaged since it was edited."""
        try:
            self.image = first.before()
            self.anatomy = first.mask("anatomy")
            self.window = window_of(self.image, self.anatomy.max(0))
        except Exception:  # whatever is wrong with one film, the others are shown
            return GONE
        return ""

    @cached_property
    def height(self) -> int:
        return self.image.shape[0]

    @cached_property
    def width(self) -> int:
        return self.image.shape[1]

    @cached_property
    def picture(self) -> str:
        return _embed(encode(self.window(self.image), quality=_QUALITY), "jpeg")


class _EditView:
    """One edit, as the template sees it; pictures are made when it asks for them."""

    def __init__(self, result: Result, film: _FilmView) -> None:
        self.result, self.line, self.film = result, result.line, film
        self.accepted, self.title = result.accepted, result.title

    @cached_property
    def trouble(self) -> str:
        """Why the edit cannot be shown, empty where it can or where there is nothing to show."""
        if self.film.trouble or not self.accepted:
            return self.film.trouble
        try:
            lesion = self.result.mask("lesion")
            return "" if self._after.shape == self._support.shape == lesion.shape == self.film.image.shape else GONE
        except Exception:  # as for the film
            return GONE

    @cached_property
    def _after(self) -> np.ndarray:
        return self.result.after()

    @cached_property
    def _support(self) -> np.ndarray:
        return self.result.mask("support")

    @cached_property
    def _crop(self) -> tuple[slice, slice]:
        return crop_around(self._support)

    @cached_property
    def _difference(self) -> np.ndarray:
        return (self._after - self.film.image)[self._crop] / self.line["contrast_unit"]["value"]

    @property
    def crop_size(self) -> str:
        height, width = self._difference.shape
        return f"{width} x {height} px"

    @property
    def before(self) -> str:
        return _picture(self.film.image[self._crop], self.film.window)

    @property
    def after(self) -> str:
        return _picture(self._after[self._crop], self.film.window)

    @property
    def whole(self) -> str:
        return _embed(encode(self.film.window(self._after), quality=_QUALITY), "jpeg")

    @property
    def difference(self) -> str:
        return _embed(encode(difference_colours(self._difference, self.limit)), "png")

    @cached_property
    def limit(self) -> float:
        return difference_limit(self._difference)

    @property
    def overview(self) -> str:
        picture = Image.fromarray(self.film.window(self._after))
        picture.thumbnail((_OVERVIEW, _OVERVIEW))
        return _embed(encode(np.asarray(picture), quality=_QUALITY), "jpeg")

    @property
    def outlines(self) -> list[dict[str, str]]:
        """SVG paths in the film's pixels, with the class that colours each."""
        # A class by number: what a run calls its structures need not be a name that a style sheet takes.
        channels = zip(self.film.structures, self.film.anatomy, strict=False)
        masks = [(f"structure-{number}", mask) for number, (_, mask) in enumerate(channels)]
        masks += [("support", self._support), ("lesion", self.result.mask("lesion"))]
        return [{"name": name, "path": _path(mask)} for name, mask in masks]

    @property
    def crop_box(self) -> dict[str, int]:
        rows, columns = self._crop
        return {
            "x": columns.start,
            "y": rows.start,
            "width": columns.stop - columns.start,
            "height": rows.stop - rows.start,
        }


def _picture(image: np.ndarray, window: Window) -> str:
    return _embed(encode(window(image)), "png")


def _embed(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{b64encode(data).decode()}"


def _path(mask: np.ndarray) -> str:
    rings = (" L".join(f"{x:.0f} {y:.0f}" for y, x in ring + 0.5) for ring in outlines(mask, tolerance=1.5))
    return " ".join(f"M{ring}Z" for ring in rings)
