"""Prompts from the vocabulary of findings."""

from __future__ import annotations

from monai_cars.edits.edit import Edit, Quantity
from monai_cars.findings.registry import finding_of

STYLES = ("sentence", "label")
DEGREES = ((0.34, "mild"), (0.67, "moderate"), (1.01, "severe"))
NOTHING = {"sentence": "Frontal chest radiograph. No acute cardiopulmonary abnormality.", "label": "No Finding"}


def prompt(edit: Edit, *, style: str = "sentence", demographics: str = "") -> str:
    """What a model is told to draw.

    Args:
        edit: an insertion names its finding; a deletion and a sham ask for a film without one.
        style: "sentence" for models trained on reports, "label" for those trained on label names (RadEdit).
        demographics: words about the patient, such as "of a 60 year old woman"; left out unless asked for, since models
            follow them with more than anatomy.

    Raises:
        ValueError: an unknown style.

    Example:
        >>> prompt(Edit("insert", "effusion", side="left", zone="lower", severity=0.2))
        'Frontal chest radiograph. Mild pleural effusion in the left lower zone.'
        >>> prompt(Edit("insert", "effusion", side="left"), style="label")
        'Pleural effusion'
    """
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)} (got {style!r})")
    term = finding_of(edit.finding).words.term
    if edit.operation != "insert":
        text = NOTHING[style]
    elif style == "label":
        return term.capitalize()
    else:
        text = f"Frontal chest radiograph. {' '.join([*_degree(edit), term, *_place(edit)]).capitalize()}."
    return text.replace("radiograph.", f"radiograph {demographics}.") if demographics else text


def _degree(edit: Edit) -> list[str]:
    severity = edit.severity
    if severity is None:
        return []
    value = edit.scale.normalised(severity.value) if isinstance(severity, Quantity) else float(severity)
    return [next(word for bound, word in DEGREES if value < bound)]


def _place(edit: Edit) -> list[str]:
    if not finding_of(edit.finding).place.sided or not (edit.side or edit.zone):
        return []
    if edit.zone in (None, "apex"):
        return [f"in the {edit.side or ''} {'apex' if edit.zone else 'lung'}".replace("  ", " ")]
    return [f"in the {edit.side or ''} {edit.zone} zone".replace("  ", " ")]
