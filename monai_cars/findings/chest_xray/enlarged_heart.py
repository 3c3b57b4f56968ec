"""A heart too wide for the chest: its border is moved, density alone is no cardiomegaly."""

from monai_cars.findings.chest_xray._changes import HEART
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "enlarged heart",
    order=14,
    severity=Severity("cardiothoracic ratio", "ratio", 0.52, 0.7, "enlarged above 0.50 (Danzer, Am J Med Sci 1919)"),
    aliases=("cardiomegaly",),
    words=Words(term="cardiomegaly", singular="an enlarged heart", plural="enlarged hearts", own_word=True),
    place=Place(within="heart", sides="none", shown_by_anatomy=True, only_one=True),
    judged=Judged(
        # A ratio varies little from person to person: 0.04 of 0.55 is the 0.02 that repeat films of one patient show.
        tolerance=0.04,
        least_inside=0.90,
        by_contrast=False,  # a border that moves
        by_geometry=True,
        by_localiser="no",
        keeps_devices=True,
        measured_as="heart size",
    ),
    concepts=Concepts(asked_as=("cardiomegaly",), synonyms=(), moved_by=(HEART,)),
    changes=(HEART,),
)
