"""Insert support devices: tubes, catheters, cables and pacemakers where they usually lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi

from monai_cars.chest_xray.anatomy.line_length import line_length
from monai_cars.chest_xray.editors.canvas.canvas import Canvas, enlarge, uniform
from monai_cars.chest_xray.editors.devices import device_paths as paths
from monai_cars.chest_xray.editors.devices.device_drawing import (
    Can,
    Tube,
    draw_electrode,
    draw_generator,
    draw_tube,
    finish,
)
from monai_cars.edits.edit import Box, CannotEdit, Edit, Proposal, Quantity

VISIBLE = 0.05  # contrast units
BURNT = 0.015  # share of the film's range
HEADROOM = 0.12  # contrast units below the film's brightest; nothing brighter can be drawn over
TRIES = 400
MARGIN = 3  # native pixels
SETS = 4
MISS = 0.04  # of the asked length; a set of devices that comes as near is taken
ADULT_THORAX_MM = 250.0
SMALLEST_TUBES = 0.45  # of an adult's diameters, in newborns


@dataclass(frozen=True)
class Device:
    """One tube or wire that may be drawn.

    Args:
        kind: what it is; no two of a kind share a place.
        path: (n, 2) rows and columns on the working grid, outside end first.
        tube: its cross-section.
        least: share of its length from which on it may end.
        end: ``"electrode"``, ``"generator"`` (at its outer end) or nothing.
        visible: (n,) cumulative visible length in millimetres.
        can: the generator that lies at its outer end.
    """

    kind: str
    path: np.ndarray
    tube: Tube
    least: float
    end: str
    visible: np.ndarray
    can: Can

    @property
    def length(self) -> float:
        """Visible length in millimetres."""
        return float(self.visible[-1]) if len(self.visible) else 0.0

    def shortened(self, length: float) -> np.ndarray:
        """The path up to a visible length."""
        return self.path[: max(int(np.searchsorted(self.visible, length)), 8)]


def insert_devices(canvas: Canvas, edit: Edit, generator: torch.Generator) -> Proposal:
    """Propose a set of devices with the asked visible length in all, drawn over everything.

    Raises:
        CannotEdit: the film has no scale, or no set of devices has that length on it.
    """
    mm = canvas.millimetres(1.0)
    asked = edit.amount
    pool = _pool(canvas, edit.side, mm, generator)
    chosen, lengths = _nearest_set(canvas, pool, asked.value, mm, generator)
    drawn = _draw(canvas, chosen, lengths, mm, canvas.factor)
    kinds = ", ".join(sorted({device.kind for device in chosen}))
    return _proposal(canvas, drawn, asked, f"drawn: {kinds}")


def _nearest_set(
    canvas: Canvas, pool: Sequence[Device], asked: float, mm: float, generator: torch.Generator
) -> tuple[list[Device], list[float]]:
    """Of a few random sets the one whose length, seen on the film, is nearest to the asked one.

    Where tubes cross, run side by side or lie over metal, the film shows less than was drawn.
    """
    room = float(canvas.native.max()) - canvas.u
    best: tuple[float, list[Device], list[float]] = (np.inf, [], [])
    aim = asked
    for _ in range(SETS):
        chosen, lengths = _choose(pool, aim, generator)
        seen = line_length(np.minimum(_draw(canvas, chosen, lengths, mm, 1), room), mm)
        if abs(seen - asked) < best[0]:
            best = (abs(seen - asked), chosen, lengths)
        if best[0] <= MISS * asked:
            break
        aim = float(np.clip(aim * asked / max(seen, 1.0), 0.8 * asked, 1.25 * asked))
    return best[1], best[2]


def _pool(canvas: Canvas, side: str | None, mm: float, generator: torch.Generator) -> list[Device]:
    """Every device that could be drawn on this film, one path each."""
    body = paths.body_of(canvas)
    size = float(np.clip(body.unit * 280 / mm / ADULT_THORAX_MM, SMALLEST_TUBES, 1.1))
    can = Can(uniform(40, 46, generator) * size, uniform(38, 43, generator) * size, uniform(-0.5, 0.5, generator))
    pool: list[Device] = []
    shown = _not_white(canvas)

    def add(kind: str, points: paths.Points, tube: Tube, least: float, end: str = "", jitter: float = 4.0) -> None:
        path = paths.smooth_path(body, points, generator, jitter)
        pool.append(Device(kind, path, tube, least, end, _visible_length(shown, path, mm), can))

    for one in (side,) if side else ("right", "left"):
        sign = 1 if one == "left" else -1
        venous = Tube(2.3 * size, 0.9 * size, uniform(0.22, 0.32, generator))
        vein = (
            paths.jugular(body, one, generator) if uniform(0, 1, generator) < 0.65 else paths.subclavian(one, generator)
        )
        add("central venous catheter", vein, venous, 0.7, jitter=2.0)
        drain = Tube(8.5 * size, 6.0 * size, uniform(0.14, 0.2, generator), uniform(0.2, 0.3, generator), 0.55)
        add("chest tube", paths.pleural(one, generator), drain, 0.6)
        cable = Tube(2.4, 0.0, uniform(0.26, 0.4, generator))
        for _ in range(3):
            add("electrocardiogram cable", paths.lead(body, one, generator), cable, 0.8, "electrode", 0.0)
        wire = Tube(1.9 * size, 0.0, uniform(0.35, 0.5, generator))
        for chamber in (paths.atrial, paths.ventricular):
            add(f"pacemaker {one}", chamber(sign, generator), wire, 1.0, "generator", 1.5)
    if side is None:
        trachea = Tube(10.0 * size, 7.5 * size, uniform(0.12, 0.18, generator), uniform(0.16, 0.26, generator), 0.6)
        add("endotracheal tube", paths.tracheal(body, mm, generator), trachea, 0.85, jitter=1.0)
        stomach = Tube(4.8 * size, 3.0 * size, uniform(0.16, 0.24, generator), uniform(0.1, 0.2, generator), 0.4)
        add("nasogastric tube", paths.gastric(body, generator), stomach, 0.82, jitter=2.5)
    return [device for device in pool if device.length > 30.0]


def _not_white(canvas: Canvas) -> np.ndarray:
    """(h, w) bool where the film is neither white already nor burnt black."""
    brightest, darkest = float(canvas.native.max()), float(canvas.native.min())
    there = canvas.blur(canvas.u, 3.0)
    return (there < brightest - HEADROOM) & (there > darkest + BURNT * (brightest - darkest))


def _visible_length(shown: np.ndarray, path: np.ndarray, mm: float) -> np.ndarray:
    """(n,) length in millimetres so far that lies on the film where a line is ``shown``."""
    rows, columns = np.rint(path).astype(int).T
    inside = (rows >= 0) & (rows < shown.shape[0]) & (columns >= 0) & (columns < shown.shape[1])
    there = np.zeros(len(path), bool)
    there[inside] = shown[rows[inside], columns[inside]]
    return np.cumsum(there * paths.STEP) / mm


def _choose(pool: Sequence[Device], asked: float, generator: torch.Generator) -> tuple[list[Device], list[float]]:
    """A random set of devices that can have the asked length in all, and the length of each (mm)."""
    best: tuple[float, list[Device], list[float]] = (np.inf, [], [])
    for _ in range(TRIES):
        order = torch.randperm(len(pool), generator=generator).tolist()
        chosen: list[Device] = []
        for index in order:
            chosen = _with(chosen, pool, pool[index])
            least, full = (sum(d.length * share for d, share in zip(chosen, s, strict=True)) for s in _shares(chosen))
            if full >= asked or least > asked:
                break
        share = float(np.clip((asked - least) / max(full - least, 1e-6), 0.0, 1.0))
        lengths = [d.length * (d.least + share * (1 - d.least)) for d in chosen]
        miss = abs(sum(lengths) - asked)
        if miss < best[0]:
            best = (miss, chosen, lengths)
        if miss <= MISS * asked:
            return best[1], best[2]
    if best[0] > 0.15 * asked:
        raise CannotEdit(f"no set of devices has a visible length of {asked:.0f} mm on this film")
    return best[1], best[2]


def _shares(devices: Sequence[Device]) -> tuple[list[float], list[float]]:
    return [d.least for d in devices], [1.0] * len(devices)


def _with(chosen: list[Device], pool: Sequence[Device], device: Device) -> list[Device]:
    """The set with one more device; a pacemaker comes with all its leads, and there is one of it."""
    if device.end != "generator":
        return [*chosen, device]
    if any(d.end == "generator" for d in chosen):
        return chosen
    return [*chosen, *(d for d in pool if d.kind == device.kind)]


def _draw(canvas: Canvas, chosen: Sequence[Device], lengths: Sequence[float], mm: float, f: int) -> np.ndarray:
    """Contrast units that the devices add, on a grid of ``f`` times the working grid, native where f is the factor."""
    shape = canvas.u.shape if f == 1 else tuple(canvas.native.shape)
    film = np.zeros(shape, np.float32)
    for device, length in zip(chosen, lengths, strict=True):
        path = (device.shortened(length) + 0.5) * f - 0.5
        draw_tube(film, path, device.tube, mm * f)
        if device.end == "electrode":
            draw_electrode(film, path[-1], mm * f)
    for device in {d.kind: d for d in chosen if d.end == "generator"}.values():
        draw_generator(film, (device.path[0] + 0.5) * f - 0.5, mm * f, device.can)
    smooth = torch.from_numpy(canvas.blur(canvas.u, 3.0))
    beneath = enlarge(smooth.numpy(), Box(0, 0, *shape), f, torch.device("cpu")).numpy()
    # What the beam did not reach, and air that it burnt black, shows nothing.
    darkest, brightest = float(canvas.native.min()), float(canvas.native.max())
    shown = np.clip((beneath - darkest) / (BURNT * (brightest - darkest)) - 0.5, 0.0, 1.0)
    return finish(film, beneath, mm * f) * shown


def _proposal(canvas: Canvas, drawn: np.ndarray, asked: Quantity, note: str) -> Proposal:
    seen = drawn > 0.002
    if not seen.any():
        raise CannotEdit("no part of a device lies on this film")
    # A device has a sharp border of its own: the support ends beyond it, where nothing is added.
    support = ndi.binary_dilation(seen, iterations=MARGIN)
    rows, columns = np.flatnonzero(support.any(1)), np.flatnonzero(support.any(0))
    box = Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    device = canvas.native.device
    residual = torch.from_numpy(np.where(seen, drawn, 0.0)[box.slices].astype(np.float32)).to(device)
    inside = torch.from_numpy(support[box.slices]).to(device)
    return Proposal(box, residual, inside, (residual > VISIBLE) & inside, asked, note)
