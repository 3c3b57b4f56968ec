"""A broken rib whose fragments have moved against each other."""

from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "fracture",
    order=22,
    severity=Severity("displacement of the fragments", "mm", 2.0, 10.0, "up to about a rib's height"),
    aliases=(),
    words=Words(term="rib fracture", singular="a fracture", plural="fractures", own_word=True),
    place=Place(within="thorax", sides="one", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        least_inside=0.90,
        by_contrast=False,  # a thin line and a step
        by_geometry=False,
        by_localiser="no",
        keeps_devices=True,
        measured_as=None,
    ),
    concepts=Concepts(asked_as=("fracture",), synonyms=(), moved_by=()),
    changes=(),
)
