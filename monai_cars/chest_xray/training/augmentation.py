"""Augmentation of a batch of films and their masks, in torch, cheap enough for two cores.

Everything a strange film brings: rotation, scale, shear, soft warping, crops, inversion, processing of other vendors,
markers, tubes, collimation and opacities that hide a lung (which is still lung).
"""

import math

import torch
from torch.nn import functional


def uniform(n: int, low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    """`n` draws from U(low, high), shaped `(n, 1, 1, 1)` to broadcast over a batch."""
    return low + (high - low) * torch.rand(n, 1, 1, 1, generator=generator, device=generator.device)


def chance(n: int, prob: float, generator: torch.Generator) -> torch.Tensor:
    """`n` coin flips of probability `prob` as 0.0 or 1.0, shaped `(n, 1, 1, 1)`."""
    return (torch.rand(n, 1, 1, 1, generator=generator, device=generator.device) < prob).float()


def random_grid(
    n: int, size: int, generator: torch.Generator, *, flip_prob: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sampling grid `(n, size, size, 2)` of a random similarity, shear, shift and soft warp; and -1 where mirrored."""
    angle = uniform(n, -1, 1, generator) * math.radians(27)
    zoom = 1 / uniform(n, math.log(0.58), math.log(1.35), generator).exp()
    aspect = uniform(n, -0.15, 0.15, generator).exp()
    shear = uniform(n, -0.15, 0.15, generator)
    still = chance(n, 0.3, generator)  # some films as they are: the upright film is the common case
    angle, shear = angle * (1 - still), shear * (1 - still)
    zoom = zoom * (1 - still) + still
    mirror = 1 - 2 * chance(n, flip_prob, generator)
    cos, sin = angle.cos(), angle.sin()
    shift = torch.cat([uniform(n, -0.22, 0.22, generator), uniform(n, -0.22, 0.22, generator)], 1) * (1 - 0.7 * still)
    rows = [
        torch.cat([cos * zoom * aspect * mirror, (shear - sin) * zoom, shift[:, :1]], 3),
        torch.cat([sin * zoom * mirror, cos * zoom / aspect, shift[:, 1:]], 3),
    ]
    grid = functional.affine_grid(torch.cat(rows, 2)[:, 0], [n, 1, size, size], align_corners=False)
    warp = torch.randn(n, 2, 5, 5, generator=generator, device=generator.device) * uniform(n, 0, 0.035, generator)
    smooth = functional.interpolate(warp, size=(size, size), mode="bicubic", align_corners=True)
    return grid + smooth.permute(0, 2, 3, 1), mirror


def blur(x: torch.Tensor, width: int) -> torch.Tensor:
    """Two box filters of odd `width`: close to a Gaussian, and cheap."""
    for _ in range(2):
        x = functional.avg_pool2d(x, width, 1, width // 2, count_include_pad=False)
    return x


def broad(x: torch.Tensor, cells: int) -> torch.Tensor:
    """Mean over large neighbourhoods: a grid of `cells` x `cells` means, smoothed and interpolated back."""
    small = functional.adaptive_avg_pool2d(x, cells)
    return functional.interpolate(blur(small, 3), size=x.shape[-2:], mode="bilinear", align_corners=False)


def opacify(image: torch.Tensor, masks: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Hide parts of the lungs behind soft bright fields, half of them confined to one lung."""
    n, _, height, width = image.shape
    ys = torch.linspace(0, 1, height, device=image.device)[None, None, :, None]
    xs = torch.linspace(0, 1, width, device=image.device)[None, None, None, :]
    for side in (0, 1):
        lung = blur(masks[:, side : side + 1].float(), 7)
        box = lung.amax(2, keepdim=True), lung.amax(3, keepdim=True)
        cx = (box[0] * xs).sum(3, keepdim=True) / box[0].sum(3, keepdim=True).clamp(min=1)
        cy = (box[1] * ys).sum(2, keepdim=True) / box[1].sum(2, keepdim=True).clamp(min=1)
        cx = cx + uniform(n, -0.12, 0.12, generator)
        cy = cy + uniform(n, -0.2, 0.3, generator)
        rx, ry = uniform(n, 0.05, 0.3, generator), uniform(n, 0.05, 0.45, generator)
        field = torch.sigmoid((1 - ((xs - cx) / rx) ** 2 - ((ys - cy) / ry) ** 2) * uniform(n, 1, 8, generator))
        inside = chance(n, 0.6, generator)
        texture = functional.interpolate(
            torch.randn(n, 1, 9, 9, generator=generator, device=generator.device), size=(height, width), mode="bilinear"
        )
        alpha = field * (inside * lung + 1 - inside) * uniform(n, 0.3, 1, generator) * chance(n, 0.2, generator)
        level = uniform(n, 0.5, 0.95, generator) + 0.06 * texture
        image = image + alpha * (level - image).clamp(min=0)
    return image


def clutter(image: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Tubes and wires (arcs), markers and edges (bars), collimation."""
    n, _, height, width = image.shape
    ys = torch.linspace(-1, 1, height, device=image.device)[None, None, :, None]
    xs = torch.linspace(-1, 1, width, device=image.device)[None, None, None, :]
    for _ in range(3):
        radius = uniform(n, 0.3, 3, generator)
        turn = uniform(n, 0, 2 * math.pi, generator)
        x0 = uniform(n, -0.6, 0.6, generator) + radius * turn.cos()
        y0 = uniform(n, -0.6, 0.6, generator) + radius * turn.sin()
        line = (((xs - x0) ** 2 + (ys - y0) ** 2).sqrt() - radius).abs() < uniform(n, 0.004, 0.012, generator)
        part = torch.sigmoid(12 * (xs * turn.sin() - ys * turn.cos() + uniform(n, -0.6, 0.6, generator)))
        strength = uniform(n, 0.05, 0.35, generator) * chance(n, 0.3, generator)
        image = image + strength * line * part
    for _ in range(2):
        y, x = uniform(n, -1, 1, generator), uniform(n, -1, 1, generator)
        bar = ((ys - y).abs() < uniform(n, 0.02, 0.12, generator)) & (
            (xs - x).abs() < uniform(n, 0.02, 0.15, generator)
        )
        alpha = bar * chance(n, 0.25, generator)
        image = image * (1 - alpha) + alpha * chance(n, 0.7, generator)
    tilt = uniform(n, -0.2, 0.2, generator)
    u, v = xs + tilt * ys, ys - tilt * xs
    edges = [uniform(n, 0.75, 1.3, generator) for _ in range(4)]
    outside = ((u > edges[0]) | (u < -edges[1]) | (v > edges[2]) | (v < -edges[3])) * chance(n, 0.25, generator)
    return image * (1 - outside) + outside * chance(n, 0.2, generator)


def tone(image: torch.Tensor, generator: torch.Generator, *, negative_prob: float) -> torch.Tensor:
    """Gamma, local contrast, blur, noise, contrast and inversion; values stay about [0, 1]."""
    n = image.shape[0]
    image = image.clamp(0, 1) ** uniform(n, -0.7, 0.7, generator).exp()
    local = image - broad(image, 24)
    equalised = 0.5 + local / (3 * broad(local.abs(), 10) + 0.02) * 0.35
    alpha = uniform(n, 0, 0.8, generator) * chance(n, 0.35, generator)
    image = image * (1 - alpha) + alpha * equalised
    soft = chance(n, 0.2, generator)
    image = image * (1 - soft) + soft * blur(image, 3)
    image = (
        image
        + torch.randn(image.shape, generator=generator, device=generator.device) * uniform(n, 0, 0.08, generator) ** 1.5
    )
    shade = (
        uniform(n, -0.25, 0.25, generator)
        * torch.linspace(-1, 1, image.shape[2], device=image.device)[None, None, :, None]
    )
    image = image + shade * chance(n, 0.3, generator)
    negative = chance(n, negative_prob, generator)
    return image * (1 - negative) + negative * (1 - image)


def augment(
    images: torch.Tensor,
    masks: torch.Tensor,
    *,
    size: int,
    generator: torch.Generator,
    flip_prob: float = 0.3,
    negative_prob: float = 0.12,
) -> tuple[torch.Tensor, torch.Tensor]:
    """A random view of each film with its masks.

    A mirrored film keeps its channels by place: the lung on the left of the image stays in the first channel, because
    the network names lungs by place and `monai_cars.chest_xray.orientation` decides whether a film is mirrored.

    Args:
        images: `(N, 1, S, S)` in [0, 1].
        masks: `(N, 3, S, S)` in {0, 1}, ordered as `STRUCTURES`.
        size: side of the result in pixels.
        generator: source of all draws.
        flip_prob: probability of a mirror.
        negative_prob: probability of an inverted film.

    Returns:
        Images `(N, 1, size, size)`, not normalised, and masks `(N, 3, size, size)` in [0, 1].
    """
    n = images.shape[0]
    grid, mirror = random_grid(n, size, generator, flip_prob=flip_prob)
    both = torch.cat([images, masks.float()], 1)
    both = functional.grid_sample(both, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    image, mask = both[:, :1], both[:, 1:]
    swapped = torch.cat([mask[:, 1:2], mask[:, 0:1], mask[:, 2:]], 1)
    mask = torch.where(mirror < 0, swapped, mask)
    image = opacify(image, mask, generator)
    image = clutter(image, generator)
    return tone(image, generator, negative_prob=negative_prob), mask
