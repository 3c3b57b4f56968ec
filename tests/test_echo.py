import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_cars.echo import LONGEST, cause, cut, echo, printable

UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | st.text(st.characters(), max_size=200),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=90), inner, max_size=9),
)


def seen(text):
    return all(unicodedata.category(letter) not in UNSEEN for letter in text)


@given(anything)
def test_a_value_is_shown_short_and_on_one_line(value):
    shown = echo(value)
    assert len(shown) <= LONGEST
    assert seen(shown)


@given(st.text(st.characters()))
def test_text_is_cut_and_stays_printable(text):
    assert len(cut(text)) <= LONGEST
    assert seen(cut(text))
    assert len(printable(text)) == len(text)
    assert printable(printable(text)) == printable(text)


@pytest.mark.parametrize("value", ["a word", "größer", "胸部", 12, 1.5, None, [1, 2], ("a", 3), {"x": 1}, b"ab"])
def test_what_is_short_and_plain_is_shown_as_it_is(value):
    assert echo(value) == repr(value)


@pytest.mark.parametrize(
    "letter", ["\n", "\r", "\x1b", "\x00", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\ud800"]
)
def test_no_control_character_comes_through(letter):
    assert echo(f"a{letter}b") == "'a?b'"
    assert letter not in cause(ValueError(f"a{letter}b"))


def test_values_without_end_or_words_are_named_by_their_type():
    assert echo(10**5000) == "a int"
    assert echo(json.loads("[" * 500 + "]" * 500)).startswith("[[[[")
    endless = []
    for _ in range(100_000):
        endless = [endless]
    assert echo(endless) == "a list"


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (
            ValueError("could not convert string to float: 'Doe^Jane'"),
            "ValueError: could not convert string to float: ...",
        ),
        (ValueError("value 'O'Neil^Jane' is not valid"), "ValueError: value ... is not valid"),
        (KeyError("Doe^Jane"), "KeyError"),
        (EOFError(), "EOFError"),
        (EOFError("the pixel data have no end"), "EOFError: the pixel data have no end"),
    ],
)
def test_a_cause_says_what_happened_but_not_with_what(error, shown):
    assert cause(error) == shown


def test_a_cause_is_short():
    assert len(cause(ValueError("word " * 1000))) == len("ValueError: ") + LONGEST
