import os

from hypothesis import given
from hypothesis import strategies as st

from monai_cars.files.spelling import in_one_line, unwritten, writable


@given(st.binary(min_size=1).map(os.fsdecode).filter(lambda name: "\\udc" not in name))
def test_every_name_of_a_file_can_be_written_and_comes_back(name):
    written = writable(name)
    assert written.encode().decode() == written
    assert unwritten(written) == name


@given(st.text())
def test_a_name_that_can_be_written_stays_as_it_is(name):
    assert writable(name) == name


@given(st.text(alphabet=st.characters()) | st.binary().map(os.fsdecode))
def test_a_line_is_one_and_a_terminal_is_told_nothing_but_letters(text):
    line = in_one_line(text)
    assert line.isprintable()
    assert line.encode().decode() == line
    assert len(line.splitlines()) <= 1
