"""An opacity of more than 30 mm, round or lobulated, within the lung."""

from monai_cars.findings.chest_xray._changes import AIRLESS, HILUM, LARGE, ROUND
from monai_cars.findings.chest_xray._sources import FLEISCHNER
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "mass",
    order=2,
    severity=Severity("diameter", "mm", 30.0, 80.0, f"{FLEISCHNER}: mass > 30 mm; 80 mm fits every adult zone"),
    aliases=(),
    words=Words(term="mass", singular="a mass", plural="masses", own_word=True),
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
    # RSNA's and NIH's opacities leave masses out: none judges one.
    concepts=Concepts(asked_as=("mass", "lung lesion"), synonyms=(), moved_by=(ROUND, AIRLESS, HILUM)),
    changes=(ROUND, LARGE),
    # Malignant masses are mostly lobulated or spiculated (Fleischner glossary), few cavitate.
    looks=(("round", 0.22), ("lobulated", 0.37), ("spiculated", 0.33), ("cavity", 0.08)),
)
