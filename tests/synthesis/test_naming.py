import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_cars.files.atomic import CannotWriteError
from monai_cars.synthesis import Source, pseudonym
from monai_cars.synthesis.naming import fingerprint, keep_key, new_key, pseudonymised, read_key, told_apart

FILM = Source(Path("a.png"), "a.png")
BOXED = replace(FILM, box=(1, 2, 3, 4), box_finding="mass", findings={"mass": 1})
KEY, OTHER = "0" * 64, "1" * 64


def test_films_that_stand_once_in_a_datalist_have_no_mark():
    sources = [FILM, Source(Path("b.png"), "b.png"), Source(Path("c/a.png"), "c/a.png")]
    assert told_apart(sources) == sources


@given(st.lists(st.sampled_from([FILM, BOXED, replace(FILM, spacing=(0.2, 0.2)), replace(FILM, name="b.png")])))
def test_no_two_items_have_one_name_and_mark(sources):
    apart = told_apart(sources)
    assert len({(source.name, source.item) for source in apart}) == len(sources)
    assert [replace(source, item="") for source in apart] == sources
    assert all(next(each for each in apart if each.name == source.name).item == "" for source in apart)


def test_a_mark_stays_when_items_are_added_or_removed_behind_the_first():
    other = replace(FILM, spacing=(0.2, 0.2))
    marks = [{source.spacing: source.item for source in told_apart(list_)} for list_ in (
        [FILM, other], [FILM, BOXED, other], [FILM, other, BOXED, FILM]
    )]  # fmt: skip
    assert len({each[(0.2, 0.2)] for each in marks}) == 1


def test_a_pseudonym_follows_from_name_and_key_alone():
    assert pseudonym("DOE/1.dcm", KEY) == pseudonym("DOE/1.dcm", KEY)
    told = {pseudonym(name, key, of=of) for name in ("1", "2") for key in (KEY, OTHER) for of in ("film", "patient")}
    assert len(told) == 8
    assert fingerprint(KEY) != fingerprint(OTHER)


def test_sources_under_pseudonyms_keep_all_but_their_names():
    [source] = pseudonymised([BOXED], KEY)
    assert source.name == pseudonym("a.png", KEY)
    assert replace(source, name="a.png", hides=()) == BOXED


def test_a_key_file_is_its_owners_and_comes_back(tmp_path):
    path, key = tmp_path / "new" / "key", new_key()
    assert read_key(path) is None
    keep_key(path, key)
    assert read_key(path) == key
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(CannotWriteError, match=r"names_key '.*key': cannot be written \(File exists\)"):
        keep_key(path, new_key())


@pytest.mark.parametrize("content", [b"", b"secret", b"0" * 63, b"0" * 65, b"\xff" * 64, b"0" * 5000])
def test_what_is_no_key_is_refused(tmp_path, content):
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(ValueError, match=r"names_key '.*key' must be a file of 64 hexadecimal digits, or a new one"):
        read_key(tmp_path / "key")
    with pytest.raises(ValueError, match="must be a file of 64 hexadecimal digits"):
        read_key(tmp_path)
