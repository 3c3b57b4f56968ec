"""Anatomy of a frontal chest film: segmentation, zones, measurements, and the unit its amplitudes are told in."""

from monai_cars.chest_xray.anatomy.contrast import ContrastUnit, contrast_unit
from monai_cars.chest_xray.anatomy.measurements import (
    cardiothoracic_ratio,
    estimate_spacing,
    lung_areas,
    thoracic_width,
)
from monai_cars.chest_xray.anatomy.segmenter import AnatomySegmenter, Segmenter, load_segmenter
from monai_cars.chest_xray.anatomy.structures import SIDES, STRUCTURES, heart, lung, structure
from monai_cars.chest_xray.anatomy.zones import zones
from monai_cars.findings.chest_xray import ZONES

__all__ = [
    "SIDES",
    "STRUCTURES",
    "ZONES",
    "AnatomySegmenter",
    "ContrastUnit",
    "Segmenter",
    "cardiothoracic_ratio",
    "contrast_unit",
    "estimate_spacing",
    "heart",
    "load_segmenter",
    "lung",
    "lung_areas",
    "structure",
    "thoracic_width",
    "zones",
]
