"""The film as editors see it: in contrast units, on a working grid of about half a millimetre, with its anatomy."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from scipy import ndimage as ndi
from torch.nn import functional

from monai_cars.chest_xray.anatomy import STRUCTURES
from monai_cars.chest_xray.scale import usual_millimetre, working_step
from monai_cars.edits.edit import Box, CannotEdit, Earlier
from monai_cars.edits.film import Film, Unit

DEVICE = 0.14  # contrast units over their surroundings from which thin structures are devices, not vessels
DEVICE_MM = 50.0
OWN_DETAIL = 5.0  # times the median detail of the lungs
SIDE_MARGIN_MM, BELOW_MARGIN_MM = 24.0, 44.0  # around a lung field: its rim, and the abdomen it is compared with
Made = TypeVar("Made")


@dataclass(frozen=True)
class Canvas:
    """A film on the working grid.

    Args:
        u: (h, w) float32 pseudo-attenuation; 0 = aerated lung, 1 = mediastinum.
        anatomy: (S, h, w) bool in the order of STRUCTURES.
        factor: native pixels per working pixel, a whole number.
        native: (H, W) float32 native film in the same units as ``u``.
        spacing: millimetres per working pixel, None when unknown.
        position: ``"erect"``, ``"supine"`` or None.
        level: one grey level in contrast units, 0 for a film without levels.
        mirrored: the lungs' order on the image is left, right (an unusual segmenter or a mirrored film).
        earlier: finding -> (h, w) bool lesion on the working grid, of edits that the film already carries.
        opened: weights that were opened for what is drawn on it and on its parts.
    """

    u: np.ndarray
    anatomy: np.ndarray
    factor: int
    native: torch.Tensor
    spacing: float | None
    position: str | None
    level: float = 0.0
    mirrored: bool = False
    earlier: Mapping[str, np.ndarray] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set, repr=False)

    def around(self, side: str) -> tuple[Canvas, int, int]:
        """The part of the film around one lung field, and its first row and column in native pixels.

        Everything that is drawn into one lung is drawn there: a quarter of the film, a quarter of the time.
        """
        rows, columns = np.nonzero(self.lung(side))
        margin, below = int(SIDE_MARGIN_MM * self.feature), int(BELOW_MARGIN_MM * self.feature)
        y0, x0 = max(int(rows.min()) - margin, 0), max(int(columns.min()) - margin, 0)
        y1, x1 = int(rows.max()) + below, int(columns.max()) + margin
        f = self.factor
        part = replace(
            self,
            u=self.u[y0:y1, x0:x1],
            anatomy=self.anatomy[:, y0:y1, x0:x1],
            native=self.native[y0 * f : y1 * f, x0 * f : x1 * f],
            earlier={name: lesion[y0:y1, x0:x1] for name, lesion in self.earlier.items()},
        )
        # `feature` of a film without scale comes from the whole thorax, not from the part.
        part.__dict__["feature"] = self.feature
        return part, y0 * f, x0 * f

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the working grid."""
        rows, columns = self.u.shape
        return rows, columns

    def wall_is_left(self, side: str) -> bool:
        """Whether the lateral chest wall of a side is the one on the image's left."""
        return (side == "right") != self.mirrored

    def millimetres(self, length: float) -> float:
        """A length in working pixels.

        Raises:
            CannotEdit: the film has no scale and none could be estimated.
        """
        if self.spacing is None:
            raise CannotEdit("the film has no pixel spacing and none could be estimated; give one with spacing_key")
        return length / self.spacing

    @cached_property
    def feature(self) -> float:
        """One millimetre in working pixels, or 1/280 of the thorax where the film has no scale (for blurs only)."""
        if self.spacing is not None:
            return 1.0 / self.spacing
        return usual_millimetre(self.anatomy[:2])

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What ``make`` returns, made once for this canvas; another canvas, and a part of this one, makes its own."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    @cached_property
    def _made(self) -> dict[Hashable, Any]:
        return {}

    def lung(self, side: str) -> np.ndarray:
        """(h, w) bool whole lung field of one of the patient's sides."""
        return self.anatomy[STRUCTURES.index(f"{side}_lung")]

    @cached_property
    def heart(self) -> np.ndarray:
        """(h, w) bool cardiac silhouette."""
        return self.anatomy[STRUCTURES.index("heart")]

    def blur(self, array: np.ndarray, sigma_mm: float) -> np.ndarray:
        """Gaussian low-pass with sigma in millimetres."""
        return ndi.gaussian_filter(array, sigma_mm * self.feature, mode="nearest", truncate=3.0)


def make_canvas(
    image: torch.Tensor,
    anatomy: torch.Tensor,
    unit: Unit,
    *,
    spacing: tuple[float, ...] | None,
    position: str | None,
    integer: bool = False,
    earlier: Sequence[Earlier] = (),
) -> Canvas:
    """Bring a film onto the working grid.

    Args:
        image: (1, H, W) float32, bright = dense, as a person looks at it.
        anatomy: (S, H, W) uint8.
        unit: the film's frozen contrast unit.
        spacing: mm per native pixel (row, column) or None.
        position: ``"erect"``, ``"supine"`` or None.
        integer: the film's values are integers.
        earlier: accepted edits that the film already carries.

    Returns:
        Canvas: block means over ``factor`` x ``factor`` native pixels.
    """
    native = ((image[0] - unit.zero) / unit.value).float()
    factor = working_step(native.shape)
    u = shrink(native, factor)
    masks = anatomy[:, ::factor, ::factor].cpu().numpy().astype(bool)
    mm = None if spacing is None else float(np.sqrt(spacing[0] * spacing[1])) * factor
    level = integer / unit.value
    return Canvas(
        u.cpu().numpy(), masks, factor, native, mm, position, level, _mirrored(masks), _earlier(earlier, factor)
    )


def canvas_of(film: Film) -> Canvas:
    """The canvas of a film."""
    return make_canvas(
        film.image,
        film.anatomy,
        film.unit,
        spacing=film.spacing,
        position=film.position,
        integer=film.header.integer,
        earlier=film.earlier,
    )


def _earlier(edits: Sequence[Earlier], factor: int) -> dict[str, np.ndarray]:
    """Lesions of earlier insertions by finding, on the working grid."""
    found: dict[str, np.ndarray] = {}
    for edit in edits:
        if edit.operation == "insert":
            lesion = edit.lesion[::factor, ::factor].cpu().numpy()
            found[edit.finding] = found.get(edit.finding, np.zeros_like(lesion)) | lesion
    return found


def _mirrored(masks: np.ndarray) -> bool:
    right, left = (np.flatnonzero(mask.any(0)) for mask in masks[:2])
    return bool(len(right) and len(left) and right.mean() > left.mean())


def shrink(array: torch.Tensor, factor: int) -> torch.Tensor:
    """Block means; a border that does not fill a block is averaged over what there is."""
    if factor == 1:
        return array
    return functional.avg_pool2d(array[None, None], factor, ceil_mode=True, count_include_pad=False)[0, 0]


def enlarge(field: np.ndarray, box: Box, factor: int, device: torch.device) -> torch.Tensor:
    """Working-grid field over the native crop ``box``, bilinear, registered with :func:`shrink`."""
    if factor == 1:
        return torch.from_numpy(np.ascontiguousarray(field[box.slices], dtype=np.float32)).to(device)
    y0, x0 = max(box.y0 // factor - 1, 0), max(box.x0 // factor - 1, 0)
    y1, x1 = -(-box.y1 // factor) + 1, -(-box.x1 // factor) + 1
    tile = torch.from_numpy(np.ascontiguousarray(field[y0:y1, x0:x1], dtype=np.float32)).to(device)
    fine = functional.interpolate(tile[None, None], scale_factor=factor, mode="bilinear", align_corners=False)[0, 0]
    return fine[box.y0 - y0 * factor : box.y1 - y0 * factor, box.x0 - x0 * factor : box.x1 - x0 * factor]


def native_box(mask: np.ndarray, factor: int, shape: torch.Size) -> Box:
    """Smallest native crop that covers a working-grid mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        raise CannotEdit("nothing is left to change where the edit was asked for")
    return Box(
        int(rows[0]) * factor,
        int(columns[0]) * factor,
        min((int(rows[-1]) + 1) * factor, shape[0]),
        min((int(columns[-1]) + 1) * factor, shape[1]),
    )


def smoothstep(x: np.ndarray) -> np.ndarray:
    """Cubic ramp from 0 at x <= 0 to 1 at x >= 1 with zero slope at both ends."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def around(mask: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Rows and columns of a mask and of a margin beside it; what is far from it need not be computed.

    Example:
        >>> around(np.eye(9, dtype=bool) & (np.arange(9) > 6), 1)
        (slice(6, 9, None), slice(6, 9, None))
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    (y0, y1), (x0, x1) = ((max(int(p[0]) - margin, 0), int(p[-1]) + margin + 1) for p in (rows, columns))
    return slice(y0, min(y1, mask.shape[0])), slice(x0, min(x1, mask.shape[1]))


def feather(mask: np.ndarray, width: float) -> np.ndarray:
    """Ramp inside ``mask``: 0 on its outermost pixels, 1 from ``width`` pixels inward."""
    ramp, window = np.zeros(mask.shape), around(mask, 0)
    if mask.any():
        depth = ndi.distance_transform_edt(np.pad(mask[window], 1))[1:-1, 1:-1]
        ramp[window] = smoothstep((depth - 1.0) / max(width, 1e-3))
    return ramp


def smooth_noise(shape: tuple[int, ...], sigma: float, generator: torch.Generator) -> np.ndarray:
    """Gaussian-correlated noise, zero mean and unit variance; sigma in pixels."""
    step = max(1, int(sigma / 4))
    coarse = [n // step + 8 for n in shape]
    noise = ndi.gaussian_filter(torch.randn(coarse, generator=generator).numpy(), sigma / step, mode="wrap")
    if step > 1:
        size = [n * step for n in coarse]
        fine = functional.interpolate(torch.from_numpy(noise)[None, None], size, mode="bilinear", align_corners=True)
        noise = fine[0, 0].numpy()
    noise = noise[tuple(slice(0, n) for n in shape)]
    return (noise - noise.mean()) / (noise.std() + 1e-6)


def thin_and_dense(canvas: Canvas) -> np.ndarray:
    """(h, w) contrast units by which tubes and wires exceed their surroundings.

    Narrower than 4 mm, at least ``DEVICE_MM`` long, and standing out from what lies beside them by more than ``DEVICE``
    and by more than the film's own vessels and grain do; these count 0.
    """
    return canvas.once("thin and dense", lambda: _thin_and_dense(canvas))


def _thin_and_dense(canvas: Canvas) -> np.ndarray:
    size = 2 * max(1, round(2.0 * canvas.feature)) + 1
    narrow = ndi.white_tophat(canvas.u, size=(size, size))
    own = float(np.median(narrow[canvas.anatomy[:2].any(0)])) if canvas.anatomy[:2].any() else 0.0
    excess = np.clip(narrow - max(DEVICE, OWN_DETAIL * own), 0.0, None)
    labels, _ = ndi.label(excess > 0, structure=np.ones((3, 3)))
    long = [
        np.hypot(*(s.stop - s.start for s in box)) >= DEVICE_MM * canvas.feature for box in ndi.find_objects(labels)
    ]
    return excess * np.array([False, *long])[labels]


def uniform(low: float, high: float, generator: torch.Generator) -> float:
    """One draw from U(low, high)."""
    return low + (high - low) * float(torch.rand((), generator=generator))
