import gzip
import json
import os
from pathlib import Path

import pytest

from monai_cars.synthesis import SourceError, find_sources, left_out


def test_a_folder_gives_its_films_with_subfolders_sorted_and_nothing_else(tmp_path):
    for name in ("b.png", "a.DCM", "sub/c.nii.gz", "notes.txt", ".hidden.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "IM0001").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "LICENSE").write_bytes(b"text")
    assert [source.name for source in find_sources(tmp_path)] == ["IM0001", "a.DCM", "b.png", "sub/c.nii.gz"]


@pytest.mark.parametrize("calls", [["open"], ["is_file", "open"]])
def test_a_file_that_nobody_may_read_is_taken_so_that_it_is_listed(tmp_path, monkeypatch, calls):
    for name in ("IM0001", "b.png"):
        (tmp_path / name).write_bytes(b"x")

    def refused(whole):  # root may read everything, so no mode of a file would show it
        def instead(path, *arguments):
            if path.name == "IM0001":
                raise PermissionError(13, "Permission denied")
            return whole(path, *arguments)

        return instead

    for call in calls:
        monkeypatch.setattr(Path, call, refused(getattr(Path, call)))
    assert [source.name for source in find_sources(tmp_path)] == ["IM0001", "b.png"]


def test_links_that_lead_nowhere_or_to_folders_and_pipes_are_listed_and_nobody_waits(tmp_path):
    films, elsewhere = tmp_path / "films", tmp_path / "elsewhere"
    for folder in (films, elsewhere):
        folder.mkdir()
        (folder / "film.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (films / "gone.dcm").symlink_to("nowhere")
    (films / "gone too").symlink_to("nowhere")
    (films / "archive").symlink_to(elsewhere)
    (films / "linked").symlink_to(elsewhere / "film.png")
    os.mkfifo(films / "pipe.dcm")
    # Reading what leads nowhere says so; what it led to may have been a film.
    assert [source.name for source in find_sources(films)] == ["film.png", "gone too", "gone.dcm", "linked"]
    assert left_out(films) == ["archive", "pipe.dcm"]


def test_films_are_told_by_their_content_and_the_others_are_listed(tmp_path):
    films = {
        "1.2.840.113619.2.5.1": bytes(128) + b"DICM",
        "IM0001.IMA": bytes(128) + b"DICM",
        "scan.dcm30": b"\x08\0\x05\0CS\x0a\0ISO_IR 100",
        "photo.tmp": b"\x89PNG\r\n\x1a\n",
        "sub/image.jfif": b"\xff\xd8\xff\xe0",
        "volume.hdr": bytes(344) + b"n+1\0",
        "packed.gz": gzip.compress(bytes(344) + b"n+1\0" + bytes(9)),
        "broken.png": b"",
    }
    others = {
        "labels.csv": b"a,b",
        "table.csv.gz": gzip.compress(b"a,b" * 999),
        "half.gz": b"\x1f\x8b\x08",
        "Thumbs.db": b"\xd0\xcf\x11\xe0",
        "sub/empty": b"",
        ".DS_Store": bytes(128) + b"DICM",
        "DICOMDIR": bytes(128) + b"DICM",
    }
    for name, content in {**films, **others}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert [source.name for source in find_sources(tmp_path)] == sorted(films)
    assert left_out(tmp_path) == sorted(others)
    assert left_out(tmp_path / "broken.png") == left_out("pydicom:RG1_UNCR.dcm") == []


def test_a_file_that_cannot_be_read_is_left_to_the_run(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(path)

    (tmp_path / "film").write_bytes(b"text")
    monkeypatch.setattr("monai_cars.synthesis.sources.looks_like_a_film", refuse)  # for root, every file is readable
    assert [source.name for source in find_sources(tmp_path)] == ["film"]
    assert left_out(tmp_path) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_datalist_may_begin_with_a_byte_order_mark(tmp_path, encoding):
    (tmp_path / "list.json").write_text(json.dumps({"training": [{"image": "ä.png"}]}, ensure_ascii=False), encoding)
    assert find_sources(tmp_path / "list.json")[0].name == "ä.png"


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
        ("[" * 100_000, "list.json must be JSON, got lists or mappings nested too deeply"),
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
