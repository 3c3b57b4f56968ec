"""Lung without air and with less volume: a plate, a wedge or a lobe."""

from monai_cars.findings.chest_xray._changes import AIRLESS, DIAPHRAGM, LARGE
from monai_cars.findings.chest_xray._sources import GEOMETRY, OPACIFIED_SHARE
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "atelectasis",
    order=20,
    severity=Severity(OPACIFIED_SHARE, "fraction", 0.015, 0.25, f"a plate to a collapsed lower lobe; {GEOMETRY}"),
    aliases=(),
    words=Words(term="atelectasis", singular="an atelectasis", plural="atelectases", own_word=True),
    place=Place(within="lung", sides="one", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        least_inside=0.90,
        by_contrast=True,
        by_geometry=False,
        by_localiser="no",
        keeps_devices=True,
        measured_as="opacified area",
    ),
    concepts=Concepts(asked_as=("atelectasis", "opacity", "infiltration"), synonyms=(), moved_by=(LARGE, AIRLESS)),
    changes=(AIRLESS, DIAPHRAGM),
)
