"""A hump, a step or a flattening of one half of the diaphragm."""

from monai_cars.findings.chest_xray._changes import DIAPHRAGM, DOME
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "irregular diaphragm",
    order=17,
    severity=Severity("height of the contour's change", "mm", 6.0, 30.0, "no standard"),
    aliases=(),
    words=Words(
        term="irregular diaphragm", singular="an irregular diaphragm", plural="irregular diaphragms", own_word=False
    ),
    place=Place(within="diaphragm", sides="one", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        least_inside=0.90,
        by_contrast=False,  # a border that moves
        by_geometry=True,
        by_localiser="no",
        keeps_devices=True,
        measured_as=None,
    ),
    concepts=Concepts(asked_as=("irregular diaphragm",), synonyms=(), moved_by=(DIAPHRAGM,)),
    changes=(DIAPHRAGM, DOME),
)
