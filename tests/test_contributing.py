"""The worked examples of CONTRIBUTING, replayed in a copy of the package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r'^```py title="([^"]+)"\n(.*?)^```', flags=re.DOTALL | re.MULTILINE)
PLACE = re.compile(r"(?P<path>[\w/.]+\.py)(?:, (?:in (?P<table>\w+)|behind (?P<line>.+)))?")


def sections():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    parts = re.split(r"^## ", text, flags=re.MULTILINE)
    return {part.splitlines()[0]: BLOCK.findall(part) for part in parts if BLOCK.search(part)}


SECTIONS = sections()


def put(root: Path, title: str, content: str) -> Path:
    """Do what one block says: write a new file, or put rows into a table and imports above it."""
    place = PLACE.fullmatch(title)
    assert place, title
    path = root / place["path"]
    if place["table"] is None and place["line"] is None:
        assert not path.exists(), f"{title} exists already"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path
    text = path.read_text(encoding="utf-8")
    imports = [line for line in content.splitlines() if line.startswith("from ")]
    rows = [line for line in content.splitlines() if line and not line.startswith("from ")]
    opening = rf"^{place['table']}\b[^\n]*[{{(]$" if place["table"] else rf"^ *{re.escape(place['line'])}$"
    found = re.findall(opening, text, flags=re.MULTILINE)
    assert len(found) == 1, f"{title}: found {len(found)} times"
    text = text.replace(found[0], "\n".join([found[0], *rows]), 1)
    first = re.search(r"^(from|import) (?!__future__)", text, flags=re.MULTILINE)
    text = text[: first.start()] + "".join(f"{line}\n" for line in imports) + text[first.start() :]
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def house(tmp_path):
    """The package, its bundles and the phantoms, in a folder of their own."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "monai_cars", tmp_path / "monai_cars", ignore=ignored)
    shutil.copytree(REPOSITORY / "bundles", tmp_path / "bundles", ignore=ignored)
    return tmp_path


def run(house: Path, script: str) -> str:
    paths = os.pathsep.join([str(house), str(REPOSITORY / "tests")])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd=house)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def files_of(section: str) -> list[str]:
    return sorted({PLACE.fullmatch(title)["path"] for title, _ in SECTIONS[section]})


def test_how_many_files_each_of_them_touches():
    assert {section: len(files_of(section)) for section in SECTIONS} == {
        "Adding a finding": 4,
        "Adding a check": 2,
        "Adding a format": 2,
        "Adding an organ": 2,  # and the files of the organ's own folder
    }


def test_a_new_finding_is_inserted_measured_and_judged(house):
    for title, content in SECTIONS["Adding a finding"]:
        put(house, title, content)
    told = run(
        house,
        """
from phantom import phantom
from monai_cars.chest_xray.gate import default_gate
from monai_cars.edits.edit import Edit
from monai_cars.loop.counterfactual import make_counterfactual
from phantom_film import drawn_header
import monai_cars
film = phantom()
edit = Edit("insert", "calcified granuloma", side="left", severity=0.8, seed=2)
made = make_counterfactual(film.image, film.anatomy, edit, header=drawn_header(film))
asked, measured = made.record["severity_asked"], made.record["severity_measured"]
assert made.accepted, made.record["reason"]
assert abs(measured["value"] - asked["value"]) <= 0.2 * asked["value"], (asked, measured)
print(monai_cars.__file__, *default_gate("granuloma", "delete").names)
""",
    )
    assert told.startswith(str(house))
    assert told.split()[1:3] == ["outside_unchanged", "inside_lung"]
    assert "opacity_removed" in told


def test_a_finding_that_leaves_a_field_out_is_refused_by_its_name(house):
    title, content = SECTIONS["Adding a finding"][0]
    put(house, title, content.replace("        by_contrast=True,\n", ""))
    with pytest.raises(AssertionError, match="missing 1 required keyword-only argument: 'by_contrast'"):
        run(house, "import monai_cars.findings")


def test_a_new_check_judges_and_is_recorded_by_its_name(house):
    for title, content in SECTIONS["Adding a check"]:
        put(house, title, content)
    told = run(
        house,
        """
from phantom import phantom
from monai_cars.edits.edit import Edit
from monai_cars.loop.counterfactual import make_counterfactual
from phantom_film import drawn_header
film = phantom()
edit = Edit("insert", "nodule", severity=0.6, seed=1)
made = make_counterfactual(film.image, film.anatomy, edit, header=drawn_header(film))
[check] = [check for check in made.record["checks"] if check["name"] == "not_burnt_out"]
print(check["verdict"], check["required"], check["value"])
""",
    )
    assert told.split() == ["pass", "True", "0.0"]


def test_a_new_format_is_read_and_its_files_are_found(house):
    for title, content in SECTIONS["Adding a format"]:
        put(house, title, content)
    told = run(
        house,
        """
from pathlib import Path
import numpy as np
from monai_cars.files.header import RadiographError
from monai_cars.files.radiograph import read_radiograph
from monai_cars.synthesis import find_sources
values = np.random.default_rng(0).integers(0, 4096, (130, 140)).astype(">u2")
Path("films").mkdir()
Path("films/film.pgm").write_bytes(b"P5 140 130 4095\\n" + values.tobytes())
film = read_radiograph("films/film.pgm")
assert film.image.shape == (1, 130, 140)
assert (film.image[0].numpy() == values).all()
print([source.name for source in find_sources("films")])
Path("films/film.pgm").write_bytes(b"P5 140 130 4095\\n" + values.tobytes()[:-2])
try:
    read_radiograph("films/film.pgm")
except RadiographError as refusal:
    print(refusal)
""",
    )
    assert told.splitlines()[0] == "['film.pgm']"
    assert "films/film.pgm: a PGM of 130 x 140 must hold as many values; copy the file again" in told


def test_a_new_organ_is_a_folder_and_a_line(house):
    for title, content in SECTIONS["Adding an organ"]:
        put(house, title, content)
    knee = house / "monai_cars" / "knee"
    knee.mkdir()
    (knee / "__init__.py").write_text('"""The knee."""\n')
    phantom = (REPOSITORY / "tests" / "phantom_modality.py").read_text(encoding="utf-8")
    phantom = phantom.replace('organ="phantom",\n', "").replace('name: str = "phantom"', 'name: str = "knee"')
    (knee / "modality.py").write_text(phantom + "\n\nKNEE = Phantom()\n", encoding="utf-8")
    finding = re.search(r"^BALL = (Finding\(.*?^\))", phantom, flags=re.DOTALL | re.MULTILINE)[1]
    (house / "monai_cars" / "findings" / "knee" / "ball.py").write_text(
        '"""A ball."""\n\nfrom monai_cars.findings.finding import Concepts, Finding, Judged, Place, Words\n'
        f"from monai_cars.findings.scale import Severity\n\nFINDING = {finding}\n",
        encoding="utf-8",
    )
    told = run(
        house,
        """
from monai_cars.edits.edit import Edit
from monai_cars.loop.counterfactual import make_counterfactual
from monai_cars.modality import modality_of
from monai_cars.knee.modality import header_of, image_of, masks_of
image = image_of((32, 40, 36))
made = make_counterfactual(image, masks_of((32, 40, 36)), Edit("insert", "ball", severity=0.2), header=header_of(image))
print(modality_of("ball").name, made.accepted, made.image.ndim)
""",
    )
    assert told.split() == ["knee", "True", "4"]
