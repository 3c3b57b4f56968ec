"""Files that are there whole or not at all."""

import contextlib
import os
import uuid
from pathlib import Path


class CannotWriteError(OSError):
    """A file could not be written: the disk is full or may not be written to. Nothing half-written remains."""


def cannot_write(target: str | os.PathLike[str], error: OSError) -> CannotWriteError:
    """The error of a file that could not be written, in one line: the file, why, the remedy.

    Example:
        >>> print(cannot_write("run/a.dcm", OSError(28, "No space left on device")))
        run/a.dcm: cannot be written (No space left on device); free space or choose another folder, and start again
    """
    why = error.strerror or str(error) or type(error).__name__
    told = CannotWriteError(
        f"{os.fspath(target)}: cannot be written ({why}); free space or choose another folder, and start again"
    )
    told.errno = error.errno
    return told


def write_atomically(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write ``data`` to ``path`` through a temporary file beside it; folders are made as needed.

    Raises:
        CannotWriteError: a full disk, a folder that may not be written to; what stood there before still does.

    Example:
        >>> import tempfile
        >>> write_atomically(Path(tempfile.mkdtemp()) / "a" / "b.txt", b"whole").read_bytes()
        b'whole'
    """
    target = Path(path)
    partial = target.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        with contextlib.suppress(OSError):  # what kept the file from being written must not hide behind this
            partial.unlink(missing_ok=True)
    return target
