"""Inflammation of the lung without a lobar border: peribronchial haze."""

from monai_cars.findings.chest_xray._changes import AIRLESS, LARGE
from monai_cars.findings.chest_xray._sources import GEOMETRY, OPACIFIED_SHARE
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "pneumonitis",
    order=6,
    severity=Severity(OPACIFIED_SHARE, "fraction", 0.06, 0.5, GEOMETRY),
    aliases=(),
    words=Words(term="pneumonitis", singular="pneumonitis", plural="areas of pneumonitis", own_word=False),
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
    concepts=Concepts(asked_as=("pneumonia", "opacity", "infiltration"), synonyms=(), moved_by=(LARGE, AIRLESS)),
    changes=(AIRLESS,),
)
