"""Native decoders (JPEG, JPEG 2000, JPEG-LS, PNG) run in a process of their own.

A hostile file can crash or hang a native decoder, or let it take all memory. Here that costs one child process and one
error, never the run: the parent watches the time and the memory of each file. The child is started on first use, serves
one file after another, and is replaced when it dies or exceeds a limit. It is a plain subprocess because daemonic
DataLoader workers may start these and may not start `multiprocessing` children.
"""

import atexit
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from monai_cars.echo import cause, printable
from monai_cars.files.decode_worker import READY

T = TypeVar("T")
SECONDS = 15.0
"""Time limit of one file. The largest films that are taken decode in a few seconds."""
MEMORY = 5 << 28
"""Bytes that the child may hold. It limits itself to less where the system has such limits (`decode_worker.MEMORY`)."""
_WATCH_SECONDS = 0.05
START_SECONDS = 120.0
"""Time limit of starting the child."""
COMMAND = (sys.executable, "-P", "-m", "monai_cars.files.decode_worker")


class DecodeError(Exception):
    """The decoder refused, crashed or exceeded its time; the message says which."""


class DecodeProcess:
    """One child process that decodes files, restarted when it dies.

    Args:
        command: what to start; it must speak the protocol of `monai_cars.files.decode_worker.serve`.
        seconds: time limit of one file.
    """

    def __init__(self, command: tuple[str, ...] = COMMAND, *, seconds: float = SECONDS) -> None:
        self._command = command
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __call__(self, path: str | os.PathLike[str], kind: str) -> tuple[np.ndarray, dict[str, Any]]:
        """Decode one file.

        Args:
            path: the file.
            kind: "dicom" or "raster".

        Returns:
            The stored values, ``(H, W)`` or ``(H, W, C)``, and the decoder's notes on them.

        Raises:
            DecodeError: when the decoder refuses the file, crashes on it or exceeds the time limit.
        """
        request = json.dumps({"path": os.fspath(path), "kind": kind, "seconds": self._seconds}).encode() + b"\n"
        with self._lock:
            reused = self._process is not None and self._process.poll() is None
            began = time.monotonic()
            try:
                return self._exchange(request, self._seconds)
            except _CrashError:
                # A process that an earlier file damaged may fail on an innocent one: that one gets a fresh process,
                # for the time that is left.
                if not reused:
                    raise
            return self._exchange(request, max(self._seconds - (time.monotonic() - began), 1.0))

    def close(self) -> None:
        """End the child process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _exchange(self, request: bytes, seconds: float) -> tuple[np.ndarray, dict[str, Any]]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            # Starting Python on a busy machine takes seconds that are not the file's.
            self._within(START_SECONDS, self._start)
        return self._within(seconds, lambda process: _talk(process, request))

    def _start(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        if process.stdout.readline() != READY:
            raise EOFError("not ready")

    def _within(self, seconds: float, act: Callable[["subprocess.Popen[bytes]"], T]) -> T:
        """Let the child act; when it dies or is late, end it and say so."""
        process = self._process = self._process or _started(self._command)
        watch = _Watch(process, seconds)
        watch.start()
        try:
            return act(process)
        except DecodeError:
            raise
        except (OSError, EOFError, MemoryError, ValueError, TypeError, LookupError) as error:
            self.close()
            if watch.exceeded:
                raise DecodeError(f"the decoder exceeded its {watch.exceeded}") from error
            raise _CrashError(f"the decoder crashed (exit status {process.returncode})") from error
        except BaseException:
            self.close()  # half a reply in the pipe would be taken for the next one
            raise
        finally:
            watch.done.set()


class _Watch(threading.Thread):
    """Ends a child that takes too long or holds too much, and says which."""

    def __init__(self, process: "subprocess.Popen[bytes]", seconds: float) -> None:
        super().__init__(daemon=True)
        self.done, self.exceeded = threading.Event(), ""
        self._process, self._seconds = process, seconds

    def run(self) -> None:
        end = time.monotonic() + self._seconds
        while not self.done.wait(min(_WATCH_SECONDS, max(end - time.monotonic(), 0.0))):
            if _held(self._process.pid) > MEMORY:
                self.exceeded = f"memory limit of {MEMORY >> 20} MiB"
            elif time.monotonic() >= end:
                self.exceeded = f"time limit of {self._seconds:g} s"
            if self.exceeded:
                self._process.kill()
                return


def _held(pid: int) -> int:
    """Bytes that a process holds in memory; 0 on systems that do not say."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as stream:
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _started(command: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    paths = os.pathsep.join(entry for entry in sys.path if entry)
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
    except OSError as error:
        raise DecodeError(f"the decoder cannot be started ({cause(error)})") from error


class _CrashError(DecodeError):
    """The child process died."""


def _talk(process: "subprocess.Popen[bytes]", request: bytes) -> tuple[np.ndarray, dict[str, Any]]:
    assert process.stdin is not None
    assert isinstance(process.stdout, io.BufferedReader)
    process.stdin.write(request)
    process.stdin.flush()
    reply = json.loads(process.stdout.readline() or "null")
    if reply is None:
        raise EOFError("no reply")
    if "error" in reply:
        raise DecodeError(printable(str(reply["error"])))
    values = np.empty(reply["shape"], dtype=reply["dtype"])
    view = values.reshape(-1).view(np.uint8).data
    if process.stdout.readinto(view) != values.nbytes:
        raise EOFError("half a reply")
    return values, reply["notes"]


_PROCESSES: dict[int, DecodeProcess] = {}


def decode(path: str | os.PathLike[str], kind: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Decode one file in this process's decoding child (see `DecodeProcess`)."""
    # A forked worker inherits its parent's pipes and must not talk through them: one child per process id.
    process = _PROCESSES.get(os.getpid())
    if process is None:
        process = _PROCESSES[os.getpid()] = DecodeProcess()
        atexit.register(process.close)
    return process(path, kind)
