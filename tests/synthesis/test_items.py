"""What an owner says of a film in a datalist is right, or refused in one line that names the place."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_cars.synthesis import SourceError, find_sources
from monai_cars.synthesis.items import in_datalist

BOX = {"box": [1, 2, 3, 4], "box_finding": "mass"}
DEEP = '{"training": [{"image": "a.png", "findings": ' + "[" * 100_000 + "]" * 100_000 + "}]}"


def read(folder, item):
    path = folder / "list.json"
    path.write_text(json.dumps({"training": [{"image": "a.png"}, item]}))
    return find_sources(path)[1]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"image": ""}, "must be a mapping with the path of a film"),
        ({"image": 3}, "must be a mapping with the path of a film"),
        ({"image": "\ud800.png"}, "image must be the path of a film, got .*, which no file system can hold"),
        (3, "must be a mapping with the path of a film under 'image', got 3"),
        ({"spacing": "12"}, "spacing must be 2 numbers, got '12'"),
        ({"spacing": ["1", "2"]}, "spacing must be 2 numbers, got"),
        ({"spacing": [True, True]}, "spacing must be 2 numbers, got"),
        ({"spacing": {"1": 1, "2": 2}}, "spacing must be 2 numbers, got"),
        ({"spacing": [1e9, 1e9]}, r"spacing must be \[row, column\] from 0.01 to 20 mm per pixel, got \[1000000000.0"),
        ({"spacing": [0.2, 0]}, r"from 0.01 to 20 mm per pixel, got \[0.2, 0\]; leave it out where it is unknown"),
        ({"spacing": [math.nan, 0.2]}, "from 0.01 to 20 mm per pixel, got"),
        ({"spacing": [10**400, 0.2]}, "spacing must be 2 numbers, got"),
        ({**BOX, "box": "1234"}, "box must be 4 numbers, got '1234'"),
        ({**BOX, "box": [0, 0, math.nan, 4]}, "box must be .*y0 < y1"),
        ({**BOX, "box_finding": 3}, "box_finding must be text, got 3; leave it out where nothing is known"),
        ({**BOX, "box_finding": ""}, "box_finding must be text, got ''"),
        ({"findings": "mass"}, "findings must map names to numbers, or be a list of numbers .* got 'mass'"),
        ({"findings": 1}, "findings must map names to numbers"),
        ({"findings": {"mass": None}}, "findings: 'mass' must be a number from 0 to 1, got None; leave it out"),
        ({"findings": {"mass": "1"}}, "findings: 'mass' must be a number from 0 to 1, got '1'"),
        ({"findings": [None] * 19}, "findings must map names to numbers"),
        ({"findings": [[0]] * 19}, "findings must map names to numbers"),
        ({"patient_id": ""}, r"patient_id \(or group\) must be text or a number, got ''; leave it out"),
        ({"patient_id": math.nan}, "must be text or a number, got nan"),
        ({"group": {"a": 1}}, "must be text or a number, got {'a': 1}"),
        ({"group": True}, "must be text or a number, got True"),
        ({"patient_id": "\ud800"}, "must be text or a number, got"),
        ({"note": 3}, "note must be text, got 3"),
        ({"note": "\udfff"}, "note must be text, got"),
        ({"counterfactual": {"edits": [3]}}, "counterfactual must be the record .* every entry .* must be a mapping"),
        ({"counterfactual": "[" * 100_000}, "counterfactual must be the record that an earlier edit left"),
        ({"counterfactual": 3}, "counterfactual must be the record that an earlier edit left"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path, item, message):
    item = {"image": "a.png", **item} if isinstance(item, dict) else item
    with pytest.raises(SourceError, match=rf"list.json, training\[1\].*{message}"):
        read(tmp_path, item)


@pytest.mark.parametrize(
    ("item", "field", "value"),
    [
        ({"patient_id": 17}, "patient_id", "17"),
        ({"patient_id": 17.0}, "patient_id", "17.0"),
        ({"patient_id": None, "group": None}, "patient_id", None),
        ({"spacing": None}, "spacing", None),
        ({"findings": {"mass": True}}, "findings", {"mass": True}),
        ({"findings": {"mass": 0.5}}, "findings", {"mass": 0.5}),
        ({"note": None}, "note", ""),
        ({"note": "Größe geschätzt"}, "note", "Größe geschätzt"),
    ],
)
def test_what_can_be_meant_is_taken(tmp_path, item, field, value):
    assert getattr(read(tmp_path, {"image": "a.png", **item}), field) == value


def test_a_path_whose_bytes_are_no_utf_8_is_the_file_and_has_a_name_that_can_be_written(tmp_path):
    (tmp_path / "film\udcff.png").write_bytes(b"x")
    source = read(tmp_path, {"image": "film\udcff.png"})
    assert source.path.is_file()
    assert source.name == "film\\udcff.png"


@pytest.mark.parametrize("text", [DEEP, "[" * 100_000, '{"training":' * 50_000], ids=["item", "list", "map"])
def test_json_that_is_nested_too_deeply_is_refused(tmp_path, text):
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(SourceError, match=r"list.json must be JSON|must map names"):
        find_sources(tmp_path / "list.json")


def test_long_values_are_told_briefly_and_without_control_characters(tmp_path):
    with pytest.raises(SourceError) as caught:
        read(tmp_path, {"image": "a.png", "box_finding": ["\x1b[31m" + "x" * 5000], "box": [1, 2, 3, 4]})
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


def test_a_byte_order_mark_before_a_datalist_is_no_part_of_it(tmp_path):
    (tmp_path / "list.json").write_text('{"training": [{"image": "a.png"}]}', encoding="utf-8-sig")
    assert [source.name for source in find_sources(tmp_path / "list.json")] == ["a.png"]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("image", "patient_id", "group", "findings", "spacing", "box", "box_finding", "note", "counterfactual")


@given(st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON)
def test_whatever_an_item_holds_it_is_read_or_refused_in_one_line(tmp_path_factory, item):
    path = tmp_path_factory.getbasetemp() / "items.json"
    path.write_text(json.dumps({"training": [item]}))
    told = ""
    try:
        [source] = in_datalist(path, "image")
    except SourceError as refusal:
        told = str(refusal)
    assert told.isprintable()
    assert not told or told.startswith(("datalist items.json, training[0]", "pydicom:"))
    if not told:
        assert source.spacing is None or all(0.01 <= size <= 20 for size in source.spacing)
        assert source.patient_id is None or source.patient_id.strip()
