"""A finding is told in one file: data that is complete, light, and the same set that is drawn and measured."""

import subprocess
import sys
from dataclasses import fields, replace
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

import monai_cars.findings
from monai_cars.chest_xray.checks.inside_region import REACH_MM
from monai_cars.chest_xray.checks.measurement_agrees import AIR, FLUID, HEART, OPACITY
from monai_cars.chest_xray.editors.attenuation import DRAWINGS
from monai_cars.chest_xray.measurement.measure import MEASURES
from monai_cars.findings.chest_xray import _changes
from monai_cars.findings.finding import LAST, Concepts, Finding, Judged, Place, Words
from monai_cars.findings.registry import ALIASES, FINDINGS, SEVERITY, concepts, finding_of

FOLDER = Path(monai_cars.findings.__file__).parent
FILES = sorted(path for path in FOLDER.glob("*/*.py") if not path.name.startswith("_"))
CHANGES = {value for name, value in vars(_changes).items() if name.isupper()}
EVERY = pytest.mark.parametrize("finding", FINDINGS.values(), ids=list(FINDINGS))


def test_what_is_drawn_and_measured_is_what_is_registered():
    of_chest = {name for name, finding in FINDINGS.items() if finding.organ == "chest_xray"}
    assert set(DRAWINGS) == of_chest
    assert set(MEASURES) == of_chest
    assert list(SEVERITY) == list(FINDINGS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_bears_its_findings_name_and_a_folder_its_organs(path):
    told = import_module(f"monai_cars.findings.{path.parent.name}.{path.stem}").FINDING
    assert told.name.replace(" ", "_") == path.stem
    assert FINDINGS[told.name] == replace(told, organ=path.parent.name)


def test_every_file_is_registered():
    assert {path.stem for path in FILES} == {name.replace(" ", "_") for name in FINDINGS}
    assert {path.parent.name for path in FILES} == {finding.organ for finding in FINDINGS.values()} == {"chest_xray"}


def test_findings_load_nothing_heavy():
    code = "import sys, monai_cars.findings as f; print(len(f.FINDINGS), *{'torch', 'numpy', 'monai'} & {*sys.modules})"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == f"{len(FINDINGS)}\n"


def test_lists_begin_with_what_has_an_order():
    assert list(FINDINGS)[:3] == ["nodule", "mass", "irregular hilum"]
    assert all((one.order, one.name) < (other.order, other.name) for one, other in pairwise(FINDINGS.values()))
    assert Finding("scar", **{part.name: getattr(MASS, part.name) for part in fields(MASS)[1:8]}).order == LAST


@EVERY
def test_a_finding_says_only_what_a_chests_checks_understand(finding):
    assert finding.place.within in ("lung", "anywhere", *REACH_MM)
    assert finding.judged.measured_as in (None, HEART, FLUID, OPACITY, AIR)
    assert {*finding.changes, *finding.concepts.moved_by} <= CHANGES
    assert all(set(concept.moved_by) <= CHANGES for concept in concepts())


@EVERY
def test_what_one_part_of_a_finding_says_another_does_not_deny(finding):
    place, judged = finding.place, finding.judged
    assert place.shown_by_anatomy or not place.only_one  # a region marks one instance, whatever else there is
    assert judged.keeps_devices != (place.within == "anywhere")
    assert not (judged.by_geometry and judged.by_localiser != "no")
    assert finding.severity.low < finding.severity.high
    assert sum(share for _, share in finding.looks) == pytest.approx(1.0 if finding.looks else 0.0)


def test_no_change_of_a_chest_is_without_a_finding_that_makes_it():
    assert {change for finding in FINDINGS.values() for change in finding.changes} == CHANGES


MASS = FINDINGS["mass"]
PARTS = {"words": Words, "place": Place, "judged": Judged, "concepts": Concepts}


@pytest.mark.parametrize(
    ("part", "left_out"),
    [(part, entry.name) for part, kind in PARTS.items() for entry in fields(kind)],
)
def test_a_part_that_leaves_something_out_is_refused_by_name(part, left_out):
    whole = getattr(MASS, part)
    told = {entry.name: getattr(whole, entry.name) for entry in fields(whole) if entry.name != left_out}
    with pytest.raises(TypeError, match=f"missing 1 required keyword-only argument: '{left_out}'"):
        PARTS[part](**told)


@pytest.mark.parametrize("left_out", ["severity", "aliases", *PARTS, "changes"])
def test_a_finding_that_leaves_a_part_out_is_refused_by_name(left_out):
    told = {entry.name: getattr(MASS, entry.name) for entry in fields(MASS) if entry.name not in ("name", left_out)}
    with pytest.raises(TypeError, match=f"missing 1 required keyword-only argument: '{left_out}'"):
        Finding("mass", **told)


@pytest.mark.parametrize(
    ("part", "wrong", "message"),
    [
        ("place", {"sides": "left"}, r"sides must be one of one, any, both, none, got 'left'"),
        ("judged", {"by_localiser": "yes"}, r"by_localiser must be one of no, asked, taught, got 'yes'"),
        ("judged", {"tolerance": 10}, r"tolerance must lie in \(0, 1\), got 10; give a relative difference"),
        ("judged", {"least_inside": 0.0}, r"least_inside must lie in \(0, 1\], got 0.0; give a share of the change"),
        ("concepts", {"asked_as": ()}, r"asked_as must be a tuple of concepts, got \(\); give the finding's own"),
        ("concepts", {"asked_as": "mass"}, r"asked_as must be a tuple of concepts, got 'mass'"),
    ],
)
def test_a_part_that_cannot_be_is_refused(part, wrong, message):
    with pytest.raises(ValueError, match=message):
        replace(getattr(MASS, part), **wrong)


@pytest.mark.parametrize("wrong", [{"name": "Mass"}, {"name": ""}, {"aliases": ("lung_mass",)}])
def test_names_are_plain(wrong):
    with pytest.raises(ValueError, match="a finding's name must be lower case with single spaces, got"):
        replace(MASS, **wrong)


def test_fluid_has_one_meaning_a_finding():
    """What fills the pleural space is told once: air-fluid levels and the measurement of its height follow from it."""
    fluid = {name for name, finding in FINDINGS.items() if _changes.FLUID in finding.changes}
    assert fluid == {name for name, finding in FINDINGS.items() if finding.judged.measured_as == FLUID}
    assert fluid == {finding_of(name).name for name in ("effusion", "fluid", "meniscus sign", "costophrenic angle")}
    assert all(finding_of(name).name not in ALIASES for name in fluid)
