"""What a gate may ask a model: a classifier of findings, a localiser, an embedding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch

from monai_cars.edits.edit import Box

Answer = Mapping[str, float] | Sequence[float] | torch.Tensor
ROUNDING = 1e-4  # a probability in half precision may leave [0, 1] by less


class TeacherError(ValueError):
    """A teacher that answers what it did not promise."""


@runtime_checkable
class Teacher(Protocol):
    """A classifier of findings.

    Films are (1, H, W), upright, bright = dense, on any affine scale of intensity; anatomy is (S, H, W). A teacher
    with a file of weights also has ``sha256``, which the record of an edit then states beside its name.
    """

    @property
    def name(self) -> str:
        """For the record."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the findings that it answers."""
        ...

    @property
    def data(self) -> frozenset[str]:
        """What it was trained on, as "set" or "set:part"; empty when not stated."""
        ...

    @property
    def auroc(self) -> Mapping[str, float]:
        """Out-of-fold AUROC by output; empty when not stated."""
        ...

    def __call__(self, film: torch.Tensor, anatomy: torch.Tensor) -> Mapping[str, float]:
        """Probability of every output, in [0, 1]."""
        ...


@runtime_checkable
class Localiser(Protocol):
    """Finds where a finding is, such as opacities; trained on boxes."""

    @property
    def name(self) -> str:
        """For the record."""
        ...

    @property
    def data(self) -> frozenset[str]:
        """What it was trained on, as "set" or "set:part"; empty when not stated."""
        ...

    def __call__(self, film: torch.Tensor, anatomy: torch.Tensor) -> torch.Tensor:
        """(H, W) float32 probability of the finding at each pixel of the film's own grid."""
        ...


@runtime_checkable
class OfNetwork(Protocol):
    """A teacher or localiser made of a network that others are made of too: a gate asks the network once for them all.

    The model itself, called with a film, must give what `read` makes of `answered`.
    """

    @property
    def network(self) -> object:
        """What is shared."""
        ...

    def answered(self, film: torch.Tensor, anatomy: torch.Tensor) -> Any:
        """What the network says of a film; the same for every model made of it."""
        ...

    def read(self, output: Any, anatomy: torch.Tensor, step: int = 1) -> Any:
        """The model's own answer in it; a map is read at every so many pixels."""
        ...


@runtime_checkable
class OfManyFilms(OfNetwork, Protocol):
    """A model of a network that answers for many films at once."""

    def answered_many(self, films: Sequence[torch.Tensor], anatomies: Sequence[torch.Tensor]) -> Sequence[Any]:
        """`answered` of every film, which may differ in size."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Describes a film, or a part of it, by a vector."""

    @property
    def name(self) -> str:
        """For the record."""
        ...

    @property
    def data(self) -> frozenset[str]:
        """What it was trained on, as "set" or "set:part"; empty when not stated."""
        ...

    def __call__(self, film: torch.Tensor, anatomy: torch.Tensor, box: Box | None = None) -> torch.Tensor:
        """(D,) float32 of the whole film, or of a box of it."""
        ...


@runtime_checkable
class ScaledEmbedder(Embedder, Protocol):
    """An embedder that reads the scale of its films off their anatomy."""

    def pixels_per_mm(self, anatomy: torch.Tensor) -> float:
        """Pixels per millimetre of the film with this anatomy (S, H, W)."""
        ...


@dataclass(frozen=True)
class CallableTeacher:
    """A teacher made of any callable.

    Args:
        name: for the record.
        function: (film (1, H, W), anatomy (S, H, W)) -> probabilities, as a mapping that names every output or as
            numbers in the order of `outputs`.
        outputs: names of the findings that it answers.
        data: what it was trained on, as "set" or "set:part"; leave it empty and `strict` gates refuse the teacher.
        auroc: out-of-fold AUROC by output, when known.
        sha256: of its file of weights, when it has one.

    Raises:
        TeacherError: no output, two of one name, or an AUROC of an output that it has not; in use, an answer that lacks
            an output or is no probability.

    Example:
        >>> bright = CallableTeacher("bright", lambda film, anatomy: {"opacity": float(film.mean())}, ("opacity",))
        >>> bright(torch.full((1, 4, 4), 0.25), torch.zeros(3, 4, 4))
        {'opacity': 0.25}
    """

    name: str
    function: Callable[[torch.Tensor, torch.Tensor], Answer]
    outputs: tuple[str, ...]
    data: frozenset[str] = frozenset()
    auroc: Mapping[str, float] = field(default_factory=dict)
    sha256: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "outputs", tuple(self.outputs))
        object.__setattr__(self, "data", frozenset(self.data))
        if not self.outputs or len(set(self.outputs)) != len(self.outputs):
            raise TeacherError(f"outputs of the teacher {self.name!r} must be different names, got {self.outputs}")
        unknown = sorted(set(self.auroc) - set(self.outputs))
        if unknown:
            raise TeacherError(
                f"auroc of the teacher {self.name!r} names {', '.join(unknown)}, its outputs are "
                f"{', '.join(self.outputs)}; name outputs only"
            )

    def __call__(self, film: torch.Tensor, anatomy: torch.Tensor) -> dict[str, float]:
        """See :class:`Teacher`."""
        with torch.no_grad():
            answer = self.function(film, anatomy)
        return {name: probability(self.name, name, value) for name, value in self._named(answer).items()}

    def _named(self, answer: Answer) -> dict[str, float]:
        if isinstance(answer, Mapping):
            missing = [name for name in self.outputs if name not in answer]
            if missing:
                raise TeacherError(
                    f"the teacher {self.name!r} did not answer {', '.join(missing)}; leave it out of outputs"
                )
            return {name: float(answer[name]) for name in self.outputs}
        values = torch.as_tensor(answer, dtype=torch.float32).reshape(-1).tolist()
        if len(values) != len(self.outputs):
            raise TeacherError(
                f"the teacher {self.name!r} must answer one number for each of its {len(self.outputs)} outputs, got "
                f"{len(values)}"
            )
        return dict(zip(self.outputs, values, strict=True))


def probability(teacher: str, output: str, value: float) -> float:
    """A teacher's answer, cut to [0, 1].

    Raises:
        TeacherError: it lies outside by more than rounding, or is not a number.

    Example:
        >>> probability("mine", "Mass", 1.00001)
        1.0
    """
    if not -ROUNDING <= value <= 1 + ROUNDING:  # not-a-number fails too
        raise TeacherError(
            f"{output!r} of the teacher {teacher!r} must be a probability in [0, 1], got {value:g}; apply a sigmoid or "
            "softmax, and leave outputs out that were not trained"
        )
    return min(max(value, 0.0), 1.0)
