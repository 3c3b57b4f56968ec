"""The registry knows what lies in the folders, and what a plug-in adds for as long as it is there."""

import subprocess
import sys
from dataclasses import replace

import pytest

from monai_cars.chest_xray.gate import default_gate, profile_table
from monai_cars.edits.edit import LOCATED_BY_ANATOMY, Edit
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
    assert LOCATED_BY_ANATOMY == ("enlarged heart", "enlarged cardiomediastinum", "support devices")
