"""Teachers: independent models that gates ask what they see on a film before and after an edit."""

from monai_cars.teachers.adapters import SegmenterLocaliser, xrv_input, xrv_teacher
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
    "xrv_input",
    "xrv_teacher",
]
