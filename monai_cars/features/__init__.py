"""Clinical features: vocabularies, feature vectors, labels by rule, and what an edit does to a vector."""

from monai_cars.features.consistency import check_combination, check_consistent, contradictions
from monai_cars.features.feature_vector import FeatureVector, UnknownFindingError
from monai_cars.features.labels import label_names, to_labels
from monai_cars.features.perturbations import (
    KINDS,
    TooFewPerturbationsError,
    co_occurring,
    perturb,
    perturbations,
)
from monai_cars.features.reports.report import Mention, from_report, mentions
from monai_cars.features.tables.sheet import TableError
from monai_cars.features.tables.table import datalist_of, from_table
from monai_cars.features.tables.writing import to_table
from monai_cars.features.vectors import apply_edit, as_vector, present_findings, vector_of
from monai_cars.features.vocabulary import BUILT_IN, Vocabulary, VocabularyError, load_vocabulary

__all__ = [
    "BUILT_IN",
    "KINDS",
    "FeatureVector",
    "Mention",
    "TableError",
    "TooFewPerturbationsError",
    "UnknownFindingError",
    "Vocabulary",
    "VocabularyError",
    "apply_edit",
    "as_vector",
    "check_combination",
    "check_consistent",
    "co_occurring",
    "contradictions",
    "datalist_of",
    "from_report",
    "from_table",
    "label_names",
    "load_vocabulary",
    "mentions",
    "perturb",
    "perturbations",
    "present_findings",
    "to_labels",
    "to_table",
    "vector_of",
]
