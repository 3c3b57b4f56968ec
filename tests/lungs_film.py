"""One film on which every check can be tried: aerated lung with ribs' worth of grain, dense outside."""

import pytest
import torch

SHAPE = (160, 200)


@pytest.fixture
def lungs() -> torch.Tensor:
    """(3, H, W) uint8: two fields 60 columns wide, a heart between and over them."""
    masks = torch.zeros(3, *SHAPE, dtype=torch.uint8)
    masks[0, 10:150, 20:80] = masks[1, 10:150, 120:180] = 1
    masks[2, 90:150, 60:150] = 1
    return masks


@pytest.fixture
def film(lungs) -> torch.Tensor:
    """(1, H, W) in contrast units of 100: lung 0, all else 100, grain of 3."""
    free = (lungs[:2].amax(0) > 0) & (lungs[2] == 0)
    grain = 3 * torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    return torch.where(free, grain, 100 + grain)[None]
