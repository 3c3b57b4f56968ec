"""Which answers of a classifier an edit may move, and which answer judges it.

A classifier's outputs go by many names: CheXpert's "Lung Opacity", CARPA's "opacities", NIH's "Infiltration". Each name
stands for a *concept*. A finding's data say which concepts judge it, what an edit of it changes on a film, and which
changes may move a classifier's answer about it; from these follows what an edit of one finding may move.

Everything else must stay: the label of the film says that it did not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monai_cars.findings.finding import Finding, plain
from monai_cars.findings.registry import FINDINGS, View, canonical, concepts, finding_of
from monai_cars.teachers import Teacher

LEAST_AUROC = 0.75  # out of fold; a classifier below it for a finding does not decide there
NO_FINDING = "no finding"
NORMAL = ("normal", "unremarkable", "healthy")  # other names of it


@dataclass(frozen=True)
class Implication:
    """What an edit of one finding does to the concepts of a classifier.

    Args:
        asked_as: concepts that judge the finding, the first that a classifier has; a broader one stands in for a
            narrower one, never the reverse.
        may_move: every concept that the edit may move, those of `asked_as` among them.
    """

    asked_as: tuple[str, ...]
    may_move: tuple[str, ...]


def implication(finding: Finding) -> Implication:
    """What follows from a finding's data, and from those of every other.

    Example:
        >>> implication(finding_of("enlarged heart")).may_move
        ('cardiomegaly', 'wide mediastinum')
    """
    changes = set(finding.changes)
    moved = [one.name for one in concepts() if changes & set(one.moved_by)]
    moved += [one.concept for one in FINDINGS.values() if changes & set(one.concepts.moved_by)]
    return Implication(finding.concepts.asked_as, tuple(dict.fromkeys((finding.concept, *moved))))


IMPLICATIONS: Mapping[str, Implication] = View(implication)
"""Name of a finding -> what an edit of it does to concepts."""


def synonyms() -> dict[str, str]:
    """Other names of concepts, in lower case with spaces.

    Example:
        >>> synonyms()["pulmonary edema"], synonyms()["nodule or mass"]
        ('edema', 'lung lesion')
    """
    names = dict.fromkeys(NORMAL, NO_FINDING)
    names |= {name: one.name for one in concepts() for name in one.synonyms}
    for one in FINDINGS.values():
        names |= dict.fromkeys((one.name, *one.aliases, *one.concepts.synonyms), one.concept)
    return names


def concept(output: str) -> str:
    """What an output of a classifier stands for; a name that the table does not know stands for itself.

    Example:
        >>> concept("Lung Opacity"), concept("Pleural_Thickening"), concept("COVID-19")
        ('opacity', 'pleural thickening', 'covid-19')
    """
    name = plain(output)
    return synonyms().get(name, name)


def target_output(finding: str, outputs: Sequence[str]) -> str | None:
    """The output that judges an edit of a finding, None when no output can.

    Args:
        finding: key of SEVERITY, or another usual name of one.
        outputs: of a classifier.

    Raises:
        ValueError: there is no such finding.

    Example:
        >>> target_output("consolidation", ("No Finding", "Lung Opacity", "Pleural Effusion"))
        'Lung Opacity'
    """
    return next(iter(_candidates(finding, outputs)), None)


def judging_output(finding: str, teacher: Teacher, *, least: float = LEAST_AUROC) -> str | None:
    """The output by which a classifier judges an edit: the closest one that it states to tell well, else the closest.

    Args:
        finding: key of SEVERITY, or another usual name of one.
        teacher: the classifier.
        least: out-of-fold AUROC from which on an output is told well.

    Raises:
        ValueError: there is no such finding.

    Example:
        >>> from monai_cars.teachers import CallableTeacher
        >>> stated = {"consolidation": 0.69, "opacity": 0.81}
        >>> teacher = CallableTeacher("t", lambda film, anatomy: [0, 0], tuple(stated), auroc=stated)
        >>> judging_output("consolidation", teacher)
        'opacity'
    """
    candidates = _candidates(finding, teacher.outputs)
    well = [name for name in candidates if teacher.auroc.get(name, 0.0) >= least]
    return next(iter((*well, *candidates)), None)


def stable_outputs(finding: str, operation: str, outputs: Sequence[str]) -> tuple[str, ...]:
    """Outputs that an edit must leave alone. "No Finding" never is one: it follows from all the others.

    Args:
        finding: key of SEVERITY, or another usual name of one.
        operation: "insert", "delete" or "sham"; a sham may move nothing.
        outputs: of a classifier.

    Raises:
        ValueError: there is no such finding.

    Example:
        >>> stable_outputs("consolidation", "insert", ("No Finding", "Pneumonia", "Cardiomegaly", "COVID"))
        ('Cardiomegaly', 'COVID')
    """
    moving = () if operation == "sham" else implication(finding_of(finding)).may_move
    return tuple(name for name in outputs if concept(name) not in (NO_FINDING, *moving))


def decisive(teacher: Teacher, finding: str, *, least: float = LEAST_AUROC) -> bool:
    """Whether a classifier states that it can tell a finding well enough to decide about an edit of it.

    Args:
        teacher: the classifier.
        finding: key of SEVERITY.
        least: out-of-fold AUROC of the output that judges the finding; one that is not stated does not suffice.

    Example:
        >>> from monai_cars.teachers import CallableTeacher
        >>> poor = CallableTeacher("poor", lambda film, anatomy: [0.5], ("Mass",), auroc={"Mass": 0.7})
        >>> decisive(poor, "mass"), decisive(poor, "mass", least=0.6)
        (False, True)
    """
    output = judging_output(finding, teacher, least=least)
    return output is not None and teacher.auroc.get(output, 0.0) >= least


def _candidates(finding: str, outputs: Sequence[str]) -> tuple[str, ...]:
    """Outputs that can judge a finding, the closest first; its own name goes before other names of the concept."""
    asked, own = finding_of(finding).concepts.asked_as, canonical(finding)
    named = [output for name in asked for output in outputs if concept(output) == name]
    return tuple(sorted(named, key=lambda output: output != own))
