"""Names: MONAI's aliases for every transform, and none that MONAI already uses."""

import ast
import inspect
import pickle
from pathlib import Path

import monai
import pytest
from monai.bundle import ConfigParser
from monai.transforms import MapTransform, RandomizableTransform, Transform

import monai_cars
from monai_cars import transforms
from monai_cars.transforms.film_edit import FilmEditd

DICTIONARY = [name for name in transforms.__all__ if name.endswith("d") and hasattr(transforms, f"{name[:-1]}D")]
MADE = {
    "DeleteFindingd": {"finding": "mass", "box_key": "boxes"},
    "InsertFindingd": {"finding": "nodule"},
    "InsertFindingsd": {"findings": ["nodule", "effusion"]},
    "LesionToBoxesd": {"classes": ["nodule"]},
    "PerturbFeaturesd": {"vocabulary": "nih-14"},
    "RandCounterfactuald": {"findings": {"nodule": 1.0}, "findings_key": "labels", "vocabulary": "carpa-19"},
    "ShamEditd": {"finding": "nodule"},
    "ValidityGated": {"gate": "full"},
}


def public_names(package):
    """Top-level classes and functions of all files of a package, without importing them."""
    found = {}
    for path in Path(package.__file__).parent.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                found[node.name] = path.name
    return found


def test_no_name_of_monai_is_taken():
    # Configurations resolve short names over every module that starts with "monai", ours among them.
    theirs = public_names(monai)
    taken = {name: file for name, file in public_names(monai_cars).items() if name in theirs}
    assert not taken


def test_every_dictionary_transform_has_its_array_class_and_its_aliases():
    classes = {
        name
        for name, value in vars(transforms).items()
        if inspect.isclass(value) and issubclass(value, MapTransform) and value is not FilmEditd
    }
    stems = {name.removesuffix("Dict")[: None if name.endswith("Dict") else -1] for name in classes}
    assert stems
    for stem in stems:
        assert issubclass(getattr(transforms, stem), Transform)
        assert not issubclass(getattr(transforms, stem), MapTransform)
        dictionary = getattr(transforms, f"{stem}d")
        assert dictionary is getattr(transforms, f"{stem}D") is getattr(transforms, f"{stem}Dict")
        assert dictionary.__name__ == f"{stem}d"
        assert dictionary.backend == getattr(transforms, stem).backend


def test_everything_exported_exists_once():
    assert sorted(set(transforms.__all__)) == sorted(transforms.__all__)
    assert all(hasattr(transforms, name) for name in transforms.__all__)


def test_random_transforms_are_randomizable_first():
    assert transforms.RandCounterfactuald.__mro__.index(
        RandomizableTransform
    ) < transforms.RandCounterfactuald.__mro__.index(MapTransform)


@pytest.mark.parametrize("name", MADE)
def test_a_transform_pickles_small(name):
    transform = getattr(transforms, name)("image", **MADE[name])
    assert len(pickle.dumps(transform)) < 10_000


@pytest.mark.parametrize("name", MADE)
def test_a_configuration_makes_it_by_its_full_name(name):
    parser = ConfigParser({"it": {"_target_": f"monai_cars.transforms.{name}", "keys": "image", **MADE[name]}})
    assert type(parser.get_parsed_content("it")) is getattr(transforms, name)


def test_unknown_options_name_what_is_wrong():
    with pytest.raises(TypeError, match="unexpected keyword argument 'lession_key'"):
        transforms.InsertFindingd("image", "nodule", lession_key="x")
