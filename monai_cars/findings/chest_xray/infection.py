"""Patches of pneumonia in one or more zones of one or both lungs."""

from monai_cars.findings.chest_xray._changes import AIRLESS, LARGE
from monai_cars.findings.chest_xray._sources import GEOMETRY, OPACIFIED_SHARE
from monai_cars.findings.chest_xray.consolidation import FINDING as CONSOLIDATION
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "infection",
    order=8,
    severity=Severity(OPACIFIED_SHARE, "fraction", 0.05, 0.5, f"one patch to patches in all zones; {GEOMETRY}"),
    aliases=(),
    words=Words(term="multifocal pneumonia", singular="an infection", plural="areas of infection", own_word=False),
    place=Place(within="lung", sides="any", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        least_inside=0.90,
        by_contrast=True,
        by_geometry=False,
        by_localiser="taught",
        keeps_devices=True,
        measured_as="opacified area",
    ),
    concepts=Concepts(
        asked_as=("pneumonia", CONSOLIDATION.concept, "opacity", "infiltration"), synonyms=(), moved_by=(LARGE, AIRLESS)
    ),
    changes=(AIRLESS,),
)
