"""Parts of data sets: a part is of its whole, two parts are two."""

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.teachers import LEARNED_NOTHING, SharedDataError, SharedDataWarning, independent, shared_data

identifiers = st.frozensets(st.sampled_from(["nih", "nih:a", "nih:b", "mimic", "mimic:x", "v7"]), max_size=4)


@settings(max_examples=25, deadline=None)
@given(identifiers, identifiers)
def test_sharing_is_mutual_and_nothing_shares_nothing(one, other):
    assert bool(shared_data(one, other)) == bool(shared_data(other, one))
    assert set(shared_data(one, one)) == one
    assert shared_data(one, frozenset()) == shared_data(one, LEARNED_NOTHING) == shared_data(LEARNED_NOTHING, one) == ()
    assert shared_data(LEARNED_NOTHING, LEARNED_NOTHING) == ()


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("nih:a", "nih:b", False),
        ("nih:a", "nih", True),
        ("nih", "nih:a", True),
        ("nih", "mimic", False),
        ("nih", "nih", True),
    ],
)
def test_parts_and_wholes(one, other, shared):
    assert shared_data({one}, {other}) == ((one,) if shared else ())


def test_a_warning_and_an_error_name_both_the_data_and_the_remedy():
    said = "RadEdit and the judge were both trained on mimic; judge with a teacher that was trained on other patients"
    names = {"editor": "RadEdit", "teacher": "the judge"}
    with pytest.warns(SharedDataWarning, match=said):
        independent(frozenset({"mimic"}), frozenset({"mimic"}), strict=False, **names)
    with pytest.raises(SharedDataError, match=said):
        independent(frozenset({"mimic"}), frozenset({"mimic"}), strict=True, **names)


def test_data_that_is_not_stated_is_refused_by_strict_alone():
    with pytest.raises(
        SharedDataError, match=r"the teacher states no training data, .* the editor shares it; state its"
    ):
        independent(frozenset({"mimic"}), frozenset(), strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        independent(frozenset({"mimic"}), frozenset(), strict=False)
        independent(frozenset({"mimic"}), LEARNED_NOTHING, strict=True)
