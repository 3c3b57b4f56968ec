"""A lobulated, spiculated enlargement of one hilum."""

from monai_cars.findings.chest_xray._changes import HILUM, ROUND
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "irregular hilum",
    order=3,
    severity=Severity("diameter", "mm", 15.0, 45.0, "a lobe on a normal hilum to a hilar mass; no standard"),
    aliases=(),
    words=Words(term="irregular hilum", singular="an irregular hilum", plural="irregular hila", own_word=False),
    place=Place(within="hilum", sides="one", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        least_inside=0.90,
        by_contrast=True,
        by_geometry=False,
        by_localiser="no",
        keeps_devices=True,
        measured_as=None,
    ),
    concepts=Concepts(asked_as=("hilum", "wide mediastinum"), synonyms=(), moved_by=(HILUM,)),
    changes=(ROUND, HILUM),
)
