"""Models with torchxrayvision's interface as teachers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.nn.functional import interpolate

from monai_cars.networks.threads import one_thread
from monai_cars.teachers.contract import CallableTeacher, TeacherError

XRV_RANGE = 1024.0  # torchxrayvision films lie in [-1024, 1024]
XRV_PIXELS = 224
WINDOW = (0.005, 0.995)  # quantiles of a film that the range spans, so that one burnt-in marker does not decide it


def xrv_teacher(
    model: torch.nn.Module,
    *,
    name: str,
    data: frozenset[str],
    auroc: Mapping[str, float] | None = None,
    sha256: str = "",
    pixels: int = XRV_PIXELS,
) -> CallableTeacher:
    """A teacher made of a model with torchxrayvision's interface.

    Such a model has `pathologies`, a list of output names in which "" marks outputs that were not trained, and takes
    (N, 1, 224, 224) films in [-1024, 1024], bright = dense, center-cropped to a square. Its outputs are probabilities
    (its `apply_sigmoid`, or `op_threshs` that scale them); logits are refused when they leave [0, 1]. The interface was
    tried with a local module of the same one, not with the public weights.

    Args:
        model: with `pathologies`; put into evaluation mode.
        name: for the record, such as "densenet121-res224-chex".
        data: what its weights were trained on, as "set" or "set:part": "chexpert", "nih-chestxray14", ...
        auroc: out-of-fold AUROC by output, when known; without it the teacher decides nothing by itself.
        sha256: of its file of weights.
        pixels: width and height that it takes.

    Raises:
        TeacherError: a model without `pathologies`.

    Example:
        >>> class Mean(torch.nn.Module):
        ...     pathologies = ["Effusion", ""]
        ...     def forward(self, films):
        ...         return torch.stack([films.mean((1, 2, 3)) > 0, films.mean((1, 2, 3)) > 2], 1).float()
        >>> teacher = xrv_teacher(Mean(), name="mean", data=frozenset({"chexpert"}))
        >>> teacher.outputs
        ('Effusion',)
    """
    pathologies = [str(pathology) for pathology in getattr(model, "pathologies", ())]
    if not any(pathologies):
        raise TeacherError(f"the model of {name!r} must have pathologies, the names of its outputs, got {pathologies}")
    function = _Answers(model.eval(), tuple(pathologies), pixels)
    outputs = tuple(pathology for pathology in pathologies if pathology)
    return CallableTeacher(name, function, outputs, data, auroc or {}, sha256)


def xrv_input(film: torch.Tensor, pixels: int = XRV_PIXELS) -> torch.Tensor:
    """A film as torchxrayvision wants it: its middle square, resized, the window of the film to [-1024, 1024].

    Args:
        film: (1, H, W), bright = dense, any affine scale.
        pixels: width and height of the result.

    Returns:
        (1, 1, pixels, pixels) float32; a flat film is all zeros.

    Example:
        >>> ramp = torch.linspace(0, 1, 300).expand(1, 200, 300)
        >>> prepared = xrv_input(ramp)
        >>> prepared.shape, round(float(prepared.mean())) == 0
        (torch.Size([1, 1, 224, 224]), True)
    """
    height, width = film.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = film[None, :, top : top + side, left : left + side].float()
    small = interpolate(square, size=(pixels, pixels), mode="bilinear", align_corners=False, antialias=True)
    low, high = torch.quantile(small.flatten(), torch.tensor(WINDOW, device=small.device))
    if high <= low:
        return torch.zeros_like(small)
    return XRV_RANGE * (2 * ((small - low) / (high - low)).clamp(0, 1) - 1)


@dataclass(frozen=True)
class _Answers:
    """The model's function of one film; a class, so that it pickles with its teacher."""

    model: torch.nn.Module
    pathologies: tuple[str, ...]
    pixels: int

    def __call__(self, film: torch.Tensor, anatomy: torch.Tensor) -> dict[str, float]:
        seen = xrv_input(film, self.pixels).to(_device(self.model))
        with one_thread(), torch.inference_mode():
            answer = self.model(seen)[0].flatten().tolist()
        if len(answer) != len(self.pathologies):
            raise TeacherError(
                f"the model must answer each of its {len(self.pathologies)} pathologies, got {len(answer)} numbers"
            )
        return {name: value for name, value in zip(self.pathologies, answer, strict=True) if name}


def _device(model: torch.nn.Module) -> torch.device:
    return next((part.device for part in (*model.parameters(), *model.buffers())), torch.device("cpu"))
