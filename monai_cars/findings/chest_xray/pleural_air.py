"""A pneumothorax: air between lung and chest wall, beyond a fine pleural line."""

from monai_cars.findings.chest_xray._changes import AIR, AIRLESS, DIAPHRAGM, MARKINGS
from monai_cars.findings.chest_xray._sources import COLLINS
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "pleural air",
    order=16,
    severity=Severity(
        "share of the lung field beyond the pleural line",
        "fraction",
        0.05,
        0.6,
        f"a rim of about 1 cm to about half of the field ({COLLINS})",
    ),
    aliases=("pneumothorax",),
    words=Words(term="pneumothorax", singular="pleural air", plural="collections of pleural air", own_word=True),
    place=Place(within="lung", sides="one", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        # It reaches to the true pleura, a few millimetres beyond the segmented field.
        least_inside=0.80,
        by_contrast=False,  # texture that goes, and a thin line
        by_geometry=True,
        by_localiser="no",
        keeps_devices=True,
        measured_as="aerated lung",
    ),
    concepts=Concepts(asked_as=("pneumothorax",), synonyms=(), moved_by=(AIR,)),
    changes=(AIRLESS, MARKINGS, AIR, DIAPHRAGM),
)
