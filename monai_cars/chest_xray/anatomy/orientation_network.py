"""A small network that tells how a frontal chest film lies in its array, or that it is something else."""

from itertools import pairwise

import torch
from torch import nn

from monai_cars.chest_xray.anatomy.network import to_input
from monai_cars.edits.axes import ORDERS, compose_orders, orient

INPUT_SIZE = 96
NOT_FRONTAL = 2 * len(ORDERS)
CLASSES = NOT_FRONTAL + 1


def orientation_network(width: int = 24) -> nn.Module:
    """The classifier: `(N, 1, 96, 96)` normalised films to `(N, 17)` logits.

    Example:
        >>> orientation_network(8)(torch.zeros(2, 1, 96, 96)).shape
        torch.Size([2, 17])
    """
    layers: list[nn.Module] = []
    channels = [1, width, 2 * width, 3 * width, 4 * width]
    for before, after in pairwise(channels):
        layers += [nn.Conv2d(before, after, 3, 2, 1), nn.GroupNorm(8, after), nn.ReLU()]
        layers += [nn.Conv2d(after, after, 3, 1, 1), nn.GroupNorm(8, after), nn.ReLU()] if before > 1 else []
    cells = (INPUT_SIZE // 2**4) ** 2
    return nn.Sequential(
        *layers, nn.Conv2d(channels[-1], 24, 1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(24 * cells, CLASSES)
    )


@torch.no_grad()
def class_log_probabilities(network: nn.Module, image: torch.Tensor) -> torch.Tensor:
    """Log-probabilities `(17,)` of the classes, the mean over the eight ways of laying the film down.

    Args:
        network: from `orientation_network`, in evaluation mode.
        image: `(1, H, W)`.
    """
    small = to_input(image, INPUT_SIZE)
    views = torch.cat([orient(small, order) for order in range(8)])
    said = network(views).log_softmax(1)
    total = torch.zeros(CLASSES)
    for view in range(8):
        for order in range(8):
            seen = compose_orders(order, view)
            total[2 * order : 2 * order + 2] += said[view, 2 * seen : 2 * seen + 2]
        total[NOT_FRONTAL] += said[view, NOT_FRONTAL]
    return (total / 8).log_softmax(0)
