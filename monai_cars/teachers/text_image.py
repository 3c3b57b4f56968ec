"""A classifier of findings out of a dual encoder of films and words (BioViL-T, CLIP), without training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import torch
from torch.nn import functional

from monai_cars.teachers.contract import TeacherError
from monai_cars.teachers.dual_encoder import DualEncoder


class Prompts(NamedTuple):
    """Sentences that say that a finding is there, and that it is not."""

    present: tuple[str, ...]
    absent: tuple[str, ...]


def prompts_of(term: str) -> Prompts:
    """Prompts in the manner of BioViL's zero-shot classification (Boecking et al., ECCV 2022).

    Example:
        >>> prompts_of("pneumothorax").absent
        ('No evidence of pneumothorax.', 'There is no pneumothorax.')
    """
    return Prompts(
        (f"Findings suggesting {term}.", f"There is {term}."), (f"No evidence of {term}.", f"There is no {term}.")
    )


@dataclass(frozen=True)
class TextImageTeacher:
    """A classifier of findings without training: is the film nearer to "there is ..." or to "there is no ..."?

    ``p = softmax(cos(film, present) / t, cos(film, absent) / t)[0]`` with the mean direction of each set of prompts
    (Boecking et al., ECCV 2022). A :class:`monai_cars.teachers.Teacher` like any other, and a weak one.

    Args:
        encoder: films and sentences.
        prompts: by finding.
        auroc: out-of-fold AUROC by finding, when known.

    Raises:
        TeacherError: no finding, or a finding without sentences.

    Example:
        >>> from monai_cars.teachers.dual_encoder import CallableDualEncoder
        >>> def words(texts):
        ...     return torch.tensor([[0.0, 1.0] if "no" in text.lower() else [1.0, 0.0] for text in texts])
        >>> encoder = CallableDualEncoder("half", lambda film: torch.tensor([1.0, 0.0]), words)
        >>> teacher = TextImageTeacher(encoder, {"edema": prompts_of("edema")})
        >>> round(teacher(torch.rand(1, 4, 4), torch.ones(3, 4, 4))["edema"], 3)
        1.0
    """

    encoder: DualEncoder
    prompts: Mapping[str, Prompts]
    auroc: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        empty = [finding for finding, told in self.prompts.items() if not (told.present and told.absent)]
        if empty or not self.prompts:
            lacking = ", ".join(empty) or "any"
            raise TeacherError(f"prompts must give each finding sentences for present and absent (none for {lacking})")

    @property
    def name(self) -> str:
        """For the record."""
        return f"text_image {self.encoder.name}"

    @property
    def sha256(self) -> str:
        """Of the encoder's weights, empty where it states none."""
        return str(getattr(self.encoder, "sha256", ""))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The findings that have prompts."""
        return tuple(self.prompts)

    @property
    def data(self) -> frozenset[str]:
        """The encoder's."""
        return self.encoder.data

    def __call__(self, film: torch.Tensor, anatomy: torch.Tensor) -> dict[str, float]:
        """See :class:`monai_cars.teachers.Teacher`."""
        image = functional.normalize(self.encoder(film, anatomy), dim=0)
        logits = self._directions @ image / self.encoder.temperature
        return dict(zip(self.outputs, logits.softmax(1)[:, 0].tolist(), strict=True))

    @cached_property
    def _directions(self) -> torch.Tensor:
        """(findings, 2, D) unit directions of the prompts."""
        return torch.stack([torch.stack([self._direction(told) for told in pair]) for pair in self.prompts.values()])

    def _direction(self, sentences: Sequence[str]) -> torch.Tensor:
        return functional.normalize(functional.normalize(self.encoder.texts(sentences), dim=1).mean(0), dim=0)
