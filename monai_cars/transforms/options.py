"""Options that every edit transform takes, told once: for type checkers, for `help` and for editors' completion."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, TypedDict, TypeVar

from monai_cars.editors import Editor
from monai_cars.features import Vocabulary
from monai_cars.gates import Gate
from monai_cars.modality import Segmenter
from monai_cars.weights import WeightsRecord

Made = TypeVar("Made", bound=Callable[..., None])


class LoopOptions(TypedDict, total=False):
    """Options of `monai_cars.loop.edit_loop.EditLoop`, which tells what they mean."""

    editor: str | Editor | None
    weights: str | Path | None
    gate: str | Gate | None
    segmenter: str | Path | WeightsRecord | Segmenter | None
    device: str | None
    max_attempts: int
    strict: bool


class EditOptions(LoopOptions, total=False):
    """Those, and the keys and labels of `monai_cars.transforms.film_edit.FilmEditd`."""

    anatomy_key: Hashable
    lesion_key: Hashable
    support_key: Hashable
    record_key: Hashable
    findings_key: Hashable | None
    vocabulary: str | Vocabulary | None
    label_key: Hashable | None
    label_of: Mapping[str, int] | None
    keep_before: bool
    allow_missing_keys: bool


def showing(*sources: Callable[..., Any]) -> Callable[[Made], Made]:
    """A decorator of an `__init__` with ``**options``: its signature shows the keyword arguments of `sources` instead.

    Example:
        >>> @showing(sorted)
        ... def made(self, **options): ...
        >>> str(inspect.signature(made))
        '(self, *, key=None, reverse=False)'
    """

    def shown(init: Made) -> Made:
        signature = inspect.signature(init)
        own = [part for part in signature.parameters.values() if part.kind is not inspect.Parameter.VAR_KEYWORD]
        names = {part.name for part in own} | {"organ"}  # the organ follows from the finding
        for source in sources:
            for part in inspect.signature(source).parameters.values():
                if part.kind is inspect.Parameter.KEYWORD_ONLY and part.name not in names:
                    own.append(part)
                    names.add(part.name)
        init.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined] # inspect reads it
        return init

    return shown
