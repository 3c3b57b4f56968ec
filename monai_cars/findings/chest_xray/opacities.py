"""Opacities of the lung that a film does not tell the cause of."""

from monai_cars.findings.chest_xray._changes import AIRLESS, ROUND
from monai_cars.findings.chest_xray._sources import GEOMETRY, OPACIFIED_SHARE
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "opacities",
    order=9,
    severity=Severity(OPACIFIED_SHARE, "fraction", 0.04, 0.4, GEOMETRY),
    aliases=("lung opacity",),
    words=Words(term="lung opacity", singular="an opacity", plural="opacities", own_word=False),
    place=Place(within="lung", sides="one", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        least_inside=0.90,
        by_contrast=True,
        by_geometry=False,
        by_localiser="taught",
        keeps_devices=True,
        measured_as="opacified area",
    ),
    concepts=Concepts(asked_as=("opacity", "infiltration"), synonyms=(), moved_by=(ROUND, AIRLESS)),
    changes=(AIRLESS,),
)
