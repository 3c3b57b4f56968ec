"""From trained weights, and what was measured of them, to the files that a bundle ships."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def export_weights(state: dict[str, torch.Tensor], path: str | Path, *, bundle_model: str | Path | None = None) -> str:
    """Write weights in half precision as safetensors, and MONAI's plain state dict generated from them.

    Args:
        state: state dict; tensors only.
        path: the `.safetensors` file to write.
        bundle_model: the `model.pt` that MONAI's bundle tools read; None writes none.

    Returns:
        The SHA-256 of the safetensors file, to be pinned in the bundle's `configs/weights.json`.
    """
    half = {key: value.detach().half().contiguous() for key, value in state.items()}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    save_file(half, str(path))
    if bundle_model is not None:
        torch.save(load_file(str(path)), bundle_model)
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    print(f"{path}: sha256 {digest}")
    return digest


def write_stated(path: str | Path, figures: Mapping[str, object]) -> None:
    """Write figures of a teacher; "temperature" and "auroc" (`{finding: value}`) are what `teacher.stated` reads."""
    Path(path).write_text(json.dumps(figures, indent=4) + "\n", encoding="utf-8")
