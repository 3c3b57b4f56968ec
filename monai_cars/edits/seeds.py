"""Seeds of single draws: they depend on what is drawn for, and on nothing else."""

from __future__ import annotations

import hashlib

import torch


def film_seed(seed: int, sha256: str, finding: str, attempt: int) -> int:
    """63-bit seed of one attempt: SHA-256 over what identifies it, so that neither workers nor order matter.

    Example:
        >>> film_seed(7, "ab", "effusion", 0) == film_seed(7, "ab", "effusion", 0) != film_seed(7, "ab", "effusion", 1)
        True
    """
    text = f"{seed}|{sha256}|{finding}|{attempt}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def seeded(seed: int, sha256: str, purpose: str, attempt: int = 0) -> torch.Generator:
    """The source of all draws for one purpose on one film."""
    return torch.Generator().manual_seed(film_seed(seed, sha256, purpose, attempt))
