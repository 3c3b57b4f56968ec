"""A round opacity of up to 30 mm within the lung."""

from monai_cars.findings.chest_xray._changes import AIRLESS, HILUM, ROUND
from monai_cars.findings.chest_xray._sources import FLEISCHNER
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "nodule",
    order=1,
    severity=Severity(
        "diameter",
        "mm",
        8.0,
        30.0,
        f"{FLEISCHNER}: nodule <= 30 mm; below 8 mm few are seen on a film (Muhm et al., Radiology 1983)",
    ),
    aliases=(),
    words=Words(term="nodule", singular="a nodule", plural="nodules", own_word=True),
    place=Place(within="lung", sides="one", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        least_inside=0.90,
        by_contrast=True,
        by_geometry=False,
        by_localiser="asked",
        keeps_devices=True,
        measured_as=None,
    ),
    # RSNA's and NIH's opacities leave nodules out: none judges one.
    concepts=Concepts(asked_as=("nodule", "lung lesion"), synonyms=(), moved_by=(ROUND, AIRLESS, HILUM)),
    changes=(ROUND,),
    looks=(("round", 0.60), ("lobulated", 0.18), ("subsolid", 0.12), ("spiculated", 0.10)),
)
