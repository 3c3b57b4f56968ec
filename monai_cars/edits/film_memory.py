"""What depends on a film before its edit only, remembered for the attempts and epochs that edit it again."""

from __future__ import annotations

import hashlib
import os
import pickle
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

import numpy as np
import torch

MOST_BYTES = 64 * 2**20  # a process; some kilobytes a film, a tenth of a megabyte where cables cross it
Made = TypeVar("Made")


def film_key(image: torch.Tensor, anatomy: torch.Tensor) -> bytes:
    """Digest of a film's values and masks: the same film in another epoch or object has the same key.

    Example:
        >>> film, masks = torch.zeros(1, 4, 4), torch.zeros(3, 4, 4)
        >>> film_key(film, masks) == film_key(film.clone(), masks) != film_key(film + 1, masks)
        True
    """
    digest = hashlib.sha256(repr((tuple(image.shape), image.dtype, tuple(anatomy.shape))).encode())
    digest.update(np.ascontiguousarray(image.cpu().numpy()).data)
    digest.update(np.packbits(anatomy.cpu().numpy() > 0).data)
    return digest.digest()


class FilmMemory:
    """Least recently used values of films, compressed, within a number of bytes; safe among threads.

    Values are kept as bytes and handed out as copies: nobody can change what another one gets.

    Args:
        most_bytes: of all compressed values together.

    Example:
        >>> memory = FilmMemory()
        >>> memory.recall("film", lambda: [1, 2]), memory.recall("film", lambda: [3])
        ([1, 2], [1, 2])
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()
        # A worker that is forked while another thread holds the lock would wait for it for ever.
        os.register_at_fork(after_in_child=self._unlock) if hasattr(os, "register_at_fork") else None

    def recall(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What ``make`` returned for this key before, or returns now; two threads may make the same value twice."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
        if kept is not None:
            value: Made = pickle.loads(zlib.decompress(kept))
            return value
        made = make()
        self._keep(key, zlib.compress(pickle.dumps(made, protocol=5), 1))
        return made

    def forget(self) -> None:
        """Drop everything."""
        with self._lock:
            self._kept.clear()
            self.bytes = 0

    def _keep(self, key: Hashable, value: bytes) -> None:
        with self._lock:
            self.bytes += len(value) - len(self._kept.pop(key, b""))
            self._kept[key] = value
            while self.bytes > self.most_bytes:
                self.bytes -= len(self._kept.popitem(last=False)[1])

    def _unlock(self) -> None:
        self._lock = threading.Lock()


MEMORY = FilmMemory()
