"""What an organ brings, and nothing more; the finding's name chooses it, users pass nothing new."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch

from monai_cars.editors.contract import Editor
from monai_cars.edits.axes import Axes
from monai_cars.edits.change import Change
from monai_cars.edits.claim import UNHEARD, Claim
from monai_cars.edits.edit import Edit, Proposal, Quantity
from monai_cars.edits.film import Film, Scale, Unit
from monai_cars.files.header import Header
from monai_cars.findings.registry import finding_of
from monai_cars.gates.contract import Gate

Segmenter = Callable[[torch.Tensor], torch.Tensor]
"""From an upright image ``(1, ...)``, bright = dense, to masks ``(S, ...)`` in the order of the organ's structures."""


@dataclass(frozen=True)
class Protection:
    """What lies on a film and must survive every edit.

    Args:
        seen: the film as the editor is to see it, such as without the wires that cross it.
        settled: from an editor's proposal to the one that is composed, such as one that spares a burnt-in mark.

    Raises:
        CannotEdit: from `settled`, nothing is left of the proposal.
    """

    seen: Film
    settled: Callable[[Proposal], Proposal]


def unprotected(film: Film, edit: Edit) -> Protection:
    """For an organ on whose images nothing needs protection.

    Example:
        >>> from monai_cars.files.header import Header
        >>> film = Film(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2), Header("memory", "", "tensor"), None)
        >>> unprotected(film, Edit("insert", "nodule")).seen is film
        True
    """
    return Protection(film, lambda proposal: proposal)


@runtime_checkable
class Modality(Protocol):
    """One kind of image of one organ.

    Images are upright and bright = dense where nothing else is said, masks are in the order of `structures`.
    """

    @property
    def name(self) -> str:
        """Of the organ's folder and of the folder of its findings, such as "chest_xray"."""
        ...

    @property
    def structures(self) -> tuple[str, ...]:
        """Names of the masks, in their order."""
        ...

    @property
    def colours(self) -> Mapping[str, tuple[int, int, int]]:
        """Red, green and blue (0 to 255) of each structure's outline."""
        ...

    @property
    def unit_means(self) -> str:
        """What one contrast unit is, in words for a legend."""
        ...

    @property
    def dimensions(self) -> tuple[int, ...]:
        """Numbers of spatial axes that its images have: 2 for films, 3 for volumes."""
        ...

    @property
    def least_contrast(self) -> float:
        """Contrast unit over the film's P1-P99 range below which nothing is edited."""
        ...

    @property
    def weights(self) -> str | None:
        """Name of the shipped segmenter's weights, None where none is shipped."""
        ...

    def unit(self, image: torch.Tensor, anatomy: torch.Tensor) -> Unit:
        """The contrast unit of an image ``(1, ...)``; its value is negative where dense is dark."""
        ...

    def scale(self, header: Header, anatomy: torch.Tensor) -> Scale:
        """How large a millimetre is; the header is of the image as it lies in its array."""
        ...

    def lies(self, anatomy: torch.Tensor, otherwise: str) -> str:
        """How an image lies in its array by where its structures lie (one of `ORDERS`); `otherwise` when unknown."""
        ...

    def orient(self, image: torch.Tensor, claim: Claim = UNHEARD, source: str = "the image") -> Axes:
        """How an image lies in its array, by what is said of it and what it shows; an organ may believe what is said.

        Raises:
            RadiographError: naming the source; it is none of this organ, it stays unsure, or it shows otherwise.
        """
        ...

    def screen(self, image: torch.Tensor, source: str) -> None:
        """Refuse an image that is none of this organ, in whatever orientation.

        Raises:
            RadiographError: naming the source.
        """
        ...

    def screen_masks(self, anatomy: torch.Tensor, source: str) -> None:
        """Refuse an upright image on whose masks ``(S, ...)`` a part of the organ is missing.

        Raises:
            RadiographError: naming the source.
        """
        ...

    def segmenter(self, weights: Any, device: torch.device) -> Segmenter:
        """The segmenter of some weights on a device."""
        ...

    def editor(self, name: str | None = None, weights: Any = None) -> Editor:
        """An editor by its name; the organ's own when None.

        Raises:
            ValueError: no editor of that name, or weights that it does not take.
        """
        ...

    def protect(self, film: Film, edit: Edit) -> Protection:
        """What lies on a film and must survive an edit."""
        ...

    def measure(self, change: Change) -> Quantity | None:
        """Amount by which a finding was added or taken away; None when it cannot be measured."""
        ...

    def gate(self, operation: str, finding: str, profile: str) -> Gate:
        """The checks that an edit has to pass; the profiles are "cheap" and "full"."""
        ...


PROFILES = ("cheap", "full")
DEFAULT_ORGAN = "chest_xray"
"""Where no finding chooses: a film that is segmented before anything is asked of it, a random edit of any finding."""
MODALITIES: dict[str, str | Modality] = {
    "chest_xray": "monai_cars.chest_xray.modality:CHEST_XRAY",
}
"""Organ -> where its modality lies ("module:name", imported when it is first needed), or the modality itself."""


def modality_named(name: str) -> Modality:
    """The modality of an organ.

    Raises:
        ValueError: no such organ.

    Example:
        >>> modality_named("chest_xray").structures
        ('right_lung', 'left_lung', 'heart')
    """
    if name not in MODALITIES:
        raise ValueError(f"modality must be one of {', '.join(sorted(MODALITIES))} (got {name!r})")
    found = MODALITIES[name]
    if isinstance(found, str):
        module, _, attribute = found.partition(":")
        found = MODALITIES[name] = getattr(importlib.import_module(module), attribute)
    assert not isinstance(found, str)
    return found


def modality_of(finding: str) -> Modality:
    """The modality that a finding belongs to.

    Raises:
        ValueError: no such finding.

    Example:
        >>> modality_of("cardiomegaly").name
        'chest_xray'
    """
    return modality_named(finding_of(finding).organ)


def shared_modality(findings: Iterable[str]) -> Modality:
    """The one modality that all findings belong to.

    Raises:
        ValueError: no finding, an unknown one, or findings of several organs.

    Example:
        >>> shared_modality(["nodule", "effusion"]).name
        'chest_xray'
    """
    found = {modality_of(finding).name: finding for finding in findings}
    if len(found) != 1:
        told = ", ".join(f"{finding!r} of {organ}" for organ, finding in sorted(found.items())) or "none"
        raise ValueError(f"findings must be of one organ (got {told}); use a transform each")
    return modality_named(next(iter(found)))


@contextmanager
def added(modality: Modality) -> Iterator[Modality]:
    """Have another organ for a while, such as a test's phantom; a package of one's own leaves it in `MODALITIES`.

    Raises:
        ValueError: an organ of that name is there already.
    """
    if modality.name in MODALITIES:
        raise ValueError(f"modality {modality.name!r} is there already; give another name")
    MODALITIES[modality.name] = modality
    try:
        yield modality
    finally:
        del MODALITIES[modality.name]
