"""Models that put films and words into one space: CLIP's kind, trained on films and their reports."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch.nn import functional

from monai_cars.edits.edit import Box
from monai_cars.networks.threads import one_thread
from monai_cars.teachers.contract import TeacherError

PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")
WINDOW = (0.005, 0.995)  # quantiles of the film that become 0 and 1
SAMPLES = 1_000_000  # pixels that quantiles are taken of
# Mean and spread of CLIP's training images, where a model's folder states none (Radford et al., ICML 2021).
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@runtime_checkable
class DualEncoder(Protocol):
    """Puts films and sentences into one space; as an embedder it serves banks and identity too."""

    @property
    def name(self) -> str:
        """For the record."""
        ...

    @property
    def data(self) -> frozenset[str]:
        """What it was trained on."""
        ...

    @property
    def temperature(self) -> float:
        """What cosines are divided by to become logits."""
        ...

    def __call__(self, film: torch.Tensor, anatomy: torch.Tensor, box: Box | None = None) -> torch.Tensor:
        """(D,) float32 of the film, or of a box of it."""
        ...

    def texts(self, sentences: Sequence[str]) -> torch.Tensor:
        """(N, D) float32."""
        ...


@dataclass(frozen=True)
class CallableDualEncoder:
    """A dual encoder made of two callables.

    BioViL-T itself is one: its image network is no transformers model and its repository runs code of its own, which
    this library does not; load it with Microsoft's `hi-ml-multimodal` and hand over its two inference engines.

    Args:
        name: for the record.
        image: (1, h, w) film or crop, bright = dense, any affine scale -> (D,).
        text: sentences -> (N, D).
        temperature: what cosines are divided by.
        data: what it was trained on, as "set" or "set:part".

    Example:
        >>> encoder = CallableDualEncoder("flat", lambda film: film.mean().expand(2), lambda texts: torch.ones(1, 2))
        >>> encoder(torch.ones(1, 4, 4), torch.ones(3, 4, 4))
        tensor([1., 1.])
    """

    name: str
    image: Callable[[torch.Tensor], torch.Tensor]
    text: Callable[[Sequence[str]], torch.Tensor]
    temperature: float = 0.07
    data: frozenset[str] = frozenset()

    def __call__(self, film: torch.Tensor, anatomy: torch.Tensor, box: Box | None = None) -> torch.Tensor:
        """See :class:`DualEncoder`."""
        with torch.no_grad():
            return self.image(film if box is None else film[(slice(None), *box.slices)]).flatten().float()

    def texts(self, sentences: Sequence[str]) -> torch.Tensor:
        """See :class:`DualEncoder`."""
        with torch.no_grad():
            return self.text(list(sentences)).float()


@dataclass(frozen=True)
class HubDualEncoder:
    """A dual encoder in transformers' layout: CLIP, SigLIP or VisionTextDualEncoder, safetensors, no code of the Hub.

    The film's 0.5 to 99.5 percentiles become 0 to 1; it is padded to a square, not cropped, since a cropped film may
    have lost a finding at its border. The object holds names, never weights.

    Args:
        weights: "owner/repo@commit" with the commit's 40 hexadecimal digits, or a folder.
        device: where it runs.
        data: what it was trained on, as "set" or "set:part"; nobody else can know.

    Raises:
        TeacherError: weights that are neither pinned nor a folder; in use, a package or a file is missing.
    """

    weights: str
    device: str = "cpu"
    data: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not (PINNED.fullmatch(self.weights) or Path(self.weights).is_dir()):
            raise TeacherError(
                "weights of a text-image model must be 'owner/repo@commit' with the commit's 40 hexadecimal digits, or "
                f"a folder that exists (got {self.weights!r}); branches can be moved"
            )

    @property
    def name(self) -> str:
        """The pinned commit, or the folder and the beginning of the SHA-256 over its weights."""
        return f"{Path(self.weights).name} sha256:{self.sha256[:12]}" if self.sha256 else self.weights

    @property
    def sha256(self) -> str:
        """Over the safetensors of a folder; empty for a pinned commit, which says as much."""
        folder = Path(self.weights)
        return _digest(folder) if folder.is_dir() else ""

    @property
    def temperature(self) -> float:
        """The trained one."""
        return float(1.0 / _load(self.weights, self.device)[0].logit_scale.detach().exp())

    def __call__(self, film: torch.Tensor, anatomy: torch.Tensor, box: Box | None = None) -> torch.Tensor:
        """See :class:`DualEncoder`."""
        model, _, mean, std = _load(self.weights, self.device)
        crop = film if box is None else film[(slice(None), *box.slices)]
        pixels = (square(crop, model.config.vision_config.image_size) - mean) / std
        with torch.no_grad(), one_thread():
            return _pooled(model.get_image_features(pixel_values=pixels[None].to(self.device)))[0].float().cpu()

    def texts(self, sentences: Sequence[str]) -> torch.Tensor:
        """See :class:`DualEncoder`."""
        model, tokenizer, _, _ = _load(self.weights, self.device)
        tokens = tokenizer(list(sentences), padding=True, truncation=True, return_tensors="pt").to(self.device)
        with torch.no_grad(), one_thread():
            return _pooled(model.get_text_features(**tokens)).float().cpu()


def square(film: torch.Tensor, size: int) -> torch.Tensor:
    """(3, size, size) of a film (1, H, W): windowed to [0, 1], padded with black, three equal channels.

    Example:
        >>> square(torch.arange(8.0).reshape(1, 2, 4), 4)[0, 0]
        tensor([0., 0., 0., 0.])
    """
    image = (film.as_tensor() if hasattr(film, "as_tensor") else film)[:1].detach().cpu().float()
    flat = image.flatten()
    low, high = torch.quantile(flat[:: max(1, len(flat) // SAMPLES)], torch.tensor(WINDOW)).tolist()
    image = ((image - low) / max(high - low, 1e-12)).clamp(0.0, 1.0)
    height, width = image.shape[-2:]
    down, right = max(width - height, 0), max(height - width, 0)
    image = functional.pad(image, (right // 2, right - right // 2, down // 2, down - down // 2))
    small = functional.interpolate(image[None], size=(size, size), mode="bilinear", antialias=True)[0]
    return small.clamp(0.0, 1.0).expand(3, -1, -1)


@lru_cache(maxsize=2)
def _load(weights: str, device: str) -> tuple[Any, Any, torch.Tensor, torch.Tensor]:
    """Model, tokenizer, mean and spread (3, 1, 1) of its images."""
    transformers = _optional("transformers")
    location, _, revision = (weights, "", "") if Path(weights).is_dir() else weights.partition("@")
    options: dict[str, Any] = {"trust_remote_code": False, **({"revision": revision} if revision else {})}
    try:
        model = transformers.AutoModel.from_pretrained(location, use_safetensors=True, **options).eval().to(device)
        tokenizer = transformers.AutoTokenizer.from_pretrained(location, **options)
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise TeacherError(
            f"{weights!r} could not be loaded as a text-image model: {reason}; it needs a model of transformers, "
            "safetensors and a tokenizer; a gated repository needs its terms accepted and HF_TOKEN"
        ) from error
    if not all(hasattr(model, part) for part in ("get_image_features", "get_text_features", "logit_scale")):
        raise TeacherError(f"{weights!r} must be a dual encoder such as CLIP (got {type(model).__name__})")
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in _normalisation(transformers, location, revision))
    return model, tokenizer, mean, std


def _normalisation(transformers: Any, location: str, revision: str) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and spread that the model's preprocessor_config.json states, CLIP's where there is none."""
    cached = transformers.utils.cached_file
    options = {"revision": revision} if revision else {}
    path = cached(location, "preprocessor_config.json", _raise_exceptions_for_missing_entries=False, **options)
    told = json.loads(Path(path).read_text()) if path else {}
    return told.get("image_mean", MEAN), told.get("image_std", STD)


def _pooled(answer: Any) -> torch.Tensor:
    """Features of a dual encoder: a tensor, or from transformers 5 on the pooled output."""
    return answer if isinstance(answer, torch.Tensor) else answer.pooler_output


@lru_cache(maxsize=8)
def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TeacherError(
            f"a text-image model needs {name}; install it with: pip install 'monai-cars[diffusers]'"
        ) from error
