"""Enlarged lymph nodes of one or both hila, beside the trachea or in the aortopulmonary window."""

from monai_cars.findings.chest_xray._changes import HILUM, ROUND
from monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words
from monai_cars.findings.scale import Severity

FINDING = Finding(
    "adenopathy",
    order=4,
    severity=Severity(
        "diameter", "mm", 15.0, 50.0, "nodes above 10 mm short axis are enlarged; on a film from about 15 mm visible"
    ),
    aliases=("lymphadenopathy",),
    words=Words(term="adenopathy", singular="adenopathy", plural="groups of enlarged nodes", own_word=True),
    place=Place(within="hilum", sides="any", shown_by_anatomy=False, only_one=False),
    judged=Judged(
        tolerance=0.20,
        least_inside=0.90,
        by_contrast=True,
        by_geometry=False,
        by_localiser="no",
        keeps_devices=True,
        measured_as=None,
    ),
    concepts=Concepts(asked_as=("hilum", "wide mediastinum"), synonyms=(), moved_by=(HILUM,)),
    changes=(ROUND, HILUM),
)
