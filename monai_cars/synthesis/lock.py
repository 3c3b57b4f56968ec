"""One writer of a file at a time."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import BinaryIO

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What a file system says that keeps no locks."""


class InUseError(FileExistsError):
    """Another process writes the same file."""


def open_locked(path: Path) -> BinaryIO:
    """Open a file for adding to it, as the only process that has it open so.

    The lock is the file's own and the kernel's (`flock`): it ends with the process, however that ends, and leaves
    nothing behind. Where a file system keeps no locks, and on Windows, the file is opened without one.

    Args:
        path: made when it does not exist; what it holds stays.

    Raises:
        InUseError: another process has it.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "manifest"
        >>> with open_locked(path):
        ...     open_locked(path)
        Traceback (most recent call last):
        monai_cars.synthesis.lock.InUseError: ...
    """
    while True:
        stream = path.open("ab")
        try:
            _lock(stream)
        except BaseException:
            stream.close()
            raise
        if still_at(stream, path):
            return stream
        stream.close()  # between opening and locking, its former owner gave it another name


def still_at(stream: BinaryIO, path: Path) -> bool:
    """Tell whether an open file is still the one of this name."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _lock(stream: BinaryIO) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InUseError(f"{stream.name}: another process writes to it") from error
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
