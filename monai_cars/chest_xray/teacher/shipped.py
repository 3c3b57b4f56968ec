"""The shipped teacher and localiser: one network, asked for findings or for where opacities are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, SupportsIndex

import torch

from monai_cars.chest_xray.teacher.network import FINDINGS, TeacherNetwork, TeacherOutput
from monai_cars.chest_xray.teacher.preprocessing import lungs_box, to_film, to_grid, to_input
from monai_cars.chest_xray.teacher.stated import read_stated
from monai_cars.networks.precision import single_precision
from monai_cars.networks.threads import one_thread
from monai_cars.weights import WeightsError, WeightsRecord, load_state, record_of

MIRRORED = [0, 2, 1, 3]  # a mirrored film exchanges the lungs' channels


@single_precision()
@torch.inference_mode()
def ask(network: torch.nn.Module, seen: torch.Tensor) -> TeacherOutput:
    """Mean logits of input (N, 4, S, S) and of its mirror image, on one thread; the map is mirrored back."""
    with one_thread():
        findings, where = network(torch.cat([seen, seen[:, MIRRORED].flip(-1)]))
    count = len(seen)
    return TeacherOutput((findings[:count] + findings[count:]) / 2, (where[:count] + where[count:].flip(-1)) / 2)


@dataclass(frozen=True, eq=False)
class NetworkTeacher:
    """A classifier of findings made of a `TeacherNetwork`.

    Args:
        name: for the record.
        network: in evaluation mode.
        outputs: names of its findings, in their order.
        data: what it was trained on.
        auroc: out-of-fold AUROC by output.
        temperature: divides the logit, by output; 1 where not stated.
        sha256: of its weights.
        weights: where the network can be read again: pickled, it is then left out.

    Example:
        >>> teacher = NetworkTeacher("tiny", TeacherNetwork((4, 8), findings=1, width=4).eval(), ("opacity",))
        >>> lungs = torch.ones(3, 40, 40)
        >>> 0 < teacher(torch.rand(1, 40, 40), lungs)["opacity"] < 1
        True
    """

    name: str
    network: torch.nn.Module
    outputs: tuple[str, ...] = FINDINGS
    data: frozenset[str] = frozenset()
    auroc: Mapping[str, float] = field(default_factory=dict)
    temperature: Mapping[str, float] = field(default_factory=dict)
    sha256: str = ""
    weights: WeightsRecord | None = field(default=None, repr=False)

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """Without the network where it can be read again: workers get kilobytes."""
        return _reduced(self) or super().__reduce_ex__(protocol)

    @single_precision()
    def __call__(self, film: torch.Tensor, anatomy: torch.Tensor) -> dict[str, float]:
        """Probability of each output on a film (1, H, W) with its anatomy (S, H, W).

        Raises:
            TeacherError: shapes that do not fit, or an anatomy without lungs.
        """
        return self.read(self.answered(film, anatomy), anatomy)

    def answered(self, film: torch.Tensor, anatomy: torch.Tensor) -> TeacherOutput:
        """What the network says of a film, which every model made of it reads."""
        return _answered(self.network, film, anatomy)

    def answered_many(self, films: Sequence[torch.Tensor], anatomies: Sequence[torch.Tensor]) -> list[TeacherOutput]:
        """`answered` of every film, asked together."""
        return _answered_many(self.network, films, anatomies)

    def read(self, output: TeacherOutput, anatomy: torch.Tensor, step: int = 1) -> dict[str, float]:
        """Probability of each finding in what the network said of a film with this anatomy."""
        logits = output.findings[0].tolist()
        scaled = [value / self.temperature.get(name, 1.0) for name, value in zip(self.outputs, logits, strict=True)]
        return dict(zip(self.outputs, torch.tensor(scaled).sigmoid().tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class NetworkLocaliser:
    """Finds opacities by the map of a `TeacherNetwork`; arguments as `NetworkTeacher`."""

    name: str
    network: torch.nn.Module
    data: frozenset[str] = frozenset()
    sha256: str = ""
    weights: WeightsRecord | None = field(default=None, repr=False)

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """Without the network where it can be read again: workers get kilobytes."""
        return _reduced(self) or super().__reduce_ex__(protocol)

    @single_precision()
    def __call__(self, film: torch.Tensor, anatomy: torch.Tensor) -> torch.Tensor:
        """(H, W) float32 probability of an opacity at each pixel of a film (1, H, W); zero outside the lungs' box.

        Raises:
            TeacherError: shapes that do not fit, or an anatomy without lungs.
        """
        return self.read(self.answered(film, anatomy), anatomy)

    def answered(self, film: torch.Tensor, anatomy: torch.Tensor) -> TeacherOutput:
        """What the network says of a film, which every model made of it reads."""
        return _answered(self.network, film, anatomy)

    def answered_many(self, films: Sequence[torch.Tensor], anatomies: Sequence[torch.Tensor]) -> list[TeacherOutput]:
        """`answered` of every film, asked together."""
        return _answered_many(self.network, films, anatomies)

    def read(self, output: TeacherOutput, anatomy: torch.Tensor, step: int = 1) -> torch.Tensor:
        """Every so many pixels of the map in what the network said of a film with this anatomy."""
        masks, where = _plain(anatomy), output.map[0, 0].sigmoid()
        box, shape = lungs_box(masks), (masks.shape[1], masks.shape[2])
        return to_film(where, box, shape) if step == 1 else to_grid(where, box, shape, step)


def load_teacher(weights: str | Path | WeightsRecord = "cars_teacher") -> NetworkTeacher:
    """The shipped classifier of findings, loaded once a process.

    Args:
        weights: the shipped name; a WeightsRecord; "owner/repo/file.safetensors@commit"; or a path. Only of the shipped
            ones are temperature and AUROC known.

    Raises:
        WeightsError: no such weights, or weights of another network.
    """
    record = record_of(weights, default="cars_teacher")
    stated = read_stated(record)
    return NetworkTeacher(
        record.name,
        _network(record),
        data=frozenset(record.data),
        auroc=stated.auroc,
        temperature=stated.temperature,
        sha256=record.sha256,
        weights=record,
    )


def load_localiser(weights: str | Path | WeightsRecord = "cars_teacher") -> NetworkLocaliser:
    """The shipped localiser of opacities: the map of the same weights; arguments and errors as `load_teacher`."""
    record = record_of(weights, default="cars_teacher")
    return NetworkLocaliser(f"{record.name}_map", _network(record), frozenset(record.data), record.sha256, record)


@lru_cache(maxsize=4)
@single_precision()
def _network(record: WeightsRecord) -> torch.nn.Module:
    network = TeacherNetwork()
    try:
        network.load_state_dict(load_state(record))
    except RuntimeError as error:
        reason = str(error).splitlines()[1:2] or [str(error)]
        raise WeightsError(
            f"{record.name!r} holds no weights of the teacher network ({reason[0].strip()[:120]}); give the weights of "
            "monai_cars.chest_xray.teacher.network.TeacherNetwork, or wrap a model of your own in CallableTeacher"
        ) from error
    return network.eval()


def _reduced(model: NetworkTeacher | NetworkLocaliser) -> tuple[Any, ...] | None:
    """How a model is made again from its weights; None when its network is not theirs."""
    if model.weights is None or model.network is not _network(model.weights):
        return None
    rest = {part.name: getattr(model, part.name) for part in fields(model) if part.name != "network"}
    return _again, (type(model), rest)


def _again(kind: type, rest: dict[str, Any]) -> Any:
    return kind(network=_network(rest["weights"]), **rest)


def _answered(network: torch.nn.Module, film: torch.Tensor, anatomy: torch.Tensor) -> TeacherOutput:
    return ask(network, to_input(_plain(film), _plain(anatomy)))


def _answered_many(
    network: torch.nn.Module, films: Sequence[torch.Tensor], anatomies: Sequence[torch.Tensor]
) -> list[TeacherOutput]:
    seen = [to_input(_plain(film), _plain(anatomy)) for film, anatomy in zip(films, anatomies, strict=True)]
    found = ask(network, torch.cat(seen))
    return [TeacherOutput(*one) for one in zip(found.findings.split(1), found.map.split(1), strict=True)]


def _plain(image: torch.Tensor) -> torch.Tensor:
    plain = image.as_tensor() if hasattr(image, "as_tensor") else image
    return plain.cpu()
