"""Where names are pseudonyms, no output tells one; keys lie outside what is given away."""

import os

import numpy as np
import pytest
from phantom_run import FLUID, PAGES, datalist, ends_with_3, films, phantom_run
from PIL import Image

from monai_cars.reporting.html_report import write_report
from monai_cars.reporting.results import GONE

CANARY = ("DOE_JANE", "4711", "MRN")


def pseudonymised(folder, **options):
    """A run over films whose every name tells of a patient."""
    place = folder / "films" / "DOE_JANE" / "4711"
    if not place.exists():
        films(place, count=1)
        (place / "film0.png").rename(place / "MRN-4711.png")
        (place / "MRN-broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        Image.fromarray(np.full((50, 50), 7, np.uint8)).save(place / "MRN-blank.png")
    return phantom_run(folder, edits=FLUID, names="pseudonymised", pages=PAGES, **options)


def test_no_name_is_told_where_names_are_pseudonyms(tmp_path, capsys):
    run = pseudonymised(tmp_path).run()
    assert len(run.lines) == 1
    assert len(run.skipped) == 2
    assert ends_with_3(run)
    output = capsys.readouterr()
    texts = [output.err, output.out.replace(str(tmp_path), "")]
    for path in (tmp_path / "run").rglob("*"):
        texts.append(path.relative_to(tmp_path).as_posix())
        texts.append(path.read_bytes().decode("latin-1") if path.is_file() else "")
    assert len(texts) > 10
    assert [word for word in CANARY for text in texts if word in text] == []
    assert run.lines[0]["source"] == run.lines[0]["source_name"]
    assert 'alt="the film before any edit"' in (tmp_path / "run" / "report.html").read_text()
    page = write_report(tmp_path / "run").read_text()  # who has only the folder cannot show the films
    assert GONE in page


def test_pseudonyms_follow_from_the_key_and_a_forgotten_key_is_another(tmp_path):
    key = tmp_path / "keys" / "key"
    first = pseudonymised(tmp_path, names_key=key).run()
    again = pseudonymised(tmp_path, names_key=str(key)).run()
    assert first.lines == again.lines
    with pytest.raises(FileExistsError, match="made with other names, films; nothing of it is overwritten"):
        pseudonymised(tmp_path).run()
    assert first.lines[0]["patient_id"] == again.lines[0]["patient_id"]
    assert key.read_text().strip() not in (tmp_path / "run" / "run.json").read_text()


def test_a_patient_of_a_datalist_becomes_a_pseudonym_and_stays_together(tmp_path):
    films(tmp_path / "films")
    items = [{"image": f"film{number}.png", "patient_id": "MRN 4711"} for number in (0, 1)]
    run = phantom_run(tmp_path, edits=FLUID, names="pseudonymised")
    run.dataset = datalist(tmp_path, *items)
    lines = run.run().lines
    assert len({line["patient_id"] for line in lines}) == 1
    assert "4711" not in lines[0]["patient_id"]


@pytest.mark.parametrize("key", ["run/key", "run/../run/films/key"])
def test_the_key_never_lies_in_what_is_given_away(tmp_path, key):
    with pytest.raises(ValueError, match=r"names_key '.*key' must lie outside output_dir"):
        pseudonymised(tmp_path, names_key=tmp_path / key).run()
    assert not (tmp_path / "run").exists()


def test_nor_does_the_key_of_identifiers_though_an_earlier_run_made_the_folder(tmp_path):
    films(tmp_path / "films", count=1)
    (tmp_path / "key").write_text("0123456789abcdef")
    phantom_run(tmp_path, edits=FLUID, uid_key_file=tmp_path / "key").run()
    os.rename(tmp_path / "key", tmp_path / "run" / "key")
    (tmp_path / "link").symlink_to(tmp_path / "run" / "key")
    for key in (tmp_path / "run" / "key", tmp_path / "link"):
        with pytest.raises(ValueError, match=r"uid_key_file '.*' must lie outside output_dir"):
            phantom_run(tmp_path, edits=FLUID, uid_key_file=key).run()
