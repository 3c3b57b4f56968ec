"""The film's one home: its values, anatomy, scale and unit, what is known of it, and what was worked out of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeVar

import torch

from monai_cars.edits.edit import Earlier
from monai_cars.edits.film_memory import MEMORY, film_key
from monai_cars.files.header import Header

Made = TypeVar("Made")


class Unit(Protocol):
    """The contrast unit of a film: amplitudes of edits are told in it, so that they mean the same on every film."""

    @property
    def value(self) -> float:
        """One unit in the image's own values."""
        ...

    @property
    def zero(self) -> float:
        """The image's value at zero units."""
        ...

    @property
    def share(self) -> float:
        """One unit over the film's P1-P99 range."""
        ...

    def __hash__(self) -> int:
        """What was worked out of a film is remembered by its unit."""
        ...


@dataclass(frozen=True)
class Scale:
    """How large a millimetre is on a film.

    Args:
        spacing: mm per element along every axis, None when unknown.
        source: where it comes from, "unknown" where it is not known.
        usual: elements per millimetre of a film without spacing, as of a body of usual size: for blurs and reaches, for
            no amount that is told in millimetres.
        stated_aspect: height of an element over its width where no spacing tells it.

    Example:
        >>> Scale((0.5, 0.5), "PixelSpacing").millimetre, Scale(None, usual=1.5).millimetre
        (2.0, 1.5)
    """

    spacing: tuple[float, ...] | None = None
    source: str = "unknown"
    usual: float = 1.0
    stated_aspect: float = 1.0

    @property
    def aspect(self) -> float:
        """Height of an element over its width, by the last two axes.

        Example:
            >>> Scale((1.2, 0.6)).aspect, Scale(stated_aspect=1.5).aspect
            (2.0, 1.5)
        """
        if self.spacing is None or len(self.spacing) < 2:
            return self.stated_aspect
        return self.spacing[-2] / self.spacing[-1]

    @property
    def millimetre(self) -> float:
        """Elements per millimetre, the mean over the axes."""
        return self.usual if self.spacing is None else len(self.spacing) / sum(self.spacing)


@dataclass(frozen=True)
class Film:
    """A film or volume as editors, measurements and checks receive it: upright, with what was measured before the edit.

    Args:
        image: (1, H, W) or (1, D, H, W) float32, bright = dense, as a person looks at it.
        anatomy: (S, H, W) or (S, D, H, W) uint8 masks in the order of the organ's structures.
        header: what is known of the film besides its pixels.
        unit: contrast unit, frozen for this edit.
        scale: how large a millimetre is.
        earlier: accepted edits that the image already carries.
        padded: (1, H, W) bool, pixels that show nothing and are never written; None where there are none.
    """

    image: torch.Tensor
    anatomy: torch.Tensor
    header: Header
    unit: Unit
    scale: Scale = Scale()
    earlier: tuple[Earlier, ...] = ()
    padded: torch.Tensor | None = None
    _made: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Millimetres per element along every axis, None when unknown."""
        return self.scale.spacing

    @property
    def millimetre(self) -> float:
        """Elements per millimetre; of a body of usual size where the film has no scale."""
        return self.scale.millimetre

    @property
    def position(self) -> str | None:
        """``"erect"``, ``"supine"`` or None when nobody says."""
        return self.header.position

    @property
    def view(self) -> str | None:
        """``"PA"``, ``"AP"`` or None when nobody says."""
        return self.header.view

    @cached_property
    def key(self) -> bytes:
        """Digest of values and masks: the same film in another epoch or object has the same."""
        return film_key(self.image, self.anatomy)

    def recall(self, what: Hashable, make: Callable[[], Made]) -> Made:
        """What ``make`` returns, made once for this film, and once a process for the films seen last.

        Args:
            what: names it among what is worked out of the film's values and masks, with all else it depends on.
            make: works it out.
        """
        if what not in self._made:
            self._made[what] = MEMORY.recall((self.key, what), make)
        made: Made = self._made[what]
        return made


class OfFilm:
    """Whatever holds the film before an edit tells its anatomy, unit and scale as its own."""

    film: Film

    @property
    def anatomy(self) -> torch.Tensor:
        """(S, ...) uint8 masks before the edit."""
        return self.film.anatomy

    @property
    def unit(self) -> Unit:
        """Contrast unit of the film before the edit."""
        return self.film.unit

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Millimetres per element along every axis, None when unknown."""
        return self.film.spacing
