"""The record: JSON-safe numbers, severities as told, and masks that come back from their run lengths."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from phantom_film import drawn_film, phantom

from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
from monai_cars.edits.edit import SEVERITY, Box, Edit, Proposal, Quantity, Region
from monai_cars.edits.record import (
    dump_record,
    earlier_edits,
    edit_record,
    fill_record,
    film_mask,
    mask_of,
    read_record,
    rounded,
    run_lengths,
    severity_entry,
)
from monai_cars.gates import Verdict, judged, unavailable


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_a_mask_comes_back_from_its_run_lengths(mask):
    lengths = run_lengths(torch.from_numpy(mask))
    assert np.array_equal(mask_of(lengths, mask.shape).numpy(), mask)
    assert sum(int(n) for n in lengths.split()) == mask.size


@pytest.mark.parametrize(
    ("mask", "lengths"),
    [([[0, 0]], "2"), ([[1, 1]], "0 2"), ([[0, 1], [1, 0]], "1 2 1"), ([[1, 0], [0, 1]], "0 1 2 1")],
)
def test_run_lengths_count_zeros_first_and_row_by_row(mask, lengths):
    assert run_lengths(torch.tensor(mask).bool()) == lengths
    assert mask_of(lengths, (len(mask), len(mask[0]))).int().tolist() == mask


def test_run_lengths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"run lengths add up to 6, a mask of shape \(2, 2\) needs 4"):
        mask_of("1 3 2", (2, 2))


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_rounded_keeps_four_digits_and_what_json_can_carry(value):
    found = rounded(value)
    if not np.isfinite(value):
        assert found is None
    elif np.isfinite(found):
        assert found == pytest.approx(value, rel=5e-4)
        assert rounded(found) == found
    assert rounded(None) is None


@given(st.sampled_from(sorted(SEVERITY)), st.floats(0, 1))
def test_severity_is_told_as_amount_and_share_of_its_range(finding, severity):
    edit = Edit("insert", finding, severity=severity)
    entry = severity_entry(edit, edit.asked)
    assert entry["unit"] == SEVERITY[finding].unit
    assert entry["value"] == pytest.approx(edit.asked.value, rel=1e-3)
    assert entry["normalised"] == pytest.approx(severity, rel=1e-3, abs=1e-9)


def test_the_record_of_a_sample_is_one_string_that_comes_back():
    record = {"edits": [{"finding": "nodule", "box": [1, 2, 3, 4]}], "draws": 2}
    assert read_record(dump_record(record)) == record
    assert "\n" not in dump_record(record)
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump_record({"edits": [], "value": float("nan")})


@pytest.mark.parametrize("text", ["[]", "{}", '{"edits": 1}', "", "{"])
def test_a_text_that_is_no_record_is_refused(text):
    with pytest.raises(ValueError, match=r"the record must be a JSON object with a list `edits` \(got "):
        read_record(text)


def test_a_sham_has_no_severity():
    assert severity_entry(Edit("sham", "nodule"), Quantity(3.0, "mm")) is None
    assert severity_entry(Edit("insert", "nodule"), None) is None


def test_a_filled_record_is_json_and_tells_the_proposal():
    film = drawn_film(phantom(size=(128, 128)))
    edit = Edit("delete", "nodule", seed=5, region=Region(point=(40, 40)))
    lesion = torch.tensor([[False, True], [True, True]])
    proposal = Proposal(Box(3, 4, 5, 6), torch.zeros(2, 2), lesion, lesion, Quantity(12.34567, "mm"), "a note")
    checks = (judged("a", float("nan"), 1.0, at_most=True, reason="no number"), unavailable("b", "no network"))
    first = edit_record(film, edit, AttenuationEditor())
    record = fill_record(first, edit, proposal, 0.123456, None, Verdict(False, "a: no number", checks))
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert set(record) == set(first)
    assert record["instance_only"] is True
    assert record["severity_asked"]["value"] == 12.35
    assert record["severity_measured"] is None
    assert record["box"] == [3, 4, 5, 6]
    assert torch.equal(mask_of(record["lesion_rle"], (2, 2)), lesion)
    assert record["clipped_share"] == 0.1235
    assert (record["accepted"], record["reason"], record["note"]) == (False, "a: no number", "a note")
    assert [check["passed"] for check in record["checks"]] == [False, None]


def test_the_first_record_says_who_and_on_which_film():
    film = drawn_film(phantom(size=(128, 128)), spacing=None, spacing_source="unknown")
    record = edit_record(film, Edit("insert", "mass", side="left", zone="upper", severity=0.5), AttenuationEditor())
    assert (record["editor"], record["source_sha256"]) == ("attenuation", "a" * 64)
    assert record["weights"] is None  # an insertion compares with no healthy lung
    assert (record["side"], record["zone"], record["operation"]) == ("left", "upper", "insert")
    assert record["spacing"] is None
    assert record["instance_only"] is False
    assert record["accepted"] is False
    assert record["contrast_unit"]["value"] == rounded(film.unit.value)


def test_a_mask_on_the_whole_film_and_a_box_where_none_was_kept():
    entry = {"box": [1, 2, 3, 4], "shape": [4, 5], "lesion_rle": "1 3"}
    lesion = film_mask(entry, "lesion")
    assert lesion.nonzero().tolist() == [[1, 3], [2, 2], [2, 3]]
    assert film_mask(entry, "support").nonzero().tolist() == [[1, 2], [1, 3], [2, 2], [2, 3]]


def test_what_a_film_has_once_is_gone_with_its_deletion():
    film = drawn_film(phantom(size=(64, 64)))
    heart = edit_record(film, Edit("delete", "enlarged heart"), AttenuationEditor())
    mass = edit_record(film, Edit("delete", "mass", region=Region(point=(3, 3))), AttenuationEditor())
    assert (heart["instance_only"], mass["instance_only"]) == (False, True)
    # Of tubes and wires some are not found, and a region names a part of what it is laid on.
    devices = edit_record(film, Edit("delete", "support devices"), AttenuationEditor())
    part = edit_record(film, Edit("delete", "enlarged heart", region=Region(point=(3, 3))), AttenuationEditor())
    assert (devices["instance_only"], part["instance_only"]) == (True, True)


@pytest.mark.parametrize(("opened", "told"), [(None, "all that it has"), ((), None), (("a 1", "b 2"), "a 1, b 2")])
def test_the_weights_are_those_that_were_opened_and_else_all_that_the_editor_has(opened, told):
    class Own:
        name, weights = "own", "all that it has"

    film, edit = drawn_film(phantom(size=(64, 64))), Edit("insert", "nodule", severity=0.5)
    inside = torch.ones(2, 2, dtype=torch.bool)
    proposal = Proposal(Box(3, 4, 5, 6), torch.zeros(2, 2), inside, inside, weights=opened)
    first = edit_record(film, edit, Own())
    assert first["weights"] == "all that it has"
    assert fill_record(first, edit, proposal, 0.0, None, Verdict(True, "", ()))["weights"] == told


@pytest.mark.parametrize(("stated", "told"), [(None, None), (("b", "a"), ["a", "b"]), (frozenset(), [])])
def test_what_an_editor_states_of_its_data_is_told(stated, told):
    class Own(AttenuationEditor):
        data = stated

    assert edit_record(drawn_film(phantom(size=(64, 64))), Edit("insert", "nodule"), Own())["editor_data"] == told


def test_only_accepted_edits_of_a_films_size_are_earlier_ones():
    entry = {"operation": "insert", "finding": "mass", "accepted": True, "box": [0, 1, 2, 3], "shape": [4, 5]}
    others = (
        {**entry, "accepted": False},
        {**entry, "shape": [8, 9]},
        {**entry, "box": None},
        {**entry, "shape": None},
    )
    (earlier,) = earlier_edits([entry, *others], (4, 5))
    assert (earlier.operation, earlier.finding, earlier.record) == ("insert", "mass", entry)
    assert earlier.lesion.nonzero().tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]
