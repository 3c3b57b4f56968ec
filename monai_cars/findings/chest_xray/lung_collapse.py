"""A lung that pleural air has brought down to a dense stump at the hilum."""

from monai_cars.findings.chest_xray._changes import AIR, AIRLESS, DIAPHRAGM, DOME, LARGE, MARKINGS
from monai_cars.findings.chest_xray._sources import COLLINS
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "lung collapse",
    order=18,
    severity=Severity("share of the lung field beyond the collapsed lung", "fraction", 0.3, 0.8, COLLINS),
    aliases=(),
    words=Words(term="lung collapse", singular="a lung collapse", plural="collapsed lungs", own_word=False),
    place=Place(within="lung", sides="one", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        # It reaches to the true pleura, a few millimetres beyond the segmented field.
        least_inside=0.80,
        by_contrast=False,  # texture that goes, and a border
        by_geometry=True,
        by_localiser="no",
        keeps_devices=True,
        measured_as=None,  # the stump takes aerated lung away, the air beside it adds some
    ),
    concepts=Concepts(asked_as=("lung collapse", "pneumothorax"), synonyms=(), moved_by=(LARGE, AIRLESS, DOME)),
    changes=(AIRLESS, MARKINGS, AIR, DIAPHRAGM),
)
