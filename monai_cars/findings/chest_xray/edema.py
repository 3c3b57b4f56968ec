"""Fluid in the lungs: haze about both hila, septal lines, full upper vessels."""

from monai_cars.findings.chest_xray._changes import AIRLESS
from monai_cars.findings.chest_xray._sources import GEOMETRY
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "edema",
    order=19,
    severity=Severity("opacified share of both lung fields", "fraction", 0.1, 0.7, GEOMETRY),
    aliases=(),
    words=Words(term="pulmonary edema", singular="edema", plural="areas of edema", own_word=True),
    place=Place(within="lung", sides="both", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        least_inside=0.90,
        by_contrast=True,
        by_geometry=False,
        by_localiser="no",
        keeps_devices=True,
        measured_as="opacified area",
    ),
    concepts=Concepts(
        asked_as=("edema", "opacity", "infiltration"), synonyms=("pulmonary edema",), moved_by=(AIRLESS,)
    ),
    changes=(AIRLESS,),
)
