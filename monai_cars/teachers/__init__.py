"""Teachers: independent models that gates ask what they see on a film before and after an edit."""

from monai_cars._moved import moved_name
from monai_cars.teachers.contract import (
    CallableTeacher,
    Embedder,
    Localiser,
    Teacher,
    TeacherError,
)
from monai_cars.teachers.independence import (
    LEARNED_NOTHING,
    SharedDataError,
    SharedDataWarning,
    independent,
    shared_data,
)
from monai_cars.teachers.segmenter_localiser import SegmenterLocaliser

__all__ = [
    "LEARNED_NOTHING",
    "CallableTeacher",
    "Embedder",
    "Localiser",
    "SegmenterLocaliser",
    "SharedDataError",
    "SharedDataWarning",
    "Teacher",
    "TeacherError",
    "independent",
    "shared_data",
]


def __getattr__(name: str) -> object:
    """What lay here before organs had rooms of their own."""
    return moved_name(__name__, name)
