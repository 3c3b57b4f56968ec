"""Reticulation: lines and small cysts in the texture of the lung, mostly at its bases and rim."""

from monai_cars.findings.chest_xray._changes import AIRLESS, LARGE, MARKINGS
from monai_cars.findings.chest_xray._sources import GEOMETRY
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "irregular parenchyma",
    order=5,
    severity=Severity("share of the lung field with added reticulation", "fraction", 0.08, 0.6, GEOMETRY),
    aliases=(),
    words=Words(
        term="reticular interstitial opacities",
        singular="irregular parenchyma",
        plural="areas of irregular parenchyma",
        own_word=True,
    ),
    place=Place(within="lung", sides="one", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        least_inside=0.90,
        by_contrast=False,  # texture; its mean density hardly rises
        by_geometry=False,
        by_localiser="no",
        keeps_devices=True,
        measured_as=None,
    ),
    concepts=Concepts(asked_as=("fibrosis", "opacity", "infiltration"), synonyms=(), moved_by=(LARGE, AIRLESS)),
    changes=(AIRLESS, MARKINGS),
)
