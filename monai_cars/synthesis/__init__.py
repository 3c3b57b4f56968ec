"""A run over films: plan, edit, gate, write; the part of the library that a bundle calls."""

from monai_cars.synthesis.folder import RunFolder, read_manifest
from monai_cars.synthesis.naming import pseudonym
from monai_cars.synthesis.options import OptionError, check_options, speak_plainly, spoken
from monai_cars.synthesis.plan import PlanError, PlannedEdit, plan_edits
from monai_cars.synthesis.run import REFUSED, Synthesis
from monai_cars.synthesis.sources import Source, SourceError, find_sources, left_out

__all__ = [
    "REFUSED",
    "OptionError",
    "PlanError",
    "PlannedEdit",
    "RunFolder",
    "Source",
    "SourceError",
    "Synthesis",
    "check_options",
    "find_sources",
    "left_out",
    "plan_edits",
    "pseudonym",
    "read_manifest",
    "speak_plainly",
    "spoken",
]
