"""One thread for what must give the same bytes whatever the number of threads.

What depends on that number, on one processor: sums and means of large torch tensors; and in BLAS and LAPACK dot
products, norms of long vectors, and the factors of a matrix (`scipy.linalg.cho_factor`, by which the density of hidden
lung is worked out). Matrix products, convolutions and resampling did not, where it was tried.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch, BLAS and LAPACK with one thread inside: sums in another order differ at 1e-6.

    Example:
        >>> with one_thread():
        ...     torch.get_num_threads()
        1
    """
    before = torch.get_num_threads()  # of the calling thread, as OpenMP has it
    torch.set_num_threads(1)
    try:
        with one_blas_thread():
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run BLAS and LAPACK with one thread inside; torch keeps its own, for networks that would be slow.

    The setting is one of the process: of threads that overlap, the first sets it and takes it back.

    Example:
        >>> with one_blas_thread():
        ...     pass
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> Any:
    import scipy.linalg  # noqa: F401 - its BLAS is another than numpy's, and is found once it is loaded
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
