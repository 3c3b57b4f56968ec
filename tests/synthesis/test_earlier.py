"""What a run made is no source of a run, however it is called."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_cars.synthesis import RunFolder, SourceError, find_sources
from monai_cars.synthesis.earlier import INSIDE, MADE, Within, set_aside

MADE_FILM = "0123456789ab-00-insert-nodule.dcm"


def an_earlier_run(folder, *, finished=True):
    """The names of a run's files, without what is in them."""
    with RunFolder(folder).start() as run:
        for name in (
            f"films/{MADE_FILM}",
            "masks/0123456789ab-anatomy.png",
            "masks/0123456789ab-00-insert-nodule-lesion.png",
        ):
            (folder / name).write_bytes(b"x")
        run.stage("panel.png", b"x")
        if finished:
            run.finish()
    return folder


def film(folder, name="film.png"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"x")
    return folder / name


def parted(dataset, output, **options):
    taken, aside = set_aside(find_sources(dataset), dataset, output, **options)
    return [source.name for source in taken], {each["source"]: each["reason"] for each in aside}


@pytest.mark.parametrize("finished", [True, False])
def test_films_of_earlier_runs_are_listed_and_their_masks_and_panels_are_no_films(tmp_path, finished):
    film(tmp_path)
    an_earlier_run(tmp_path / "before", finished=finished)
    name = f"before/films/{MADE_FILM}"
    assert parted(tmp_path, tmp_path / "new") == (["film.png"], {name: MADE})
    assert parted(tmp_path, tmp_path / "new", synthetic=True) == ([name, "film.png"], {})


def test_ones_own_file_among_the_films_of_an_earlier_run_is_a_film(tmp_path):
    an_earlier_run(tmp_path / "before")
    film(tmp_path / "before" / "films", "mine.dcm")
    assert parted(tmp_path, tmp_path / "new")[0] == ["before/films/mine.dcm"]


def test_a_folder_that_is_called_films_is_none_of_a_run(tmp_path):
    film(tmp_path / "films", MADE_FILM)
    film(tmp_path / "masks", "0123456789ab-anatomy.png")
    film(tmp_path, "panel.png")
    assert len(parted(tmp_path, tmp_path / "new")[0]) == 3


def test_the_second_run_into_a_folder_below_its_films_takes_what_the_first_one_took(tmp_path):
    film(tmp_path)
    first = parted(tmp_path, tmp_path / "out")
    an_earlier_run(tmp_path / "out")
    assert parted(tmp_path, tmp_path / "out") == first == (["film.png"], {})
    assert parted(tmp_path, tmp_path / "out", synthetic=True) == first
    film(tmp_path / "out" / "films", "mine.png")
    assert parted(tmp_path, tmp_path / "out") == (["film.png"], {"out/films/mine.png": INSIDE})


@pytest.mark.parametrize("way", ["itself", "films", "link", "relative", "dots"])
def test_a_dataset_in_the_output_folder_is_refused(tmp_path, monkeypatch, way):
    output = an_earlier_run(tmp_path / "out")
    (tmp_path / "link").symlink_to(output / "films")
    monkeypatch.chdir(tmp_path)
    ways = {
        "itself": output,
        "films": output / "films",
        "link": tmp_path / "link",
        "relative": Path("out/films"),
        "dots": tmp_path / "out" / ".." / "out" / "films",
    }
    with pytest.raises(SourceError, match=r"dataset_dir '.*' must not lie in output_dir '.*out'; choose another"):
        parted(ways[way], output)


@pytest.mark.parametrize("linked", [False, True])
def test_a_film_or_a_datalists_film_in_the_output_folder_is_refused(tmp_path, linked):
    output = an_earlier_run(tmp_path / "out")
    there = output / "films" / MADE_FILM
    if linked:
        (tmp_path / "film.dcm").symlink_to(there)
        there = tmp_path / "film.dcm"
    (tmp_path / "list.json").write_text(json.dumps({"training": [{"image": str(there)}]}))
    for dataset in (there, tmp_path / "list.json"):
        with pytest.raises(SourceError, match=r"film '.* must not lie in output_dir '.*out'; choose another --output_"):
            parted(dataset, output)


def test_a_link_into_an_earlier_run_is_what_it_leads_to(tmp_path):
    an_earlier_run(tmp_path / "before")
    films = tmp_path / "films"
    films.mkdir()
    film(films)
    (films / "linked.dcm").symlink_to(tmp_path / "before" / "films" / MADE_FILM)
    assert parted(films, tmp_path / "new") == (["film.png"], {"linked.dcm": MADE})
    assert parted(films, tmp_path / "before") == (["film.png"], {})


def test_a_dataset_of_nothing_but_what_runs_made_is_refused_with_the_remedy(tmp_path):
    an_earlier_run(tmp_path / "before")
    with pytest.raises(
        SourceError, match=r"must hold films that no run made, got 4 that runs made only; .*--synthetic_s"
    ):
        parted(tmp_path, tmp_path / "new")


@given(st.lists(st.sampled_from(["a", "b", "out", ".."]), max_size=6))
def test_a_path_lies_in_a_folder_as_the_file_system_says(tmp_path_factory, parts):
    root = tmp_path_factory.getbasetemp() / "within"
    output = root / "out"
    output.mkdir(parents=True, exist_ok=True)
    path = root.joinpath(*parts)
    assert Within(output)(path) == (os.path.realpath(path) + os.sep).startswith(os.path.realpath(output) + os.sep)


def test_nothing_lies_in_a_folder_that_does_not_exist(tmp_path):
    assert not Within(tmp_path / "gone")(tmp_path / "gone" / "a.png")
    assert not Within(tmp_path)(Path("a\0b"))
