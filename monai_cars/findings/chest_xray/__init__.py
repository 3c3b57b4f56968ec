"""The findings of a chest radiograph, one file each, and what classifiers of such films answer beside them."""

from monai_cars.findings.chest_xray._changes import (
    AIR,
    AIRLESS,
    DIAPHRAGM,
    DOME,
    FLUID,
    HEART,
    HEART_HIDDEN,
    HILUM,
    LARGE,
    MARKINGS,
    ROUND,
)
from monai_cars.findings.finding import Concept

__all__ = [
    "AIR",
    "AIRLESS",
    "CONCEPTS",
    "DIAPHRAGM",
    "DOME",
    "FLUID",
    "HEART",
    "HEART_HIDDEN",
    "HILUM",
    "LARGE",
    "MARKINGS",
    "ROUND",
    "ZONES",
]

CONCEPTS = (
    Concept(name="infiltration", synonyms=("infiltrate",), moved_by=(ROUND, AIRLESS)),
    Concept(name="lung lesion", synonyms=("lesion", "nodule or mass"), moved_by=(ROUND, AIRLESS, HILUM)),
    Concept(name="pleural thickening", synonyms=("pleural other",), moved_by=(FLUID,)),
    Concept(name="emphysema", synonyms=(), moved_by=(MARKINGS,)),
    Concept(name="hernia", synonyms=(), moved_by=(DOME,)),
)
"""Answers that no editable finding stands for."""
ZONES = ("upper", "middle", "lower", "apex", "costophrenic", "hilar")
"""Parts of a lung field in which an edit may be asked for."""
