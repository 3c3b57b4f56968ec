"""Load a pipeline once a process: pinned, safetensors only, no code from the Hub."""

from __future__ import annotations

import hashlib
import importlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from monai_cars.networks.device import usable_device

PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")


class PipelineError(RuntimeError):
    """A pipeline that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class PipelineSource:
    """Where a pipeline comes from and how it is to run; pickles small and can be hashed.

    Args:
        weights: "owner/repo@commit" on the Hub, or a folder in diffusers' layout.
        pipeline: class of diffusers.
        device: where it runs.
        dtype: "float32", "float16" or "bfloat16"; None is half precision on CUDA, else single.
        offload: let diffusers move parts to the CPU while they idle; needs CUDA and accelerate.

    Raises:
        PipelineError: `weights` is neither a folder nor pinned to a commit.
    """

    weights: str
    pipeline: str
    device: str = "cpu"
    dtype: str | None = None
    offload: bool = False

    def __post_init__(self) -> None:
        if not (PINNED.fullmatch(self.weights) or Path(self.weights).is_dir()):
            raise PipelineError(
                "weights must be 'owner/repo@commit' with the commit's 40 hexadecimal digits, or a folder in "
                f"diffusers' layout that exists (got {self.weights!r}); branches can be moved"
            )

    @property
    def torch_dtype(self) -> torch.dtype:
        """The precision that it runs in."""
        name = self.dtype or ("float16" if self.device.startswith("cuda") else "float32")
        return getattr(torch, name)


def optional(name: str) -> Any:
    """A module of the extra `diffusers`.

    Raises:
        PipelineError: it is not installed.

    Example:
        >>> optional("no_such_module")
        Traceback (most recent call last):
        monai_cars.editors.diffusion.pipelines.PipelineError: this editor needs no_such_module; install ...
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise PipelineError(
            f"this editor needs {name}; install it with: pip install 'monai-cars[diffusers]'"
        ) from error


@lru_cache(maxsize=1)
def load_pipeline(source: PipelineSource) -> Any:
    """The pipeline of this process; one is held, since two large ones fill a GPU.

    Raises:
        PipelineError: a package, a file or access is missing, or there are no safetensors.
        ValueError: there is no such device here.
    """
    usable_device(source.device)
    diffusers = optional("diffusers")
    optional("transformers")
    location, _, revision = source.weights.partition("@")
    if Path(source.weights).is_dir():
        location, revision = source.weights, ""
    options = {"revision": revision} if revision else {}
    try:
        pipeline = getattr(diffusers, source.pipeline).from_pretrained(
            location, dtype=source.torch_dtype, use_safetensors=True, trust_remote_code=False, **options
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise PipelineError(
            f"{source.weights!r} could not be loaded as {source.pipeline}: {reason}; a gated repository needs its "
            "terms accepted and HF_TOKEN, a repository without safetensors is not read"
        ) from error
    if getattr(pipeline, "safety_checker", None) is not None:
        pipeline.safety_checker = None  # trained on photographs; it blacks out radiographs
    if source.offload:
        pipeline.enable_model_cpu_offload(device=source.device)
        return pipeline
    return pipeline.to(source.device)


@lru_cache(maxsize=8)
def identity(weights: str) -> str:
    """What the record says of weights: the pinned commit, or the SHA-256 over a folder's safetensors."""
    folder = Path(weights)
    if not folder.is_dir():
        return weights
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"{folder.name} sha256:{digest.hexdigest()}"
