"""Free fluid in the pleural space: a meniscus on an erect film, a veil on a supine one."""

from monai_cars.findings.chest_xray._changes import AIRLESS, DIAPHRAGM, FLUID, HEART, HEART_HIDDEN
from monai_cars.findings.chest_xray._sources import BLACKMORE, OPACIFIED_SHARE
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "effusion",
    order=10,
    severity=Severity(
        OPACIFIED_SHARE,
        "fraction",
        0.03,
        0.55,
        f"a blunted costophrenic angle (about 200 mL, {BLACKMORE}) to fluid above the hilum",
    ),
    aliases=("pleural effusion",),
    words=Words(term="pleural effusion", singular="an effusion", plural="effusions", own_word=True),
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
    concepts=Concepts(asked_as=("effusion",), synonyms=(), moved_by=(FLUID,)),
    changes=(AIRLESS, HEART, HEART_HIDDEN, FLUID, DIAPHRAGM),
)
