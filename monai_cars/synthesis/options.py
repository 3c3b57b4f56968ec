"""What the command line needs: misspelt options are caught, errors are told in one line.

``python -m monai.bundle run --dataset_dri FOLDER`` would silently run something else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Any

from monai_cars.files.spelling import in_one_line

# What `monai.bundle run` itself takes.
_OWN = (
    "run_id", "init_id", "final_id", "meta_file", "config_file", "logging_file", "tracking", "args_file",
    "workflow_name", "workflow_type", "tracking_uri", "experiment_name", "run_name", "save_execute_config",
)  # fmt: skip


# What an input, a disk, a memory or a missing package may raise; anything else is this library's fault.
_TOLD = (ValueError, OSError, RuntimeError, MemoryError, ImportError)


class OptionError(ValueError):
    """An option on the command line that the config does not know; the message suggests the one meant."""


def check_options(config_file: str | Path, arguments: Sequence[str] | None = None) -> None:
    """Refuse options that are neither in the config nor MONAI's own.

    Args:
        config_file: the bundle's config (JSON).
        arguments: what the shell passed; None reads the process's own, and does nothing unless it is
            ``monai.bundle run``.

    Raises:
        OptionError: an unknown option.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        ...     _ = file.write('{"dataset_dir": "."}')
        ...     file.flush()
        ...     check_options(file.name, ["run", "--dataset_dri", "films"])
        Traceback (most recent call last):
        monai_cars.synthesis.options.OptionError: unknown option --dataset_dri; did you mean --dataset_dir?
    """
    if arguments is None:
        if not _is_monai_bundle(sys.argv[0]):
            return  # MONAI's own tools open a config from anywhere, without its folder
        arguments = sys.argv[1:]
    known = [*json.loads(Path(config_file).read_text(encoding="utf-8")), *_OWN]
    for argument in arguments:
        # `--edits#0#severity 0.5` and `--edits::0` reach into a value: what counts is its first name.
        option = argument.removeprefix("--").split("=")[0].split("#")[0].split("::")[0]
        if argument.startswith("--") and option not in known:
            close = get_close_matches(option, known, n=1)
            remedy = f"did you mean --{close[0]}?" if close else f"known: {', '.join(sorted(known))}"
            raise OptionError(f"unknown option --{option}; {remedy}")


def spoken(call: Callable[..., Any], *arguments: Any) -> Any:
    """Call; on the command line an error in the input ends the process with its message alone, status 1.

    MONAI would bury the message in the middle of two tracebacks. From Python the error is raised as it is.

    Args:
        call: what is called.
        arguments: of the call.

    Returns:
        What it returns.

    Raises:
        SystemExit: on the command line of ``monai.bundle``, instead of an error that `message_of` tells.
    """
    try:
        return call(*arguments)
    except Exception as error:
        message = message_of(error)
        if message and _is_monai_bundle(sys.argv[0]):
            raise SystemExit(message) from error
        raise


def speak_plainly() -> None:
    """From here on, an error that ends ``monai.bundle`` is told in one line where `message_of` can.

    What a config names is made by MONAI itself, which wraps every error of it in one of its own: weights that are not
    there, a device that does not exist.
    """
    if _is_monai_bundle(sys.argv[0]) and sys.excepthook is not _plain:
        sys.excepthook = _plain


def _plain(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    message = message_of(error) if isinstance(error, Exception) else ""
    if message:
        print(message, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def message_of(error: Exception) -> str:
    """One line for whoever typed the command; empty for a fault of this library, whose traceback is needed.

    Args:
        error: what was raised; MONAI's own wrapping is taken off.

    Example:
        >>> message_of(ValueError("seed must be a whole number"))
        'monai-cars: seed must be a whole number'
    """
    while type(error) is RuntimeError and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if not isinstance(error, _TOLD):
        return ""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"monai-cars: {in_one_line(lines[0])}"


def _is_monai_bundle(program: str) -> bool:
    return Path(program).parts[-3:] == ("monai", "bundle", "__main__.py")
