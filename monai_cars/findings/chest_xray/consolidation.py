"""Air spaces filled within a segment or lobe: dense, with air bronchograms."""

from monai_cars.findings.chest_xray._changes import AIRLESS, LARGE
from monai_cars.findings.chest_xray._sources import GEOMETRY, OPACIFIED_SHARE
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "consolidation",
    order=7,
    severity=Severity(
        OPACIFIED_SHARE, "fraction", 0.04, 0.4, f"a subsegment (about 1/25 of a lung) to about two lobes; {GEOMETRY}"
    ),
    aliases=(),
    words=Words(term="consolidation", singular="a consolidation", plural="consolidations", own_word=True),
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
    concepts=Concepts(asked_as=("consolidation", "opacity", "infiltration"), synonyms=(), moved_by=(LARGE, AIRLESS)),
    changes=(AIRLESS,),
)
