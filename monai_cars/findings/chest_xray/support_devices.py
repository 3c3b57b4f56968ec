"""Tubes, lines and pacemakers."""

from monai_cars.findings.chest_xray._changes import HEART_HIDDEN
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "support devices",
    order=23,
    severity=Severity("length on the film", "mm", 120.0, 700.0, "one short tube to four devices"),
    aliases=(),
    words=Words(term="support devices", singular="support devices", plural="support devices", own_word=True),
    place=Place(within="anywhere", sides="none", shown_by_anatomy=True, only_one=False),
    judged=Judged(
        tolerance=0.20,
        least_inside=0.90,
        by_contrast=False,  # thin lines
        by_geometry=False,
        by_localiser="no",
        keeps_devices=False,
        measured_as=None,
    ),
    concepts=Concepts(asked_as=("support devices",), synonyms=(), moved_by=()),
    changes=(HEART_HIDDEN,),
)
