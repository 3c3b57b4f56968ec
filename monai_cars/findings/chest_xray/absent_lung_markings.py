"""A part of the field without vessels, as pleural air leaves it, where no line is seen."""

from monai_cars.findings.chest_xray._changes import AIR, AIRLESS, DIAPHRAGM, MARKINGS
from monai_cars.findings.chest_xray._sources import GEOMETRY
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "absent lung markings",
    order=15,
    severity=Severity("share of the lung field without markings", "fraction", 0.05, 0.5, GEOMETRY),
    aliases=(),
    words=Words(
        term="absent lung markings",
        singular="absent lung markings",
        plural="areas without lung markings",
        own_word=False,
    ),
    place=Place(within="lung", sides="one", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        # It reaches to the true pleura, a few millimetres beyond the segmented field.
        least_inside=0.80,
        by_contrast=False,  # texture that goes
        by_geometry=True,
        by_localiser="no",
        keeps_devices=True,
        measured_as="aerated lung",
    ),
    concepts=Concepts(asked_as=("pneumothorax",), synonyms=(), moved_by=(AIR,)),
    changes=(AIRLESS, MARKINGS, AIR, DIAPHRAGM),
)
