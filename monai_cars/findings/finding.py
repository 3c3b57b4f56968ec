"""What has to be said of a finding before it can be edited and judged.

Nothing that decides a check has a default: a finding that leaves it out is a TypeError that names the field, not a
finding that silently gets other checks than its neighbours.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Literal, get_args

from monai_cars.findings.scale import Severity

Sides = Literal["one", "any", "both", "none"]
Localiser = Literal["no", "asked", "taught"]
LAST = 1_000_000  # of an order: after all that give one


@dataclass(frozen=True, kw_only=True)
class Words:
    """What people call a finding.

    Args:
        term: the usual term in a report, in lower case; prompts of generative and text-image models use it.
        singular: one of them within a sentence, with its article where it takes one ("an effusion", "edema").
        plural: several of them within a sentence ("masses", "areas of edema").
        own_word: whether a report tells it from every other finding by that term; signs and synonyms are each other's
            alternatives, and a text-image model is not asked about them.
    """

    term: str
    singular: str
    plural: str
    own_word: bool


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a finding lies.

    Args:
        within: the part of the body, in the organ's words: of a chest ``"lung"``, a region that its gate knows
            (``"hilum"``, ``"heart"``, ``"mediastinum"``, ``"diaphragm"``, ``"thorax"``), or ``"anywhere"``.
        sides: ``"one"``, drawn into one side at a time; ``"any"``, on one side or on both at once; ``"both"``, always
            on both, and measured over both; ``"none"``, it has no side. Of the last two no side is said.
        shown_by_anatomy: whether the anatomy itself shows where it lies, so that a deletion needs no region.
        only_one: whether a patient has at most one, so that a deletion leaves none.
    """

    within: str
    sides: Sides
    shown_by_anatomy: bool
    only_one: bool

    def __post_init__(self) -> None:
        _one_of("sides", self.sides, get_args(Sides))

    @property
    def sided(self) -> bool:
        """Whether a side is said of it.

        Example:
            >>> Place(within="lung", sides="any", shown_by_anatomy=False, only_one=False).sided
            True
        """
        return self.sides in ("one", "any")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """How an edit of a finding is judged.

    Args:
        tolerance: largest relative difference between the asked and the measured severity.
        least_inside: least share of an insertion that lies within its place; less than 0.9 where it may reach a
            little beyond.
        by_contrast: whether it is an opacity: it must be seen to come, and leave no hole when it goes. A border that
            moves, texture that goes and a thin line are none; their severity is their proof.
        by_geometry: whether its size is measured on the film; no classifier overrules a ruler.
        by_localiser: whether a localiser of opacities is asked about it, and whether the shipped one has been taught
            it by boxes (``"no"``, ``"asked"``, ``"taught"``); only what it was taught does it decide alone.
        keeps_devices: whether tubes and wires must stay as they are; False of the devices themselves.
        measured_as: what the film is measured anew for, in the organ's words (of a chest ``"heart"``, ``"fluid"``,
            ``"opacity"``, ``"air"``); None where nothing else than the severity is expected.
    """

    tolerance: float
    least_inside: float
    by_contrast: bool
    by_geometry: bool
    by_localiser: Localiser
    keeps_devices: bool
    measured_as: str | None

    def __post_init__(self) -> None:
        _one_of("by_localiser", self.by_localiser, get_args(Localiser))
        if not 0 < self.tolerance < 1:
            raise ValueError(f"tolerance must lie in (0, 1), got {self.tolerance}; give a relative difference")
        if not 0 < self.least_inside <= 1:
            raise ValueError(f"least_inside must lie in (0, 1], got {self.least_inside}; give a share of the change")


@dataclass(frozen=True, kw_only=True)
class Concept:
    """Something that a classifier may answer and that no finding stands for.

    Args:
        name: in lower case.
        synonyms: other names of it in label sets, in lower case.
        moved_by: changes of the film that may move the answer (`Finding.changes`).
    """

    name: str
    synonyms: tuple[str, ...]
    moved_by: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Concepts:
    """How a finding meets the answers of a classifier.

    Args:
        asked_as: concepts that judge the finding, the first that a classifier has. The first is the finding's own; a
            broader one stands in for a narrower one, never the reverse.
        synonyms: other names of its own concept in label sets, beside the finding's name and its aliases.
        moved_by: changes of the film, by edits of any finding, that may move the answer about this one.
    """

    asked_as: tuple[str, ...]
    synonyms: tuple[str, ...]
    moved_by: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.asked_as or isinstance(self.asked_as, str):
            raise ValueError(f"asked_as must be a tuple of concepts, got {self.asked_as!r}; give the finding's own")


@dataclass(frozen=True)
class Finding:
    """One finding, as data.

    Args:
        name: in lower case with spaces; its file is called so, with underscores.
        severity: the scale on which its severity is laid out, with the source.
        aliases: other usual names under which users may ask for it.
        words: what people call it.
        place: where it lies.
        judged: how an edit of it is judged.
        concepts: how it meets the answers of a classifier.
        changes: what an edit of it moves, adds or hides, in the organ's words.
        looks: shares of the forms that a drawing of it chooses from; empty where it has one form.
        order: its place in lists; findings without one come last, by name.
        organ: whose finding it is: the folder that its file lies in says so, what is registered at run time itself.

    Raises:
        ValueError: a name or alias that is not plain.

    Example:
        >>> from monai_cars.findings import finding_of
        >>> finding_of("pneumothorax").name, finding_of("mass").severity.unit, finding_of("mass").organ
        ('pleural air', 'mm', 'chest_xray')
    """

    name: str
    _: KW_ONLY
    severity: Severity
    aliases: tuple[str, ...]
    words: Words
    place: Place
    judged: Judged
    concepts: Concepts
    changes: tuple[str, ...]
    looks: tuple[tuple[str, float], ...] = field(default=())
    order: int = LAST
    organ: str = ""

    def __post_init__(self) -> None:
        for name in (self.name, *self.aliases):
            if not name or name != plain(name):
                raise ValueError(f"a finding's name must be lower case with single spaces, got {name!r}")

    @property
    def concept(self) -> str:
        """What it is to a classifier."""
        return self.concepts.asked_as[0]


def plain(name: str) -> str:
    """A name in lower case with single spaces.

    Example:
        >>> plain("Pleural_Effusion ")
        'pleural effusion'
    """
    return " ".join(name.lower().replace("_", " ").split())


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
