"""The registry knows what lies in the folders, and what a plug-in adds for as long as it is there."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import monai_cars
from monai_cars.chest_xray.gate import default_gate, profile_table
from monai_cars.edits.edit import Edit
from monai_cars.findings.registry import ALIASES, FINDINGS, SEVERITY, canonical, finding_of, registered
from monai_cars.gates.checks.text_image_agrees import curated_prompts
from monai_cars.gates.implications import IMPLICATIONS, concept, stable_outputs
from monai_cars.reporting.wording import plural

SCAR = replace(
    FINDINGS["nodule"],
    name="scar",
    aliases=("old scar",),
    words=replace(FINDINGS["nodule"].words, term="parenchymal scar", plural="scars of the lung"),
    concepts=replace(FINDINGS["nodule"].concepts, asked_as=("scar", "nodule"), synonyms=("cicatrix",)),
    organ="phantom",
)


def test_every_part_of_the_library_sees_a_finding_that_was_registered_later():
    before = list(FINDINGS)
    with registered(SCAR):
        assert [*before, "scar"] == list(FINDINGS) == list(SEVERITY) == list(IMPLICATIONS)
        assert canonical("Old_Scar") == finding_of("scar").name == "scar"
        assert Edit("insert", "Old Scar", severity=0.5).asked == SCAR.severity.amount(0.5)
        assert (concept("Cicatrix"), concept("scar")) == ("scar", "scar")
        assert stable_outputs("scar", "insert", ("Cicatrix", "Nodule", "Edema")) == ("Edema",)
        assert stable_outputs("mass", "insert", ("Cicatrix", "Edema")) == ("Edema",)  # a mass may move it as a nodule
        assert curated_prompts()["scar"].present[1] == "There is parenchymal scar."
        assert plural("scar") == "scars of the lung"
        assert "scar" not in profile_table()  # of another organ
    assert list(FINDINGS) == before
    assert canonical("old scar") == "old scar"
    assert concept("cicatrix") == "cicatrix"
    with pytest.raises(ValueError, match="finding must be one of"):
        Edit("insert", "scar")


def test_nothing_stays_of_a_block_that_failed():
    with pytest.raises(RuntimeError, match="halfway"), registered(SCAR):
        raise RuntimeError("halfway")
    assert "scar" not in FINDINGS
    assert "old scar" not in ALIASES


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"name": "mass"}, "the name 'mass' of the finding 'mass' already stands for 'mass'; choose another"),
        ({"name": "lump", "aliases": ("mass",)}, "the name 'mass' of the finding 'lump' already stands for 'mass'"),
        ({"name": "pneumothorax"}, "the name 'pneumothorax' of .* already stands for 'pleural air'"),
        ({"name": "lump"}, "the name 'old scar' of the finding 'lump' already stands for 'scar'"),
        ({"name": "lump", "aliases": (), "organ": ""}, "'lump' must say whose it is, got no organ; give organ="),
    ],
)
def test_two_findings_never_share_a_name(second, message):
    before = dict(FINDINGS), dict(ALIASES)
    with pytest.raises(ValueError, match=message), registered(SCAR, replace(SCAR, **second)):
        pass
    assert (dict(FINDINGS), dict(ALIASES)) == before


def test_what_is_registered_without_a_block_stays_in_that_process():
    code = """
from dataclasses import replace
from monai_cars.findings import FINDINGS, register, registered
scar = replace(FINDINGS["nodule"], name="scar", aliases=(), organ="phantom")
assert register(scar) is scar is FINDINGS["scar"]
with registered(replace(scar, name="other")):
    pass
print(list(FINDINGS)[-2:])
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "['support devices', 'scar']\n"


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("efusion", "did you mean 'effusion'?"),
        ("Pneumothorx", "did you mean 'pneumothorax'?"),
        ("gout", "give an edit"),
    ],
)
def test_an_unknown_finding_is_refused_with_the_nearest(asked, hint):
    with pytest.raises(ValueError, match=rf"finding must be one of nodule, .* \(got '{asked}'\); {hint[:-1]}"):
        finding_of(asked)
    with pytest.raises(ValueError, match=rf"finding must be one of nodule, .* \(got '{asked}'\)"):
        default_gate(asked, "insert")


def _copied(folder, files):
    """What a copy of the findings' floor lists, with more files in it."""
    ground = Path(monai_cars.__file__).parent
    house = folder / "monai_cars"
    shutil.copytree(ground / "findings", house / "findings", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "_moved.py"):
        shutil.copy(ground / name, house / name)
    for name, text in files.items():
        (house / "findings" / name).parent.mkdir(exist_ok=True)
        (house / "findings" / name).write_text(text)
    code = "from monai_cars.findings import FINDINGS; print([(one.name, one.organ) for one in FINDINGS.values()])"
    return subprocess.run([sys.executable, "-c", code], cwd=folder, env={}, capture_output=True, text=True, check=False)


def _file(name):
    """A finding without an order, told by what a mass is."""
    return (
        "from dataclasses import replace\nfrom monai_cars.findings.chest_xray.mass import FINDING as MASS\n"
        f"from monai_cars.findings.finding import LAST\nFINDING = replace(MASS, name={name!r}, order=LAST)\n"
    )


def test_a_new_finding_is_a_new_file_and_a_new_organ_a_new_folder(tmp_path):
    files = {"chest_xray/cyst.py": _file("cyst"), "chest_xray/bulla.py": _file("bulla")}
    told = _copied(tmp_path, {**files, "lge_mri/__init__.py": "", "lge_mri/scar.py": _file("scar")})
    known = [(name, finding.organ) for name, finding in FINDINGS.items()]
    added = [("bulla", "chest_xray"), ("cyst", "chest_xray"), ("scar", "lge_mri")]  # in no order: last, by name
    assert told.stdout == f"{known + added}\n", told.stderr


def test_a_file_without_a_finding_is_refused(tmp_path):
    told = _copied(tmp_path, {"chest_xray/cyst.py": "NAME = 'cyst'\n"})
    assert "chest_xray.cyst must tell FINDING = Finding(...), got None; begin the name of" in told.stderr


def test_views_are_mappings_and_cannot_be_written_to():
    assert {name: finding.severity for name, finding in FINDINGS.items()} == SEVERITY
    assert repr(SEVERITY).startswith("{'nodule': Severity(")
    assert "mass" in SEVERITY
    with pytest.raises(TypeError, match="does not support item assignment"):
        SEVERITY["gout"] = SEVERITY["mass"]
    with pytest.raises(KeyError, match="gout"):
        SEVERITY["gout"]


def test_earlier_names_lead_to_the_same_views():
    import monai_cars.chest_xray.implications as of_chest
    from monai_cars.edit import SEVERITY as OF_EDITS
    from monai_cars.severity import SEVERITY as OF_OLD

    from monai_cars.gates import stable_outputs as of_gates

    assert SEVERITY is OF_OLD is OF_EDITS
    assert of_chest.IMPLICATIONS is IMPLICATIONS
    assert of_gates is stable_outputs
    shown = tuple(name for name, finding in FINDINGS.items() if finding.place.shown_by_anatomy)
    assert shown == ("enlarged heart", "enlarged cardiomediastinum", "support devices")
