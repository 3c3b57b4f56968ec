"""One seed a sample and epoch, so that random edits depend on neither workers, nor order, nor interruption."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import ConcatDataset, Dataset, Subset

from monai_cars.echo import echo

SEED_KEY = "sample_seed"
_current: ContextVar[int | None] = ContextVar("monai_cars_sample_seed", default=None)


def derive_seed(*parts: object) -> int:
    """A seed in [0, 2**63) from anything that prints the same everywhere: SHA-256 over the parts.

    Example:
        >>> derive_seed(7, "film.png", 0) == derive_seed(7, "film.png", 0) != derive_seed(7, "film.png", 1)
        True
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def current_sample_seed() -> int | None:
    """The seed of the sample that a `SampleSeedDataset` is preparing in this thread, None outside one."""
    return _current.get()


@contextmanager
def sample_seed(seed: int) -> Iterator[None]:
    """Within it `current_sample_seed()` is `seed`."""
    token = _current.set(seed)
    try:
        yield
    finally:
        _current.reset(token)


class SampleSeedDataset(Dataset[Any]):
    """Give every sample of a dataset its own seed, derived from `seed`, the epoch and the sample's identity.

    Wrap the outermost dataset, the one handed to the loader: `RandCounterfactuald(seed_key="sample_seed")` finds the
    seed while the wrapped dataset runs its transforms, so caches keep what they cached and random edits still change
    with the epoch. The sample also carries the seed under `seed_key`. The epoch lives in shared memory: `set_epoch`
    reaches persistent workers too.

    Args:
        dataset: map-style, with a dictionary a sample (MONAI's datasets, `ConcatDataset`, `Subset`, a list).
        seed: of the whole run.
        identity: None takes the index; a key of the sample's source (e.g. "image") takes the SHA-256 of the file it
            names, or of its value where it names none, so that neither the order nor the split of the list matters.
        seed_key: key to add.

    Raises:
        TypeError: a sample that is not a dictionary, or sources that cannot be reached for `identity`.
        KeyError: a source without the key `identity`.

    Example:
        >>> films = SampleSeedDataset([{"image": "a.png"}, {"image": "b.png"}], 7)
        >>> first = films[0]["sample_seed"]
        >>> films.set_epoch(1)
        >>> films[0]["sample_seed"] != first
        True
    """

    def __init__(self, dataset: Any, seed: int = 0, *, identity: str | None = None, seed_key: str = SEED_KEY) -> None:
        self.dataset = dataset
        self.seed = int(seed)
        self.identity = identity
        self.seed_key = seed_key
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()

    @property
    def epoch(self) -> int:
        """The epoch that seeds are derived from."""
        return int(self._epoch[0])

    def set_epoch(self, epoch: int) -> None:
        """Derive all seeds from `epoch` from now on; call it before iterating over the loader."""
        self._epoch[0] = int(epoch)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict[Any, Any]:
        index = range(len(self))[index]  # -1 and len - 1 are the same sample
        who = index if self.identity is None else _identity(_source(self.dataset, index), self.identity)
        seed = derive_seed(self.seed, self.epoch, who)
        with sample_seed(seed):
            sample = self.dataset[index]
        return self._with_seed(sample, seed)

    def _with_seed(self, sample: Any, seed: int) -> Any:
        # Transforms such as RandCropByPosNegLabeld turn one sample into a list of them.
        if isinstance(sample, list):
            return [self._with_seed(part, derive_seed(seed, number)) for number, part in enumerate(sample)]
        if not isinstance(sample, Mapping):
            raise TypeError(
                f"SampleSeedDataset needs a dictionary a sample to add {self.seed_key!r} to "
                f"(got {type(sample).__name__}); use dictionary transforms."
            )
        return {**sample, self.seed_key: seed}


def _source(dataset: Any, index: int) -> Any:
    """What a dataset's sample is made from, before any transform."""
    if isinstance(dataset, ConcatDataset):
        number = bisect_right(dataset.cumulative_sizes, index)
        before = dataset.cumulative_sizes[number - 1] if number else 0
        return _source(dataset.datasets[number], index - before)
    if isinstance(dataset, Subset):
        return _source(dataset.dataset, dataset.indices[index])
    if isinstance(dataset, Sequence):
        return dataset[index]
    if hasattr(dataset, "data"):
        return _source(dataset.data, index)
    raise TypeError(
        f"identity= needs the sources of the samples, and {type(dataset).__name__} has no `data` list; "
        "leave identity=None to seed by index."
    )


def _identity(source: Any, key: str) -> str:
    if not isinstance(source, Mapping) or key not in source:
        has = sorted(source) if isinstance(source, Mapping) else type(source).__name__
        raise KeyError(f"identity={echo(key)} names no entry of the source (it has {has}).")
    value = source[key]
    if isinstance(value, str | Path) and Path(value).is_file():
        return _file_hash(str(value), Path(value).stat().st_mtime_ns)
    return str(value)


@lru_cache(maxsize=100_000)
def _file_hash(path: str, modified_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
