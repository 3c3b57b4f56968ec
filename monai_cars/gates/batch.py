"""Many edits judged together, for offline use: a network is asked about all films of a batch at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from itertools import islice

import torch

from monai_cars.gates.answers import keep_answer
from monai_cars.gates.contract import Context, Gate, Verdict
from monai_cars.teachers.contract import OfManyFilms

Judgement = tuple[torch.Tensor, torch.Tensor, Context]
"""(before (1, H, W), after (1, H, W), context) of one edit, as a gate is called with."""


def judge_many(gate: Gate, edits: Iterable[Judgement], *, batch_size: int = 16) -> Iterator[Verdict]:
    """The verdicts of `gate(before, after, context)` on many edits, films of different sizes among them.

    Models that answer for many films (`monai_cars.teachers.contract.OfManyFilms`, the shipped ones do) are asked once a
    batch, about all films before and after; a value may differ in its last digits from that of the film alone. Every
    other check is made film by film. Edits are read as they are judged, a batch at a time.

    Args:
        gate: judges.
        edits: of any number.
        batch_size: edits whose films are held, and put to the network, at once.

    Raises:
        ValueError: batch_size below 1.

    Example:
        >>> from monai_cars.gates import OutsideUnchanged
        >>> list(judge_many(Gate([OutsideUnchanged()]), []))
        []
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    return _judged(gate, iter(edits), batch_size)


def _judged(gate: Gate, edits: Iterator[Judgement], batch_size: int) -> Iterator[Verdict]:
    models = {id(model.network): model for check in gate.checks for model in _models(check)}
    while batch := list(islice(edits, batch_size)):
        for model in models.values():
            films = [film for before, after, _ in batch for film in (before, after)]
            anatomies = [context.anatomy for *_, context in batch for _ in range(2)]
            outputs = iter(model.answered_many(films, anatomies))
            for *_, context in batch:
                for when in ("before", "after"):
                    keep_answer(model, next(outputs), when, context)
        yield from (gate(before, after, context) for before, after, context in batch)


def _models(check: object) -> list[OfManyFilms]:
    held = [getattr(check, part.name) for part in fields(check)] if is_dataclass(check) else []
    return [model for model in held if isinstance(model, OfManyFilms)]
