"""What a finding is, as data: names, scale of severity, place, and how an edit of it is judged.

One folder an organ, one file a finding; the registry finds them, so that a new finding is a new file and no other.
Findings are what can be *edited*. Two other kinds of words lie elsewhere: label sets (`features/vocabularies`, what a
table or a classifier calls a film's labels) and report language (the phrases of `features/reports`). A vocabulary's
file says itself which of its labels a finding sets; a finding says which concept it is to a classifier.
"""

from monai_cars.findings.finding import Concept, Concepts, Finding, Judged, Place, Words
from monai_cars.findings.registry import (
    ALIASES,
    FINDINGS,
    SEVERITY,
    canonical,
    finding_of,
    register,
    registered,
)
from monai_cars.findings.scale import Quantity, Severity

__all__ = [
    "ALIASES",
    "FINDINGS",
    "SEVERITY",
    "Concept",
    "Concepts",
    "Finding",
    "Judged",
    "Place",
    "Quantity",
    "Severity",
    "Words",
    "canonical",
    "finding_of",
    "register",
    "registered",
]
