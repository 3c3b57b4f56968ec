"""The concave upper border of pleural fluid that climbs the chest wall."""

from monai_cars.findings.chest_xray._changes import AIR, AIRLESS, DIAPHRAGM, FLUID, HEART, HEART_HIDDEN
from monai_cars.findings.chest_xray._sources import OPACIFIED_SHARE
from monai_cars.findings.chest_xray.effusion import FINDING as EFFUSION
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "meniscus sign",
    order=12,
    severity=Severity(OPACIFIED_SHARE, "fraction", 0.06, 0.45, "as effusion; a smaller one only blunts the angle"),
    aliases=(),
    words=Words(term="meniscus sign", singular="a meniscus", plural="meniscus signs", own_word=False),
    place=Place(within="lung", sides="one", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        # It reaches to the true pleura, a few millimetres beyond the segmented field.
        least_inside=0.80,
        by_contrast=True,
        by_geometry=True,
        by_localiser="no",
        keeps_devices=True,
        measured_as="fluid height",
    ),
    concepts=Concepts(asked_as=("meniscus sign", EFFUSION.concept), synonyms=(), moved_by=(FLUID, AIR)),
    changes=(AIRLESS, HEART, HEART_HIDDEN, FLUID, DIAPHRAGM),
)
