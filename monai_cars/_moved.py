"""Earlier import paths that the documentation has shown: they go on working, and lead to where a thing lies now."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

MODULES = {
    "monai_cars.anatomy": "monai_cars.chest_xray.anatomy",
    "monai_cars.anatomy.export": "monai_cars.chest_xray.training.export",
    "monai_cars.anatomy.orientation": "monai_cars.chest_xray.anatomy.orientation_network",
    "monai_cars.anatomy.orientation_training": "monai_cars.chest_xray.training.train_orientation",
    "monai_cars.anatomy.recipe": "monai_cars.chest_xray.training.anatomy_recipe",
    "monai_cars.chest_xray.implications": "monai_cars.gates.implications",
    "monai_cars.counterfactual": "monai_cars.loop.counterfactual",
    "monai_cars.edit": "monai_cars.edits.edit",
    "monai_cars.editors.diffusion.place": "monai_cars.chest_xray.editors.diffusion.place",
    "monai_cars.editors.diffusion.prompts": "monai_cars.chest_xray.editors.diffusion.prompts",
    "monai_cars.editors.diffusion.radedit": "monai_cars.chest_xray.editors.diffusion.radedit",
    "monai_cars.editors.diffusion.stable_diffusion": "monai_cars.chest_xray.editors.diffusion.stable_diffusion",
    "monai_cars.evaluation.losses": "monai_cars.features.losses",
    "monai_cars.evaluation.panel": "monai_cars.reporting.panel",
    "monai_cars.evaluation.report": "monai_cars.reporting.html_report",
    "monai_cars.features.report": "monai_cars.features.reports.report",
    "monai_cars.gates.controls": "monai_cars.chest_xray.controls",
    "monai_cars.gates.profiles": "monai_cars.chest_xray.gate",
    "monai_cars.losses": "monai_cars.features.losses",
    "monai_cars.publish": "monai_cars.weights.publish",
    "monai_cars.radiograph": "monai_cars.files.radiograph",
    "monai_cars.sample_seed": "monai_cars.edits.sample_seed",
    "monai_cars.severity": "monai_cars.findings.severity",
    "monai_cars.teachers.embedding": "monai_cars.chest_xray.teacher.descriptor",
    "monai_cars.teachers.network": "monai_cars.chest_xray.teacher.network",
    "monai_cars.teachers.recipe": "monai_cars.chest_xray.training.teacher_recipe",
    "monai_cars.teachers.shipped": "monai_cars.chest_xray.teacher.shipped",
}
"""Module that was -> module that is; what lay in a package that was is looked for in the package that is."""

NAMES = {
    "monai_cars.editors": {
        "AttenuationEditor": "monai_cars.chest_xray.editors.attenuation",
        "EDITORS": "monai_cars.chest_xray.editors.choose",
        "Film": "monai_cars.edits.film",
        "make_editor": "monai_cars.chest_xray.editors.choose",
    },
    "monai_cars.gates": {
        "AnatomyPreserved": "monai_cars.chest_xray.checks.anatomy_preserved",
        "DevicesPreserved": "monai_cars.chest_xray.checks.devices_preserved",
        "DevicesRemoved": "monai_cars.chest_xray.checks.devices_removed",
        "GateModels": "monai_cars.chest_xray.gate",
        "InsideLung": "monai_cars.chest_xray.checks.inside_lung",
        "InsideRegion": "monai_cars.chest_xray.checks.inside_region",
        "MeasurementAgrees": "monai_cars.chest_xray.checks.measurement_agrees",
        "NoHole": "monai_cars.chest_xray.checks.no_hole",
        "OpacityRemoved": "monai_cars.chest_xray.checks.opacity_removed",
        "decisive": "monai_cars.gates.implications",
        "default_gate": "monai_cars.chest_xray.gate",
        "profile_table": "monai_cars.chest_xray.gate",
        "stable_outputs": "monai_cars.gates.implications",
        "target_output": "monai_cars.gates.implications",
    },
    "monai_cars.teachers": {
        "xrv_input": "monai_cars.chest_xray.teacher.xrv",
        "xrv_teacher": "monai_cars.chest_xray.teacher.xrv",
    },
}
"""Package -> name that it offered -> module that has it now."""


class _Moved(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers an import of a module that was moved with the module itself: one object under both names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for the names of `MODULES` only."""
        where = now_at(fullname)
        if where is None:
            return None
        found = importlib.util.find_spec(where)
        if found is None:
            return None
        # Only a package may be called one: ``python -m`` looks for the ``__main__`` of a package.
        package = found.submodule_search_locations is not None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=package)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """A module of the old name; `exec_module` puts the real one in its place."""
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Import the module that is, under the name that was."""
        sys.modules[module.__name__] = importlib.import_module(str(now_at(module.__name__)))

    def get_code(self, fullname: str) -> object:
        """For ``python -m``: the code of the module that is."""
        where = str(now_at(fullname))
        spec = importlib.util.find_spec(where)
        return spec.loader.get_code(where) if spec and isinstance(spec.loader, importlib.abc.InspectLoader) else None


def now_at(name: str) -> str | None:
    """Where a module lies that was moved, None for every other name.

    Example:
        >>> now_at("monai_cars.anatomy.zones"), now_at("monai_cars.gates")
        ('monai_cars.chest_xray.anatomy.zones', None)
    """
    if name in MODULES:
        return MODULES[name]
    package, _, rest = name.rpartition(".")
    return f"{MODULES[package]}.{rest}" if package in MODULES else None


def install() -> None:
    """Let imports find what was moved. Asked first: a file of the package that is must not be loaded a second time."""
    if not any(isinstance(finder, _Moved) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Moved())


def moved_name(package: str, name: str) -> object:
    """What a package's ``__getattr__`` returns for a name that it offered before.

    Raises:
        AttributeError: it never did.

    Example:
        >>> moved_name("monai_cars.gates", "default_gate").__module__
        'monai_cars.chest_xray.gate'
    """
    where = NAMES.get(package, {}).get(name)
    if where is None:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return getattr(importlib.import_module(where), name)
