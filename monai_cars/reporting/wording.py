"""What a report calls things: checks, plurals, numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai_cars.findings.registry import FINDINGS, canonical

# name of a check -> (which side of its threshold passes, what its value is)
CHECKS: Mapping[str, tuple[str, str]] = {
    "outside_unchanged": ("at most", "pixels outside the support that changed"),
    "inside_lung": ("at least", "share of the change that lies in the asked part of the organ"),
    "inside_region": ("at least", "share of the change that lies where such findings lie"),
    "no_seam": ("at most", "step at the support's border, in units of the film's own texture there"),
    "severity_agrees": ("at most", "relative difference between the measured and the asked severity"),
    "visible": ("at least", "the change in the lesion over the spread of the film around it"),
    "no_hole": ("at most", "how much darker than what lies around it the place became, in contrast units"),
    "opacity_removed": ("at most", "share of the opacity that is left"),
    "rewritten": ("at least", "share of the support's pixels whose value differs"),
    "density_preserved": ("at most", "mean change over the support, in contrast units"),
    "devices_preserved": (
        "at least",
        "least share of its contrast that a tube or wire keeps; 0 where a mark changed",
    ),
    "devices_removed": ("at most", "share of the contrast of tubes and wires that is left"),
    "anatomy_preserved": ("at least", "smallest Dice of a structure, segmented before and after"),
    "measurement_agrees": ("at most", "how far structures measure from what was asked, 1 is tolerated"),
    "target_moved": ("at least", "change of the finding's log-odds in the asked direction, by another model"),
    "target_level": ("", "the finding's probability after the edit, by another model; a deletion is to stay below"),
    "off_target_stable": ("at most", "largest change of a probability that the edit does not imply"),
    "condition_met": ("at least", "share of what a localiser newly sees (or no longer sees) that lies at the lesion"),
    "level_inside": ("", "height of a localiser's map at the lesion after the edit; a deletion is to stay below"),
    "change_seen": ("at least", "independent models that see the finding come, or go"),
    "present_before": ("at least", "height of a localiser's map at the lesion before a deletion"),
}


def bound(check: Mapping[str, Any]) -> str:
    """A check's threshold with the side that passes.

    Example:
        >>> bound({"name": "visible", "threshold": 0.5})
        'at least 0.5'
    """
    side = CHECKS.get(check["name"], ("",))[0]
    return f"{side} {number(check['threshold'])}".strip()


def meaning(check: Mapping[str, Any]) -> str:
    """What a check's value is, in words; empty for a check of somebody else's."""
    return CHECKS.get(check["name"], ("", ""))[1]


def plural(finding: str) -> str:
    """More than one of a finding; of somebody else's, its name with an s.

    Example:
        >>> plural("mass"), plural("edema"), plural("scar")
        ('masses', 'areas of edema', 'scars')
    """
    known = FINDINGS.get(canonical(finding))
    return known.words.plural if known else f"{finding}s"


def number(value: Any) -> str:
    """A value for reading.

    Example:
        >>> number(0.01234), number(10853.2), number([0.5, 2]), number(None), number(True), number("any")
        ('0.01234', '10853', '0.5 to 2', '-', 'yes', 'any')
    """
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return " to ".join(number(item) for item in value)
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def amount(quantity: Mapping[str, Any] | None) -> str:
    """A severity: value, unit, and in brackets its place on the scale from 0 to 1.

    Example:
        >>> amount({"value": 0.1234, "unit": "fraction", "normalised": 0.18})
        '12.3 % (0.18)'
        >>> amount({"value": 18, "unit": "mm", "normalised": 0.45})
        '18 mm (0.45)'
        >>> amount(None)
        '-'
    """
    if quantity is None or quantity.get("value") is None:
        return "-"
    value, unit = quantity["value"], quantity["unit"]
    text = f"{100 * value:.1f} %" if unit == "fraction" else f"{value:.3g} {unit}"
    place = quantity.get("normalised")
    return text if place is None else f"{text} ({place:.2f})"
