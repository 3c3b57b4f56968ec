import pytest
import torch

from monai_cars.edits.axes import LATERALITIES, ORDERS, TURNS, Axes, from_standard, mirror_of, then, to_standard
from monai_cars.edits.claim import UNHEARD, Claim, claim_of_file

CORNER = torch.arange(6).reshape(1, 2, 3)


@pytest.mark.parametrize("first", ORDERS)
@pytest.mark.parametrize("second", ORDERS)
def test_one_order_after_another_is_the_order_of_both(first, second):
    laid = from_standard(from_standard(CORNER, first), second)
    assert torch.equal(to_standard(laid, then(first, second)), CORNER)
    assert Claim((first, "HW"), "stated").laid(second).orders == (then(first, second), second)


def test_turns_are_what_quarter_turns_lead_to():
    found = set()
    for quarters in range(4):
        turned = torch.rot90(CORNER, quarters, (-2, -1))
        found |= {order for order in ORDERS if torch.equal(from_standard(CORNER, order), turned)}
    assert found == set(TURNS)
    assert {mirror_of(order) for order in TURNS} == set(ORDERS) - set(TURNS)
    assert all(torch.equal(to_standard(CORNER, mirror_of(k)), to_standard(CORNER, k).flip(-1)) for k in ORDERS)


def test_what_is_not_upright_was_said_by_somebody():
    assert claim_of_file("HW", "assumed") == Claim(("HW",), "assumed", firm=False)
    assert claim_of_file("HW-inverted", "stated") == Claim(("HW",), "stated", firm=True)
    assert claim_of_file("WH-flip", "assumed").firm
    assert not claim_of_file("HW-flip", "doubtful").firm
    assert not UNHEARD.orders


def test_by_whom_sides_are_known_is_no_part_of_a_reading():
    assert Axes().laterality == "given"
    assert len({Axes("WH", laterality=name) for name in LATERALITIES}) == 1
