"""Ordinary single precision inside, whatever a training loop has set around it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


@contextmanager
def single_precision() -> Iterator[None]:
    """Run torch without autocast and with float32 as its default type inside.

    An edit belongs to the data, not to the training step: under autocast, or with another default type, the same film
    and seed would give another film, or layers of two types would meet. The default type is torch's for the whole
    process: it is changed, and put back, only where somebody had changed it.

    Example:
        >>> with torch.autocast("cpu", torch.bfloat16), single_precision():
        ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
        torch.float32
    """
    before = torch.get_default_dtype()
    with ExitStack() as stack:
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if before is not torch.float32:
            torch.set_default_dtype(torch.float32)
            stack.callback(torch.set_default_dtype, before)
        yield
