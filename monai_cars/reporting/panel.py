"""One picture of a run: a row an edit, before, after, what changed, and where."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from textwrap import fill
from types import MappingProxyType
from typing import Any

import numpy as np

from monai_cars.extras import require_extra
from monai_cars.files.atomic import write_atomically
from monai_cars.reporting.display import (
    bounds,
    crop_around,
    difference_colours,
    difference_limit,
    outlines,
    window_of,
)
from monai_cars.reporting.legend import LESION, SUPPORT, Colour, hexadecimal, read_structures
from monai_cars.reporting.results import GONE, Result, read_results
from monai_cars.reporting.wording import amount, plural

_DPI = 100
# In pixels of the picture: a crop of 460 x 460 is shown pixel by pixel.
_WORDS, _TILE, _GAP, _HEADING = 340, 460, 10, 92
_COLUMNS = ("before", "after", "after - before, in contrast units", "after, with outlines")
_LEFTS = [_WORDS + column * (_TILE + _GAP) for column in range(len(_COLUMNS))]
_MARKS = {"pass": "✓", "fail": "✗", "unavailable": "-"}


def write_panel(folder: str | Path, *, rows: int = 8) -> Path:
    """Draw ``panel.png`` into the folder of a finished run.

    The columns show a crop around the edit at native resolution (before, after, signed difference) and the organ with
    the outlines of its structures (`structures` of run.json), lesion and support. Edits that were not accepted have
    nothing to show and are left to the report.

    Args:
        folder: of the run.
        rows: how many edits to show at most.

    Returns:
        The picture's path.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    require_extra("bundle", "matplotlib")
    results = read_results(folder)
    run = json.loads((Path(folder) / "run.json").read_text(encoding="utf-8"))
    content, _ = draw_panel(Path(folder), [result.line for result in results], run, rows=rows)
    return write_atomically(Path(folder) / "panel.png", content)


def draw_panel(
    folder: Path,
    lines: Sequence[Mapping[str, Any]],
    run: Mapping[str, Any],
    films: Mapping[str, Path] = MappingProxyType({}),
    *,
    rows: int = 8,
) -> tuple[bytes, dict[str, str]]:
    """The picture of a run that need not be finished, see `write_panel`.

    Args:
        folder: of the run.
        lines: of its manifest.
        run: content of run.json.
        films: see `Result`.
        rows: how many edits to show at most.

    Returns:
        The PNG's bytes, and by `source_name` why a film's pictures are missing.
    """
    results = [Result(folder, line, films) for line in lines]
    shown = [result for result in results if result.accepted][:rows]
    missing: dict[str, str] = {}
    stream = BytesIO()
    figure = _draw(shown, *read_structures(run), missing)
    figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None}, facecolor="white")
    return stream.getvalue(), missing


def _draw(
    results: Sequence[Result], structures: Sequence[str], colours: Mapping[str, Colour], missing: dict[str, str]
) -> Any:
    from matplotlib.figure import Figure  # no pyplot: nothing global, no display needed

    width = _WORDS + len(_COLUMNS) * (_TILE + _GAP) + _GAP
    height = _HEADING + max(len(results), 1) * (_TILE + _GAP)
    figure = Figure(figsize=(width / _DPI, height / _DPI))

    def place(x: float, y: float, w: float, h: float) -> Any:
        """Axes at pixels counted from the upper left corner."""
        axis = figure.add_axes((x / width, 1 - (y + h) / height, w / width, h / height))
        axis.set_axis_off()
        return axis

    _heading(place, width)
    if not results:
        _say(place(20, _HEADING, width, _TILE), "no edit was accepted; the report says why", ha="left")
    films = list(dict.fromkeys(result.line["source_name"] for result in results))
    for row, result in enumerate(results):
        top = _HEADING + row * (_TILE + _GAP)
        film = films.index(result.line["source_name"]) if len(films) > 1 else None
        axis = place(16, top, _WORDS - 16, _TILE)
        axis.text(0, 0.99, caption(result, film=film), va="top", fontsize=14, linespacing=1.5)
        try:
            _tiles([place(left, top, _TILE, _TILE) for left in _LEFTS], result, structures, colours)
        except Exception:  # whatever is wrong with one film, the others are shown
            missing[str(result.line["source_name"])] = GONE
            _say(place(_LEFTS[0], top, width - _LEFTS[0], _TILE), GONE)
    return figure


def _heading(place: Callable[..., Any], width: int) -> None:
    _say(place(0, 0, width, 44), "SYNTHETIC - NOT FOR DIAGNOSIS", color="#8a1c1c")
    for left, name in zip(_LEFTS, _COLUMNS, strict=True):
        _say(place(left, 46, _TILE, 40), name)


def _say(axis: Any, text: str, **options: Any) -> None:
    place = {"left": 0.0}.get(options.get("ha", "center"), 0.5)
    axis.text(place, 0.5, text, **{"ha": "center", "va": "center", "fontsize": 16, **options})


def caption(result: Result, *, film: int | None = None) -> str:
    """The words beside a row: what was asked, what was measured, and every check's verdict.

    Args:
        result: the edit.
        film: number of its film from 0, where there are several.
    """
    line = result.line
    notes = [line["note"]] if line.get("note") else []
    if line.get("instance_only"):
        notes.append(f"one of several {plural(line['finding'])} removed")
    checks = [f"{_MARKS[check['verdict']]} {check['name'].replace('_', ' ')}" for check in line["checks"]]
    severity = [f"asked {amount(line['severity_asked'])}", f"measured {amount(line['severity_measured'])}"]
    known = severity if line["severity_measured"] else []
    name = [] if film is None else [f"film {film + 1}"]
    return "\n".join([*name, result.title, *known, *(fill(note, 34) for note in notes), "", *checks])


def _tiles(axes: Sequence[Any], result: Result, structures: Sequence[str], colours: Mapping[str, Colour]) -> None:
    before, after, anatomy = result.before(), result.after(), result.mask("anatomy")
    lesion, support = result.mask("lesion"), result.mask("support")
    window, crop = window_of(before, anatomy.max(0)), crop_around(support)
    difference = (after - before)[crop] / result.line["contrast_unit"]["value"]
    limit = difference_limit(difference)
    for axis, film in zip(axes[:2], (before, after), strict=True):
        _show(axis, window(film[crop]))
    _show(axes[2], difference_colours(difference, limit))
    _colour_bar(axes[2], limit)
    organ = _framed(anatomy.max(0) | support)
    _show(axes[3], window(after[organ]))
    for name, mask in zip(structures, anatomy, strict=False):
        _outline(axes[3], mask[organ], colours[name], "-")
    _outline(axes[3], support[organ], SUPPORT, ":")
    _outline(axes[3], lesion[organ], LESION, "-")


def _show(axis: Any, picture: np.ndarray) -> None:
    axis.set_facecolor("black")
    axis.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="antialiased", interpolation_stage="data")
    axis.set_anchor("N")


def _outline(axis: Any, mask: np.ndarray, colour: Colour, style: str) -> None:
    for ring in outlines(mask):
        axis.plot(ring[:, 1], ring[:, 0], color=hexadecimal(colour), linestyle=style, linewidth=1.4)


def _framed(mask: np.ndarray, margin: float = 0.04) -> tuple[slice, slice]:
    """The organ, without what lies beside it; the whole film where nothing is known of it."""
    height, width = mask.shape
    if not mask.any():
        return slice(0, height), slice(0, width)
    y0, x0, y1, x1 = bounds(mask)
    pad = round(margin * max(height, width))
    return slice(max(y0 - pad, 0), y1 + pad), slice(max(x0 - pad, 0), x1 + pad)


def _colour_bar(axis: Any, limit: float) -> None:
    frame = {"visible": True, "edgecolor": "#b8bfc6", "facecolor": "none", "transform": axis.transAxes}
    axis.add_patch(_rectangle(**frame))
    bar = axis.inset_axes((0.06, 0.05, 0.5, 0.03))
    ramp = difference_colours(np.linspace(-limit, limit, 201)[None], limit)
    bar.imshow(ramp, aspect="auto", extent=(-limit, limit, 0, 1))
    bar.set_yticks([])
    bar.set_xticks([-limit, 0, limit])
    bar.xaxis.tick_top()
    bar.tick_params(labelsize=13, length=3)


def _rectangle(**options: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((0, 0), 1, 1, **options)
