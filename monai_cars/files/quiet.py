"""What other libraries say while they read a file is not said: their remarks quote the header, at worst all of it."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_READING: ContextVar[bool] = ContextVar("reading", default=False)
_LOGGERS = ("pydicom", "pydicom.pixels.decoders.base", "pydicom.pixels.utils", "nibabel.global", "PIL.PngImagePlugin")


class _WhileReading(logging.Filter):
    """Drops what is logged inside `quiet`, in its own thread only; the loggers stay the user's."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _READING.get()


for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_WhileReading())


@contextmanager
def quiet() -> Iterator[None]:
    """Drop the warnings and log records of the libraries that read files, inside and nowhere else.

    Example:
        >>> with quiet():
        ...     logging.getLogger("pydicom").error("Doe^Jane")
    """
    token = _READING.set(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        _READING.reset(token)
