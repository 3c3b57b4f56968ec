"""Which answers of a classifier an edit may move, and which answer judges it.

A classifier's outputs go by many names: CheXpert's "Lung Opacity", CARPA's "opacities", NIH's "Infiltration". Each name
stands for a *concept*; the table below says what an edit of a finding does to concepts. Two rules made it:

- what the vocabularies (`monai_cars.features`) set or no longer know after the edit may move: no label rests on it;
- so may what readers cannot tell from the finding on a film, such as a large nodule from a mass.

Everything else must stay: the label of the film says that it did not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monai_cars.findings.severity import SEVERITY, canonical
from monai_cars.teachers import Teacher

LEAST_AUROC = 0.75  # out of fold; a classifier below it for a finding does not decide there
NO_FINDING = "no finding"
# Other names of a concept, in lower case with spaces.
SYNONYMS = {
    "normal": NO_FINDING,
    "unremarkable": NO_FINDING,
    "healthy": NO_FINDING,
    "lung opacity": "opacity",
    "opacities": "opacity",
    "infiltrate": "infiltration",
    "infection": "pneumonia",
    "pneumonitis": "pneumonia",
    "irregular parenchyma": "fibrosis",
    "lesion": "lung lesion",
    "nodule or mass": "lung lesion",
    "pleural effusion": "effusion",
    "fluid": "effusion",
    "costophrenic angle": "costophrenic blunting",
    "pleural other": "pleural thickening",
    "pleural air": "pneumothorax",
    "absent lung markings": "pneumothorax",
    "enlarged heart": "cardiomegaly",
    "enlarged cardiomediastinum": "wide mediastinum",
    "irregular hilum": "hilum",
    "adenopathy": "hilum",
    "lymphadenopathy": "hilum",
    "pulmonary edema": "edema",
}
_AIR_SPACE = ("opacity", "infiltration", "consolidation", "pneumonia", "edema", "atelectasis")
_LESION = ("nodule", "mass", "lung lesion")
_IN_THE_LUNG = (*_AIR_SPACE, *_LESION, "fibrosis", "lung collapse")
# Fluid and pleural air hide the lung, and fluid the borders of heart and diaphragm.
_FLUID = (
    *("effusion", "meniscus sign", "costophrenic blunting", "pleural thickening"),
    *_IN_THE_LUNG,
    *("irregular diaphragm", "cardiomegaly", "wide mediastinum"),
)
_AIR = ("pneumothorax", *_IN_THE_LUNG, "emphysema", "irregular diaphragm", "meniscus sign")
_HILUM = ("hilum", "wide mediastinum", *_LESION, "opacity", "infiltration")


@dataclass(frozen=True)
class Implication:
    """What an edit of one finding does to the concepts of a classifier.

    Args:
        asked_as: concepts that judge the finding, the first that a classifier has; a broader one stands in for a
            narrower one, never the reverse. RSNA's and NIH's opacities leave nodules and masses out.
        may_move: every concept that the edit may move, those of `asked_as` among them.
    """

    asked_as: tuple[str, ...]
    may_move: tuple[str, ...]


IMPLICATIONS: dict[str, Implication] = {
    "nodule": Implication(("nodule", "lung lesion"), (*_LESION, "opacity", "infiltration")),
    "mass": Implication(
        ("mass", "lung lesion"),
        (
            *_LESION,
            *("opacity", "infiltration", "consolidation", "pneumonia", "atelectasis", "fibrosis", "lung collapse"),
        ),
    ),
    "irregular hilum": Implication(("hilum", "wide mediastinum"), _HILUM),
    "adenopathy": Implication(("hilum", "wide mediastinum"), _HILUM),
    "irregular parenchyma": Implication(("fibrosis", "opacity", "infiltration"), (*_IN_THE_LUNG, "emphysema")),
    "pneumonitis": Implication(("pneumonia", "opacity", "infiltration"), _IN_THE_LUNG),
    "consolidation": Implication(("consolidation", "opacity", "infiltration"), _IN_THE_LUNG),
    "infection": Implication(("pneumonia", "consolidation", "opacity", "infiltration"), _IN_THE_LUNG),
    "opacities": Implication(("opacity", "infiltration"), _IN_THE_LUNG),
    "effusion": Implication(("effusion",), _FLUID),
    "fluid": Implication(("effusion",), _FLUID),
    "meniscus sign": Implication(("meniscus sign", "effusion"), _FLUID),
    "costophrenic blunting": Implication(("costophrenic blunting", "effusion"), _FLUID),
    "enlarged heart": Implication(("cardiomegaly",), ("cardiomegaly", "wide mediastinum")),
    "absent lung markings": Implication(("pneumothorax",), _AIR),
    "pleural air": Implication(("pneumothorax",), _AIR),
    "irregular diaphragm": Implication(
        ("irregular diaphragm",), ("irregular diaphragm", "costophrenic blunting", "lung collapse", "hernia")
    ),
    "lung collapse": Implication(("lung collapse", "pneumothorax"), _AIR),
    "edema": Implication(("edema", "opacity", "infiltration"), _IN_THE_LUNG),
    "atelectasis": Implication(("atelectasis", "opacity", "infiltration"), (*_IN_THE_LUNG, "irregular diaphragm")),
    "enlarged cardiomediastinum": Implication(
        ("wide mediastinum",), ("wide mediastinum", "cardiomegaly", "hilum", *_LESION)
    ),
    "fracture": Implication(("fracture",), ("fracture",)),
    "support devices": Implication(("support devices",), ("support devices",)),
}


def concept(output: str) -> str:
    """What an output of a classifier stands for; a name that the table does not know stands for itself.

    Example:
        >>> concept("Lung Opacity"), concept("Pleural_Thickening"), concept("COVID-19")
        ('opacity', 'pleural thickening', 'covid-19')
    """
    plain = " ".join(output.lower().replace("_", " ").split())
    return SYNONYMS.get(plain, SYNONYMS.get(canonical(plain), plain))


def target_output(finding: str, outputs: Sequence[str]) -> str | None:
    """The output that judges an edit of a finding, None when no output can.

    Args:
        finding: key of SEVERITY, or another usual name of one.
        outputs: of a classifier.

    Raises:
        ValueError: the table has no such finding.

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
        ValueError: the table has no such finding.

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
        ValueError: the table has no such finding.

    Example:
        >>> stable_outputs("consolidation", "insert", ("No Finding", "Pneumonia", "Cardiomegaly", "COVID"))
        ('Cardiomegaly', 'COVID')
    """
    moving = () if operation == "sham" else _implication(finding).may_move
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
    asked, own = _implication(finding).asked_as, canonical(finding)
    named = [output for name in asked for output in outputs if concept(output) == name]
    return tuple(sorted(named, key=lambda output: output != own))


def _implication(finding: str, table: Mapping[str, Implication] = IMPLICATIONS) -> Implication:
    name = canonical(finding)
    if name not in table:
        raise ValueError(f"finding must be one of {', '.join(SEVERITY)} (got {finding!r}); give an editable finding")
    return table[name]
