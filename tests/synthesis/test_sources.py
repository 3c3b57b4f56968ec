import json

import pytest

from monai_cars.synthesis import SourceError, find_sources


def test_a_folder_gives_its_films_with_subfolders_sorted_and_nothing_else(tmp_path):
    for name in ("b.png", "a.DCM", "sub/c.nii.gz", "notes.txt", ".hidden.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "IM0001").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "LICENSE").write_bytes(b"text")
    assert [source.name for source in find_sources(tmp_path)] == ["IM0001", "a.DCM", "b.png", "sub/c.nii.gz"]


def test_one_film_and_the_embedded_one(tmp_path):
    (tmp_path / "film.png").write_bytes(b"x")
    assert find_sources(tmp_path / "film.png")[0].path == tmp_path / "film.png"
    assert find_sources("pydicom:RG1_UNCR.dcm")[0].path.is_file()


def test_a_datalist_keeps_what_its_owner_knows(tmp_path):
    path = datalist(
        tmp_path,
        {
            "film": "a.png",
            "group": 7,
            "findings": {"mass": 1},
            "spacing": [0.2, 0.3],
            "box": [1, 2, 3, 4],
            "box_finding": "mass",
        },
    )
    [source] = find_sources(path, image_key="film")
    assert source.path == tmp_path / "a.png"
    assert source.patient_id == "7"
    assert source.findings == {"mass": 1}
    assert source.spacing == (0.2, 0.3)
    assert source.box == (1, 2, 3, 4)


@pytest.mark.parametrize("key", ["validation", "test"])
def test_films_held_out_are_never_edited(tmp_path, key):
    with pytest.raises(SourceError, match=f"data_list_key must be 'training', got '{key}': .* leak them into training"):
        find_sources(tmp_path, data_list_key=key)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"imgae": "a.png"}, r"training\[0\] must be a mapping with the path of a film under 'image'"),
        ({"image": "a.png", "box": [1, 2, 3, 4]}, "'box' and 'box_finding' belong together"),
        ({"image": "a.png", "box": [5, 2, 3, 4], "box_finding": "mass"}, "y0 < y1 and x0 < x1 .* got"),
        ({"image": "a.png", "box": [1, 2], "box_finding": "mass"}, "box must be 4 numbers, got"),
        ({"image": "a.png", "spacing": "0.2"}, "spacing must be 2 numbers, got '0.2'"),
        (
            {"image": "pydicom:nothing.dcm"},
            r"pydicom:nothing.dcm must be a film of the package pydicom-data; .*monai-cars\[demo\]",
        ),
    ],
)
def test_a_malformed_item_is_refused_with_its_place(tmp_path, item, message):
    with pytest.raises(SourceError, match=message):
        find_sources(datalist(tmp_path, item))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "list.json must be JSON"),
        ("[" * 100_000, "list.json must be JSON: RecursionError"),
        ("[]", "must hold a list under 'training', got: list"),
        ('{"test": []}', "must hold a list under 'training', got: test"),
        ('{"training": []}', "at least one film under 'training'"),
    ],
)
def test_a_malformed_datalist_is_refused(tmp_path, text, message):
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(SourceError, match=message):
        find_sources(tmp_path / "list.json")


def test_nothing_there_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"must be a folder, a datalist .* got nothing there"):
        find_sources(tmp_path / "absent")
    with pytest.raises(SourceError, match=r"must hold films \(.dcm.* got a folder without any"):
        find_sources(tmp_path)


def datalist(folder, *items):
    path = folder / "list.json"
    path.write_text(json.dumps({"training": list(items)}))
    return path
