"""Pleural fluid, as a report names it without saying more; drawn and measured as an effusion."""

from monai_cars.findings.chest_xray._changes import AIRLESS, DIAPHRAGM, FLUID, HEART, HEART_HIDDEN
from monai_cars.findings.chest_xray._sources import OPACIFIED_SHARE
from monai_cars.findings.chest_xray.effusion import FINDING as EFFUSION
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "fluid",
    order=11,
    severity=Severity(OPACIFIED_SHARE, "fraction", 0.03, 0.55, "as effusion"),
    aliases=(),
    words=Words(term="pleural fluid", singular="fluid", plural="collections of fluid", own_word=False),
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
    concepts=Concepts(asked_as=(EFFUSION.concept,), synonyms=(), moved_by=(FLUID,)),
    changes=(AIRLESS, HEART, HEART_HIDDEN, FLUID, DIAPHRAGM),
)
