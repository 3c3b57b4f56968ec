"""One picture of a run: a row an edit, before, after, what changed, and where."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from monai_cars.evaluation.display import (
    bounds,
    crop_around,
    difference_colours,
    difference_limit,
    outlines,
    window_of,
)
from monai_cars.evaluation.results import Result, amount, read_results
from monai_cars.files.atomic import write_atomically

ANATOMY_COLOURS = ("#38b6c8", "#38b6c8", "#f28e2b")  # right lung, left lung, heart
LESION_COLOUR, SUPPORT_COLOUR = "#ffe14d", "#ffffff"
_DPI, _TILE = 100, 4.6  # inches: with the DPI, a tile shows a crop of about 450 px pixel by pixel
_HEADINGS = ("before", "after", "after - before, in contrast units", "outlines")


def write_panel(folder: str | Path, *, rows: int = 8) -> Path:
    """Draw ``panel.png`` into the folder of a finished run.

    The columns show a crop around the edit at native resolution (before, after, signed difference) and the whole film
    with the outlines of lungs and heart, lesion and support. Edits that were not accepted have nothing to show and are
    left to the report.

    Args:
        folder: of the run.
        rows: how many edits to show at most.

    Returns:
        The picture's path.
    """
    shown = [result for result in read_results(folder) if result.accepted][:rows]
    stream = BytesIO()
    _draw(shown).savefig(stream, format="png", dpi=_DPI, metadata={"Software": None}, facecolor="white")
    return write_atomically(Path(folder) / "panel.png", stream.getvalue())


def _draw(results: Sequence[Result]) -> Any:
    from matplotlib.figure import Figure  # no pyplot: nothing global, no display needed

    figure = Figure(figsize=(4 * _TILE + 3.4, (_TILE + 0.25) * max(len(results), 1) + 0.7), layout="constrained")
    figure.suptitle("SYNTHETIC - NOT FOR DIAGNOSIS", fontsize=13, color="#8a1c1c", fontweight="bold")
    grid = figure.subplots(max(len(results), 1), 5, squeeze=False, width_ratios=(3.0, _TILE, _TILE, _TILE, _TILE))
    for axis in grid.flat:
        axis.set_axis_off()
    if not results:
        grid[0, 0].text(0, 0.5, "no edit was accepted; the report says why", fontsize=12)
    for row, result in zip(grid, results, strict=False):
        _row(row, result)
    for axis, heading in zip(grid[0, 1:], _HEADINGS, strict=True):
        axis.set_title(heading, fontsize=12)
    return figure


def _row(axes: Sequence[Any], result: Result) -> None:
    before, after, anatomy = result.before(), result.after(), result.mask("anatomy")
    lesion, support = result.mask("lesion"), result.mask("support")
    window, crop = window_of(before, anatomy.any(0)), crop_around(support)
    difference = (after - before)[crop] / result.line["contrast_unit"]["value"]
    limit = difference_limit(difference)
    axes[0].text(0, 1, caption(result), fontsize=10.5, va="top", transform=axes[0].transAxes, linespacing=1.5)
    for axis, film in zip(axes[1:3], (before, after), strict=True):
        axis.imshow(window(film[crop]), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    axes[3].imshow(difference_colours(difference, limit), interpolation="antialiased")
    _colour_bar(axes[3], limit)
    axes[4].imshow(window(after), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    for mask, colour in zip(anatomy, ANATOMY_COLOURS, strict=False):
        _outline(axes[4], mask, colour, "-")
    _outline(axes[4], support, SUPPORT_COLOUR, ":")
    _outline(axes[4], lesion, LESION_COLOUR, "-")
    _frame(axes[4], anatomy.any(0) | support)


def caption(result: Result) -> str:
    """The words beside a row: what was asked, what was measured, and every check's verdict."""
    line = result.line
    checks = [f"{_MARKS[check['verdict']]} {check['name']}" for check in line["checks"]]
    parts = [
        result.title,
        f"asked      {amount(line['severity_asked'])}",
        f"measured  {amount(line['severity_measured'])}",
        *([_wrap(line["note"])] if line.get("note") else []),
        "",
        *checks,
    ]
    return "\n".join(parts)


_MARKS = {"pass": "✓", "fail": "✗", "unavailable": "-"}


def _wrap(text: str, width: int = 40) -> str:
    from textwrap import fill

    return fill(text, width)


def _outline(axis: Any, mask: np.ndarray, colour: str, style: str) -> None:
    for ring in outlines(mask):
        axis.plot(ring[:, 1], ring[:, 0], color=colour, linestyle=style, linewidth=1.1)


def _frame(axis: Any, mask: np.ndarray) -> None:
    """Show the thorax, not the arms and the air beside them."""
    if not mask.any():
        return
    height, width = mask.shape
    y0, x0, y1, x1 = bounds(mask)
    margin = 0.04 * max(height, width)
    axis.set_xlim(max(x0 - margin, -0.5), min(x1 + margin, width - 0.5))
    axis.set_ylim(min(y1 + margin, height - 0.5), max(y0 - margin, -0.5))


def _colour_bar(axis: Any, limit: float) -> None:
    bar = axis.inset_axes((0.06, 0.05, 0.5, 0.025))
    ramp = difference_colours(np.linspace(-limit, limit, 201)[None], limit)
    bar.imshow(ramp, aspect="auto", extent=(-limit, limit, 0, 1))
    bar.set_yticks([])
    bar.set_xticks([-limit, 0, limit])
    bar.xaxis.tick_top()
    bar.tick_params(labelsize=9, length=2)
