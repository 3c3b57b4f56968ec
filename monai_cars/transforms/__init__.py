"""The MONAI face: array transforms and their dictionary forms, for any `Compose` chain."""

from monai_cars.transforms.delete import DeleteFinding, DeleteFindingD, DeleteFindingd, DeleteFindingDict
from monai_cars.transforms.insert import InsertFinding, InsertFindingD, InsertFindingd, InsertFindingDict
from monai_cars.transforms.insert_findings import (
    InsertFindings,
    InsertFindingsD,
    InsertFindingsd,
    InsertFindingsDict,
)
from monai_cars.transforms.lesion_boxes import LesionToBoxes, LesionToBoxesD, LesionToBoxesd, LesionToBoxesDict
from monai_cars.transforms.load import LoadRadiograph, LoadRadiographD, LoadRadiographd, LoadRadiographDict
from monai_cars.transforms.measured_severity import (
    MeasuredSeverity,
    MeasuredSeverityD,
    MeasuredSeverityd,
    MeasuredSeverityDict,
)
from monai_cars.transforms.perturb_features import (
    PerturbFeatures,
    PerturbFeaturesD,
    PerturbFeaturesd,
    PerturbFeaturesDict,
)
from monai_cars.transforms.rand_counterfactual import (
    RandCounterfactual,
    RandCounterfactualD,
    RandCounterfactuald,
    RandCounterfactualDict,
)
from monai_cars.transforms.save import SaveRadiograph, SaveRadiographD, SaveRadiographd, SaveRadiographDict
from monai_cars.transforms.segment import SegmentAnatomy, SegmentAnatomyD, SegmentAnatomyd, SegmentAnatomyDict
from monai_cars.transforms.sham import ShamEdit, ShamEditD, ShamEditd, ShamEditDict
from monai_cars.transforms.validity_gate import ValidityGate, ValidityGateD, ValidityGated, ValidityGateDict

__all__ = [
    "DeleteFinding",
    "DeleteFindingD",
    "DeleteFindingDict",
    "DeleteFindingd",
    "InsertFinding",
    "InsertFindingD",
    "InsertFindingDict",
    "InsertFindingd",
    "InsertFindings",
    "InsertFindingsD",
    "InsertFindingsDict",
    "InsertFindingsd",
    "LesionToBoxes",
    "LesionToBoxesD",
    "LesionToBoxesDict",
    "LesionToBoxesd",
    "LoadRadiograph",
    "LoadRadiographD",
    "LoadRadiographDict",
    "LoadRadiographd",
    "MeasuredSeverity",
    "MeasuredSeverityD",
    "MeasuredSeverityDict",
    "MeasuredSeverityd",
    "PerturbFeatures",
    "PerturbFeaturesD",
    "PerturbFeaturesDict",
    "PerturbFeaturesd",
    "RandCounterfactual",
    "RandCounterfactualD",
    "RandCounterfactualDict",
    "RandCounterfactuald",
    "SaveRadiograph",
    "SaveRadiographD",
    "SaveRadiographDict",
    "SaveRadiographd",
    "SegmentAnatomy",
    "SegmentAnatomyD",
    "SegmentAnatomyDict",
    "SegmentAnatomyd",
    "ShamEdit",
    "ShamEditD",
    "ShamEditDict",
    "ShamEditd",
    "ValidityGate",
    "ValidityGateD",
    "ValidityGateDict",
    "ValidityGated",
]
