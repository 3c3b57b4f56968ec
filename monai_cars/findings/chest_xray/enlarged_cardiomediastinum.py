"""A mediastinum too wide above the heart."""

from monai_cars.findings.chest_xray._changes import HEART, HEART_HIDDEN, HILUM
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "enlarged cardiomediastinum",
    order=21,
    severity=Severity("widening of the mediastinum", "mm", 10.0, 45.0, "no standard"),
    aliases=(),
    words=Words(
        term="enlarged cardiomediastinum",
        singular="an enlarged cardiomediastinum",
        plural="wide mediastina",
        own_word=False,
    ),
    place=Place(within="mediastinum", sides="none", shown_by_anatomy=True, only_one=True),
    judged=Judged(
        tolerance=0.20,
        least_inside=0.90,
        by_contrast=False,  # a border that moves
        by_geometry=True,
        by_localiser="no",
        keeps_devices=True,
        measured_as=None,
    ),
    concepts=Concepts(asked_as=("wide mediastinum",), synonyms=(), moved_by=(HILUM, HEART)),
    changes=(HILUM, HEART, HEART_HIDDEN),
)
