"""Banks of vectors: distances, patients kept apart, files."""

import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from phantom import phantom
from safetensors.torch import save_file

from monai_cars.chest_xray.teacher.descriptor import FixedDescriptor, pixels_per_mm
from monai_cars.edits.edit import Box
from monai_cars.teachers.bank import Bank, BankError, embed_region, load_bank, not_in_bank

LINE = Bank("line", torch.tensor([[0.0], [1.0], [3.0], [7.0]]), ("a", "a", "b", "c"), ("s0", "s1", "s2", "s3"))
SPREAD = float(torch.tensor([0.0, 1.0, 3.0, 7.0]).std(correction=0))


def test_distances_are_over_the_spread_of_each_dimension():
    assert LINE.distances(torch.tensor([2.0])).tolist() == pytest.approx([d / SPREAD for d in (2, 1, 1, 5)])


def test_a_constant_dimension_neither_counts_nor_divides_by_zero():
    bank = Bank("x", torch.tensor([[0.0, 4.0], [2.0, 4.0]]), ("a", "b"))
    assert bank.distances(torch.tensor([0.0, 4.0])).tolist() == [0.0, 2.0]


def test_rows_of_one_patient_are_never_neighbours():
    assert LINE.nearest.tolist() == pytest.approx([d / SPREAD for d in (3, 2, 2, 4)])
    assert torch.isinf(LINE.between[0, 1])


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), st.integers(1, 6), st.sampled_from(["standardised", "cosine"]))
def test_distances_between_are_symmetric_and_zero_to_oneself(rows, size, metric):
    vectors = torch.randn(rows, size, generator=torch.Generator().manual_seed(rows))
    bank = Bank("x", vectors, tuple(map(str, range(rows))), metric=metric)
    finite = bank.between.fill_diagonal_(0.0)
    assert torch.allclose(finite, finite.T, atol=1e-5)
    for row in range(rows):
        assert float(bank.distances(vectors[row])[row]) == pytest.approx(0.0, abs=1e-5)


def test_a_part_of_a_bank_keeps_what_is_known_of_its_rows():
    part = LINE.rows(torch.tensor([False, True, True, False]))
    assert (part.groups, part.sources, part.vectors.flatten().tolist()) == (("a", "b"), ("s1", "s2"), [1.0, 3.0])


def test_a_source_stands_for_its_patient_and_an_unknown_one_for_nobody():
    assert LINE.of_source("s0").tolist() == [True, True, False, False]
    assert not LINE.of_source("elsewhere").any()
    assert not Bank("x", LINE.vectors, LINE.groups).of_source("").any()


def test_the_own_film_is_known_by_its_hash_or_by_what_it_was():
    by_hash = not_in_bank(LINE, "s0", torch.tensor([100.0]), 0.1)
    by_content = not_in_bank(LINE, "", torch.tensor([1.01]), 0.1)
    assert by_hash.tolist() == by_content.tolist() == [False, False, True, True]
    assert not_in_bank(LINE, "", torch.tensor([100.0]), 0.1).all()


def test_a_bank_comes_back_from_its_file(tmp_path):
    bank = Bank(
        "mine",
        torch.rand(3, 5),
        ("a", "b", "c"),
        ("1", "2", "3"),
        ("mass", "", ""),
        "film",
        "cosine",
        frozenset({"nih:a"}),
    )
    bank.save(tmp_path / "bank.safetensors")
    back = load_bank(tmp_path / "bank.safetensors")
    torch.testing.assert_close(back.vectors, bank.vectors, atol=0, rtol=0)
    for name in ("embedder", "groups", "sources", "labels", "kind", "metric", "data"):
        assert getattr(back, name) == getattr(bank, name)


def test_a_file_that_is_no_bank_is_refused(tmp_path):
    save_file({"vectors": torch.rand(2, 2)}, str(tmp_path / "plain.safetensors"))
    (tmp_path / "text.safetensors").write_text("hello")
    for name in ("plain", "text", "missing"):
        with pytest.raises(BankError, match=r"must be a file that Bank\.save wrote"):
            load_bank(tmp_path / f"{name}.safetensors")


@pytest.mark.parametrize("vectors", [torch.rand(3), torch.zeros(0, 2), torch.tensor([[float("nan")]])])
def test_vectors_must_be_finite_rows(vectors):
    with pytest.raises(BankError, match=r"vectors of a bank must be finite \(N, D\)"):
        Bank("x", vectors, ("a",))


def test_every_row_has_a_patient():
    with pytest.raises(BankError, match=r"groups must name each of the bank's 2 rows \(got 1\)"):
        Bank("x", torch.rand(2, 2), ("a",))
    with pytest.raises(BankError, match="groups must name each"):
        Bank("x", torch.rand(2, 2), ())
    with pytest.raises(BankError, match=r"labels must name each of the bank's 2 rows \(got 3\)"):
        Bank("x", torch.rand(2, 2), ("a", "b"), labels=("", "", ""))


def test_kind_and_metric_are_known_words():
    with pytest.raises(BankError, match=r"kind of a bank must be one of film, region \(got 'crop'\)"):
        Bank("x", torch.rand(2, 2), ("a", "b"), kind="crop")
    with pytest.raises(BankError, match=r"metric of a bank must be one of standardised, cosine \(got 'l1'\)"):
        Bank("x", torch.rand(2, 2), ("a", "b"), metric="l1")


def test_a_vector_of_another_length_is_refused():
    with pytest.raises(BankError, match=r"the bank's 1 numbers \(got 2\); the bank holds regions described by 'line'"):
        LINE.distances(torch.rand(2))


def test_a_region_is_described_with_a_margin_and_cut_at_the_film():
    film = phantom(size=(256, 256))
    seen = []

    class Spy:
        name, data = "spy", frozenset()

        def __call__(self, film, anatomy, box=None):
            seen.append(box)
            return torch.zeros(2)

    embed_region(Spy(), film.image, film.anatomy, Box(100, 2, 120, 30), scale=pixels_per_mm)
    grown = round(10 * 200 / 280)  # the inner thorax is about 200 pixels wide
    assert seen == [Box(100 - grown, 0, 120 + grown, 30 + grown)]
    assert embed_region(FixedDescriptor(), film.image, film.anatomy, Box(100, 2, 120, 30)).shape == (27,)
    with pytest.raises(BankError, match=r"the embedder 'spy' has no method pixels_per_mm; give scale="):
        embed_region(Spy(), film.image, film.anatomy, Box(100, 2, 120, 30))


def test_what_is_worked_out_does_not_travel():
    bank = Bank("x", torch.rand(200, 2), tuple(map(str, range(200))))
    small = len(pickle.dumps(bank))
    assert bank.nearest.shape == (200,)
    assert len(pickle.dumps(bank)) == small
    assert torch.equal(pickle.loads(pickle.dumps(bank)).between, bank.between)
