"""The teacher network: one encoder, a map of opacities, and findings pooled from both."""

from __future__ import annotations

from typing import NamedTuple

import torch
from monai.networks.blocks import Convolution, ResidualUnit
from torch.nn import functional

FINDINGS = (
    "opacity",
    "effusion",
    "atelectasis",
    "consolidation",
    "edema",
    "infiltration",
    "nodule or mass",
    "pneumothorax",
)
"""Outputs of the teacher, in their order."""
CHANNELS = (16, 32, 64, 96, 128)
IN_CHANNELS = 4  # film, right lung, left lung, heart
RARE = -3.0  # first logit of the map: most of a lung holds no opacity


class TeacherOutput(NamedTuple):
    """Logits of findings (N, V) and of the opacity map (N, 1, S / 4, S / 4)."""

    findings: torch.Tensor
    map: torch.Tensor


class TeacherNetwork(torch.nn.Module):
    """Findings of a film cropped to the lungs, and where its opacities are.

    The first finding, opacity, is judged by the map too: log-mean-exp of the map's logits over the lungs,

        pooled = log(sum(lung * exp(map)) / sum(lung)),

    which grows with both the certainty and the extent of what the map shows, so that boxes teach the classifier.

    Args:
        channels: of the encoder's stages; the first works at half the input's size, each next at half of that.
        findings: number of findings.
        width: channels of the decoder.
        dropout: before the findings.

    Example:
        >>> network = TeacherNetwork((4, 8, 8), findings=2, width=4).eval()
        >>> findings, where = network(torch.rand(1, 4, 32, 32))
        >>> findings.shape, where.shape
        (torch.Size([1, 2]), torch.Size([1, 1, 8, 8]))
    """

    def __init__(
        self,
        channels: tuple[int, ...] = CHANNELS,
        *,
        findings: int = len(FINDINGS),
        width: int = 48,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.stem = Convolution(2, IN_CHANNELS, channels[0], strides=2, norm="BATCH", act="LEAKYRELU")
        pairs = zip(channels[:1] + channels[:-1], channels, strict=True)
        self.stages = torch.nn.ModuleList(
            ResidualUnit(2, before, after, strides=2 if k else 1, norm="BATCH", act="LEAKYRELU")
            for k, (before, after) in enumerate(pairs)
        )
        self.laterals = torch.nn.ModuleList(torch.nn.Conv2d(count, width, 1) for count in channels[1:])
        self.smooth = Convolution(2, width, width, norm="BATCH", act="LEAKYRELU")
        self.where = torch.nn.Conv2d(width, 1, 1)
        self.what = torch.nn.Linear(2 * channels[-1] + width, findings)
        self.dropout = torch.nn.Dropout(dropout)
        self.from_map = torch.nn.Parameter(torch.ones(()))
        torch.nn.init.constant_(self.where.get_parameter("bias"), RARE)

    def forward(self, x: torch.Tensor) -> TeacherOutput:
        """Logits for input (N, 4, S, S) as `preprocessing.to_input` makes it."""
        levels = [self.stages[0](self.stem(x))]
        for stage in list(self.stages)[1:]:
            levels.append(stage(levels[-1]))
        fine = self._decoded(levels[1:])
        where = self.where(fine)
        lungs = functional.interpolate(x[:, 1:3].amax(1, keepdim=True), size=where.shape[-2:], mode="area")
        deep = levels[-1]
        seen = torch.cat([deep.mean((2, 3)), deep.amax((2, 3)), _mean_inside(fine, lungs)], 1)
        findings = self.what(self.dropout(seen))
        pooled = self.from_map * (pooled_map(where, lungs) - RARE)
        return TeacherOutput(torch.cat([findings[:, :1] + pooled, findings[:, 1:]], 1), where)

    def _decoded(self, levels: list[torch.Tensor]) -> torch.Tensor:
        laterals = list(self.laterals)
        found: torch.Tensor = laterals[-1](levels[-1])
        for level, lateral in zip(levels[-2::-1], laterals[-2::-1], strict=True):
            found = functional.interpolate(found, size=level.shape[-2:], mode="bilinear", align_corners=False)
            found = found + lateral(level)
        smooth: torch.Tensor = self.smooth(found)
        return smooth


def pooled_map(where: torch.Tensor, lungs: torch.Tensor) -> torch.Tensor:
    """Log-mean-exp (N, 1) of the map's logits (N, 1, h, w) over soft lung masks of the same shape.

    Example:
        >>> pooled_map(torch.full((1, 1, 2, 2), 3.0), torch.ones(1, 1, 2, 2)).item()
        3.0
    """
    weight = lungs.clamp(min=1e-6).log()
    return torch.logsumexp((where + weight).flatten(1), 1, keepdim=True) - torch.logsumexp(
        weight.flatten(1), 1, keepdim=True
    )


def _mean_inside(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (values * mask).sum((2, 3)) / mask.sum((2, 3)).clamp(min=1e-6)
