"""A costophrenic angle rounded by a little fluid, under a dome that stays visible."""

from monai_cars.findings.chest_xray._changes import AIRLESS, DIAPHRAGM, DOME, FLUID, HEART, HEART_HIDDEN
from monai_cars.findings.chest_xray._sources import BLACKMORE, GEOMETRY, OPACIFIED_SHARE
from monai_cars.findings.chest_xray.effusion import FINDING as EFFUSION
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "costophrenic blunting",
    order=13,
    severity=Severity(OPACIFIED_SHARE, "fraction", 0.01, 0.05, f"from about 175 mL on ({BLACKMORE}); {GEOMETRY}"),
    aliases=("costophrenic angle",),
    words=Words(
        term="blunting of the costophrenic angle",
        singular="costophrenic blunting",
        plural="blunted costophrenic angles",
        own_word=False,
    ),
    place=Place(within="lung", sides="one", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        # It reaches to the true pleura, a few millimetres beyond the segmented field.
        least_inside=0.80,
        by_contrast=True,
        by_geometry=True,
        by_localiser="no",
        keeps_devices=True,
        measured_as="fluid height",
    ),
    concepts=Concepts(asked_as=("costophrenic blunting", EFFUSION.concept), synonyms=(), moved_by=(FLUID, DOME)),
    changes=(AIRLESS, HEART, HEART_HIDDEN, FLUID, DIAPHRAGM),
)
