"""The findings that can be edited, and the scale on which the severity of each is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Quantity(NamedTuple):
    """A measured amount with its unit.

    Example:
        >>> Quantity(18, "mm").value
        18
    """

    value: float
    unit: str


@dataclass(frozen=True)
class Severity:
    """The scale on which the severity of one finding in [0, 1] is laid out, linear from ``low`` to ``high``.

    Args:
        quantity: what is measured.
        unit: its unit; ``"fraction"`` and ``"ratio"`` need no pixel spacing.
        low: amount at severity 0, the mildest *visible* finding.
        high: amount at severity 1.
        source: where the range comes from.
    """

    quantity: str
    unit: str
    low: float
    high: float
    source: str

    def amount(self, normalised: float) -> Quantity:
        """Amount at a severity in [0, 1].

        Example:
            >>> SEVERITY["nodule"].amount(0.5)
            Quantity(value=19.0, unit='mm')
        """
        return Quantity(self.low + normalised * (self.high - self.low), self.unit)

    def normalised(self, value: float) -> float:
        """Severity at an amount in this scale's unit; outside [0, 1] when the amount is."""
        return (value - self.low) / (self.high - self.low)


OPACIFIED = 0.15  # added contrast units from which a reader sees lung as opacified; editors and measurements share it

_FLEISCHNER = "Fleischner Society glossary (Hansell et al., Radiology 2008)"
_SHARE = "opacified share of the lung field"
_GEOMETRY = "geometry of the lung field, no standard"
SEVERITY: dict[str, Severity] = {
    "nodule": Severity(
        "diameter",
        "mm",
        8.0,
        30.0,
        _FLEISCHNER + ": nodule <= 30 mm; below 8 mm few are seen on a film (Muhm et al., Radiology 1983)",
    ),
    "mass": Severity("diameter", "mm", 30.0, 80.0, _FLEISCHNER + ": mass > 30 mm; 80 mm fits every adult zone"),
    "irregular hilum": Severity("diameter", "mm", 15.0, 45.0, "a lobe on a normal hilum to a hilar mass; no standard"),
    "adenopathy": Severity(
        "diameter", "mm", 15.0, 50.0, "nodes above 10 mm short axis are enlarged; on a film from about 15 mm visible"
    ),
    "irregular parenchyma": Severity(
        "share of the lung field with added reticulation", "fraction", 0.08, 0.60, _GEOMETRY
    ),
    "pneumonitis": Severity(_SHARE, "fraction", 0.06, 0.50, _GEOMETRY),
    "consolidation": Severity(
        _SHARE, "fraction", 0.04, 0.40, f"a subsegment (about 1/25 of a lung) to about two lobes; {_GEOMETRY}"
    ),
    "infection": Severity(_SHARE, "fraction", 0.05, 0.50, f"one patch to patches in all zones; {_GEOMETRY}"),
    "opacities": Severity(_SHARE, "fraction", 0.04, 0.40, _GEOMETRY),
    "effusion": Severity(
        _SHARE,
        "fraction",
        0.03,
        0.55,
        "a blunted costophrenic angle (about 200 mL, Blackmore et al., Acad Radiol 1996) to fluid above the hilum",
    ),
    "fluid": Severity(_SHARE, "fraction", 0.03, 0.55, "as effusion"),
    "meniscus sign": Severity(_SHARE, "fraction", 0.06, 0.45, "as effusion; a smaller one only blunts the angle"),
    "costophrenic blunting": Severity(
        _SHARE, "fraction", 0.01, 0.05, "from about 175 mL on (Blackmore et al., Acad Radiol 1996); " + _GEOMETRY
    ),
    "enlarged heart": Severity(
        "cardiothoracic ratio", "ratio", 0.52, 0.70, "enlarged above 0.50 (Danzer, Am J Med Sci 1919)"
    ),
    "absent lung markings": Severity("share of the lung field without markings", "fraction", 0.05, 0.50, _GEOMETRY),
    "pleural air": Severity(
        "share of the lung field beyond the pleural line",
        "fraction",
        0.05,
        0.60,
        "a rim of about 1 cm to about half of the field (Collins et al., AJR 1995)",
    ),
    "irregular diaphragm": Severity("height of the contour's change", "mm", 6.0, 30.0, "no standard"),
    "lung collapse": Severity(
        "share of the lung field beyond the collapsed lung", "fraction", 0.30, 0.80, "Collins et al., AJR 1995"
    ),
    "edema": Severity("opacified share of both lung fields", "fraction", 0.10, 0.70, _GEOMETRY),
    "atelectasis": Severity(_SHARE, "fraction", 0.015, 0.25, f"a plate to a collapsed lower lobe; {_GEOMETRY}"),
    "enlarged cardiomediastinum": Severity("widening of the mediastinum", "mm", 10.0, 45.0, "no standard"),
    "fracture": Severity("displacement of the fragments", "mm", 2.0, 10.0, "up to about a rib's height"),
    "support devices": Severity("length on the film", "mm", 120.0, 700.0, "one short tube to four devices"),
}

ALIASES = {
    "cardiomegaly": "enlarged heart",
    "pneumothorax": "pleural air",
    "pleural effusion": "effusion",
    "lymphadenopathy": "adenopathy",
    "costophrenic angle": "costophrenic blunting",
    "lung opacity": "opacities",
}


def canonical(finding: str) -> str:
    """The key of SEVERITY that a name stands for; other names are given back as they are.

    Example:
        >>> canonical("Cardiomegaly"), canonical("pleural_air"), canonical("gout")
        ('enlarged heart', 'pleural air', 'gout')
    """
    if finding in SEVERITY or not isinstance(finding, str):
        return finding
    plain = finding.lower().replace("_", " ").strip()
    name = ALIASES.get(plain, plain)
    return name if name in SEVERITY else finding
