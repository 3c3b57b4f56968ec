"""An option or a field of the wrong kind is refused before anything is written, in words that name it."""

from pathlib import Path

import pytest
from phantom_run import EDITS, films, phantom_run

from monai_cars.synthesis import PlanError, SourceError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": "abc"}, r"seed must be a whole number from 0 to 9223372036854775807 \(got 'abc'\)"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"seed": 2**70}, "seed must be at most 9223372036854775807"),
        ({"seed": True}, "seed must be a whole number"),
        ({"max_attempts": "x"}, r"max_attempts must be a whole number from 1 to 1000 \(got 'x'\)"),
        ({"max_attempts": 1.0}, "max_attempts must be a whole number"),
        ({"max_attempts": 10**9}, "max_attempts must be at most 1000"),
        ({"edits": [3]}, r"edits\[0\] must be a mapping of fields to values, got 3"),
        ({"edits": "nodule"}, "edits must be a list of mappings, got 'nodule'"),
        ({"edits": {"operation": "insert"}}, "edits must be a list of mappings"),
        ({"edits": 3}, "edits must be a list of mappings, got 3"),
        ({"edits": None}, "edits must hold at least one row"),
        ({"axes": 3}, "axes must be text, got 3"),
        ({"profile": ["full"]}, "gate must be text, got"),
        ({"profile": "fulll"}, "fulll"),
        ({"vocabulary": 3}, "vocabulary must be the path of a file or folder, got 3"),
        ({"editor": 3}, "editor must be text, got 3"),
        ({"editor_weights": 3}, "editor_weights must be the path of a file or folder, got 3"),
        ({"created": 20260131}, "created must be text, got 20260131"),
        ({"image_key": None}, "image_key must be text, got None"),
        ({"progress": "no"}, "progress must be True or False, got 'no'"),
        ({"synthetic_sources": "no"}, "synthetic_sources must be True or False, got 'no'"),
        ({"names": "secret"}, "names must be one of kept, pseudonymised, got 'secret'"),
        ({"retain": 3}, r"retain must be a list of words \(got 3\)"),
        ({"retain": None}, r"retain must be a list of words \(got None\)"),
        ({"uid_key_file": 3}, "uid_key_file must be the path of a file or folder, got 3"),
        ({"names_key": "key"}, "names_key is for names 'pseudonymised'"),
    ],
)
def test_an_option_is_right_or_refused_before_anything_is_written(tmp_path, options, message):
    films(tmp_path / "films", count=1)
    with pytest.raises(ValueError, match=message) as caught:
        phantom_run(tmp_path, **options).run()
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["dataset", "output_dir"])
@pytest.mark.parametrize("value", [3, None, "", ["films"]])
def test_a_place_is_one_or_refused(tmp_path, name, value):
    run = phantom_run(tmp_path)
    setattr(run, name, value)
    with pytest.raises(ValueError, match=r"(dataset|output)_dir must be the path of a file or folder, got "):
        run.check()


@pytest.mark.parametrize(
    "field",
    [
        {"seed": "abc"}, {"seed": -1}, {"seed": 1.5}, {"seed": 2**70}, {"seed": None}, {"finding": 3},
        {"finding": None}, {"operation": ["insert"]}, {"side": 3}, {"side": ["left"]}, {"zone": {}},
        {"severity": "0.5"}, {"severity": True}, {"severity": [0.5]}, {"severity": float("nan")},
        {"severity": 10**400}, {"severity": {"value": "18", "unit": "mm"}}, {3: 3}, {"\udc80": 1},
        {"severity": {"value": 18, "unit": "mm", "x": 1}}, {"severity": {"value": 18, "unit": 3}},
    ],
)  # fmt: skip
def test_every_field_of_an_edit_is_right_or_refused_with_its_row(tmp_path, field):
    films(tmp_path / "films", count=1)
    rows = [EDITS[0], {**EDITS[0], **field}]
    with pytest.raises(ValueError, match=r"^edits\[1\]:? ") as caught:
        phantom_run(tmp_path, edits=rows).check()
    assert len(str(caught.value)) < 600
    assert isinstance(caught.value, PlanError) or 3 in field


def test_what_a_run_leaves_when_it_is_refused_is_nothing(tmp_path):
    with pytest.raises(SourceError, match="got nothing there"):
        phantom_run(tmp_path).run()
    assert list(Path(tmp_path).iterdir()) == []
