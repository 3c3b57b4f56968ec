"""What the anatomy network sees and says: normalised input, architecture, logits."""

import numpy as np
import torch
from monai.networks.nets import UNet
from torch.nn import functional

INPUT_SIZE = 256


def normalise(image: torch.Tensor) -> torch.Tensor:
    """Zero mean and unit spread between robust percentiles, film by film: free of any affine intensity scale.

    `(x - P50) / (P98 - P2)`, clipped to [-2, 2]; a constant film becomes zero.

    Args:
        image: `(N, 1, H, W)`, any positive affine scale.

    Returns:
        `(N, 1, H, W)`, dimensionless.

    Example:
        >>> x = torch.rand(1, 1, 8, 8)
        >>> torch.allclose(normalise(x), normalise(50 * x - 7), atol=1e-4)
        True
    """
    flat = image.flatten(1).float()
    low, middle, high = _quantiles(flat, (0.02, 0.5, 0.98))[..., None]
    spread = (high - low).clamp(min=torch.finfo(torch.float32).tiny)
    return ((flat - middle) / spread).clamp(-2, 2).reshape(image.shape)


def _quantiles(flat: torch.Tensor, shares: tuple[float, ...]) -> torch.Tensor:
    """`torch.quantile` along rows (N, P), (shares, N): on a CPU NumPy sorts ten times as fast."""
    if flat.device.type != "cpu" or flat.requires_grad or not flat.shape[1]:
        return torch.quantile(flat, torch.tensor(shares, dtype=flat.dtype, device=flat.device), dim=1)
    ranks = torch.tensor(shares, dtype=torch.float32) * (flat.shape[1] - 1)
    ordered = torch.from_numpy(np.sort(flat.numpy(), axis=1)).T
    below = ranks.floor()
    # A film with not-a-number has no quantiles; sorted, it comes last.
    found = torch.lerp(ordered[below.long()], ordered[ranks.ceil().long()], (ranks - below)[:, None])
    return torch.where(ordered[-1].isnan(), ordered[-1], found)


def to_input(image: torch.Tensor, size: int = INPUT_SIZE) -> torch.Tensor:
    """A film `(1, H, W)` of any size as the network's normalised input `(1, 1, size, size)`.

    The aspect ratio is not kept: training stretches films too, so that no pixel is spent on padding.
    """
    if image.shape[-2] * image.shape[-1] > (3 * size) ** 2:  # exact area averaging is slow on large films
        image = image[..., :: image.shape[-2] // (2 * size) or 1, :: image.shape[-1] // (2 * size) or 1]
    small = functional.interpolate(
        image[None].float(), size=(size, size), mode="bilinear", antialias=True, align_corners=False
    )
    return normalise(small)


def anatomy_network(channels: tuple[int, ...] = (24, 48, 96, 160, 224, 256)) -> torch.nn.Module:
    """The U-Net of the anatomy segmenter: one input channel, one logit a structure.

    Example:
        >>> anatomy_network((4, 8))(torch.zeros(1, 1, 16, 16)).shape
        torch.Size([1, 3, 16, 16])
    """
    return UNet(
        spatial_dims=2,
        in_channels=1,
        out_channels=3,
        channels=channels,
        strides=(2,) * (len(channels) - 1),
        num_res_units=2,
        norm="INSTANCE",
    )
