"""Chest films on which nothing may be edited: turned between the axes, cut, shuffled, blurred, two in one.

What makes a film unusable is told by its lung masks: a view that keeps most of both lungs and stands within some
degrees of upright is a film like others, one that has lost a good part of a lung is not, and what lies between teaches
nothing about that question.
"""

import math

import torch
from torch.nn import functional

from monai_cars.chest_xray.training.augmentation import chance, uniform

UPRIGHT, TILTED = 16.0, 26.0  # degrees: up to the first a film is as good as upright, from the second on it is not
WHOLE, PARTIAL = 0.85, 0.65  # of each lung's area
BLUR = (2.2, 7.0)  # standard deviation in pixels of a side of 96
FILLS = ("zeros", "border")  # a reflected border would show a second chest


def view(
    films: torch.Tensor, masks: torch.Tensor, *, size: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A random view of each film: a third as they are, a third a little turned, shifted and scaled, the rest spoilt.

    Args:
        films: `(N, 1, S, S)`.
        masks: both lungs and more, `(N, C >= 2, S, S)` in [0, 1].
        size: side of the result.
        generator: source of all draws.

    Returns:
        The views `(N, 1, size, size)`, their masks, and `(N,)`: 1 usable, 0 unusable, -1 between the two.
    """
    n = len(films)
    grid, degrees, area = _grid(n, size, generator)
    fill = FILLS[int(torch.randint(len(FILLS), (), generator=generator, device=generator.device))]
    seen = functional.grid_sample(films, grid, padding_mode=fill, align_corners=False)
    now = functional.grid_sample(masks, grid, align_corners=False)
    # The grid shows `area` of the film's area: a lung that is wholly seen takes its share divided by that.
    before = masks[:, :2].mean((2, 3)).clamp(min=1e-3)
    kept = (now[:, :2].mean((2, 3)) * area[:, None] / before).amin(1)
    usable = torch.full((n,), -1, device=films.device)
    usable[(degrees <= UPRIGHT) & (kept >= WHOLE)] = 1
    usable[(degrees >= TILTED) | (kept <= PARTIAL)] = 0
    return seen, now, usable


def _grid(n: int, size: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sampling grid `(n, size, size, 2)`, the angle from upright in degrees and the share of the film's area seen."""
    kind = torch.rand(n, 1, 1, 1, generator=generator, device=generator.device)
    still, turned, cut = kind < 0.3, kind > 0.75, (kind > 0.55) & (kind <= 0.75)
    sign = 1 - 2 * chance(n, 0.5, generator)
    small = uniform(n, -UPRIGHT, UPRIGHT, generator)
    angle = torch.where(turned, sign * uniform(n, TILTED, 45, generator), small)
    angle = torch.where(still, torch.zeros_like(angle), angle)
    scale = 1 / uniform(n, math.log(0.6), math.log(1.2), generator).exp()
    aspect = uniform(n, -0.15, 0.15, generator).exp()
    wide = torch.where(cut, uniform(n, 0.3, 0.95, generator), scale * aspect)
    high = torch.where(cut, uniform(n, 0.3, 0.95, generator), scale / aspect)
    wide, high = (torch.where(still, torch.ones_like(side), side) for side in (wide, high))
    room = torch.cat([wide, high], 1)
    loose = torch.where(cut, (1 - room[:, :, 0:1]).clamp(min=0), torch.full_like(room, 0.2))
    shift = loose * (2 * torch.rand(n, 2, 1, 1, generator=generator, device=generator.device) - 1)
    shift = torch.where(still, 0.3 * shift, shift)
    radians = angle * math.pi / 180
    cos, sin = radians.cos(), radians.sin()
    rows = [
        torch.cat([cos * wide, -sin * high, shift[:, :1]], 3),
        torch.cat([sin * wide, cos * high, shift[:, 1:]], 3),
    ]
    grid = functional.affine_grid(torch.cat(rows, 2)[:, 0], [n, 1, size, size], align_corners=False)
    return grid, angle.abs().flatten(), (wide * high).flatten()


def shuffled(films: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Films `(N, 1, S, S)` cut into 2 x 2 to 5 x 5 tiles that have changed their places; one of them may be turned."""
    n, _, side, _ = films.shape
    tiles = int(torch.randint(2, 6, (), generator=generator, device=generator.device))
    step = math.ceil(side / tiles)
    whole = functional.interpolate(films, size=(tiles * step, tiles * step), mode="bilinear", align_corners=False)
    cut = whole.reshape(n, tiles, step, tiles, step).permute(0, 1, 3, 2, 4).reshape(n, tiles**2, step, step)
    order = torch.rand(n, tiles**2, generator=generator, device=generator.device).argsort(1)
    # A permutation near the given one would be a film like others: the first tile always leaves its place.
    order = torch.where((order[:, :1] == 0), order.roll(1, 1), order)
    cut = torch.gather(cut, 1, order[:, :, None, None].expand_as(cut))
    back = cut.reshape(n, tiles, tiles, step, step).permute(0, 1, 3, 2, 4).reshape(n, 1, tiles * step, tiles * step)
    return functional.interpolate(back, size=(side, side), mode="bilinear", align_corners=False)


def blurred(films: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Films `(N, 1, S, S)` of which only the coarsest is left: one Gaussian for all of `BLUR` pixels."""
    low, high = (math.log(width * films.shape[-1] / 96) for width in BLUR)
    width = math.exp(low + (high - low) * float(torch.rand((), generator=generator, device=generator.device)))
    reach = min(math.ceil(3 * width), films.shape[-1] - 1)
    steps = torch.arange(-reach, reach + 1, device=films.device)
    weights = torch.exp(-0.5 * (steps / width) ** 2)
    weights = weights / weights.sum()
    padded = functional.pad(films, (reach, reach, reach, reach), mode="replicate")
    rows = functional.conv2d(padded, weights[None, None, :, None])
    return functional.conv2d(rows, weights[None, None, None, :])


def doubled(films: torch.Tensor, others: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Two films `(N, 1, S, S)` in one picture, side by side or one above the other, with or without a gap."""
    side = films.shape[-1]
    gap = int(torch.randint(0, side // 12, (), generator=generator, device=generator.device))
    half = (side - gap) // 2
    across = bool(torch.rand((), generator=generator, device=generator.device) < 0.7)
    size = (side, half) if across else (half, side)
    pair = [functional.interpolate(x, size=size, mode="bilinear", align_corners=False) for x in (films, others)]
    empty = torch.zeros(len(films), 1, *((side, side - 2 * half) if across else (side - 2 * half, side)))
    return torch.cat([pair[0], empty.to(films.device), pair[1]], 3 if across else 2)
