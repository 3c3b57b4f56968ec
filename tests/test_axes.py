import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from monai_cars.chest_xray.orientation import _decide, recognise_axes
from monai_cars.edits.axes import ORDERS, Axes, compose_orders, from_standard, orient, to_standard, upright
from monai_cars.files.radiograph import RadiographError, read_radiograph


@pytest.fixture(scope="module")
def film():
    return read_radiograph(str(get_testdata_file("RG1_UNCR.dcm"))).image[:, ::4, ::4]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(ORDERS), st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_there_and_back_changes_nothing(order, height, width, inverted):
    array = torch.arange(2 * height * width).reshape(2, height, width)
    axes = str(Axes(order, inverted))
    assert torch.equal(from_standard(to_standard(array, axes), axes), array)
    assert torch.equal(to_standard(from_standard(array, axes), axes), array)


def test_orders_form_a_group():
    array = torch.arange(6).reshape(1, 2, 3)
    for first in range(8):
        assert torch.equal(upright(orient(array, first), first), array)
        for second in range(8):
            assert torch.equal(orient(orient(array, first), second), orient(array, compose_orders(first, second)))


def test_wh_is_the_transpose_that_monais_readers_leave():
    array = torch.arange(6).reshape(1, 2, 3)
    assert torch.equal(to_standard(array.transpose(1, 2), "WH"), array)
    assert torch.equal(to_standard(array.flip(-1), "HW-flip"), array)


def test_the_string_round_trips_and_says_what_is_mirrored():
    for order in ORDERS:
        for inverted in (False, True):
            assert Axes.parse(str(Axes(order, inverted))) == Axes(order, inverted)
    assert [order for order in ORDERS if Axes(order).mirrored] == ["HW-flip", "HW-upside", "WH-flip", "WH-upside"]


def test_unknown_axes_are_refused():
    with pytest.raises(ValueError, match=r"axes must be one of HW, HW-flip, .* \(got 'XY'\)"):
        to_standard(torch.zeros(1, 2, 2), "XY")


@pytest.mark.parametrize("order", ["HW", "WH", "HW-turn", "WH-turn"])
@pytest.mark.parametrize("inverted", [False, True])
def test_a_real_film_is_recognised_as_it_lies(film, order, inverted):
    laid = from_standard(film, order)
    found = recognise_axes((-laid if inverted else laid) * 3.7 + 11)
    assert (found.order, found.inverted) == (order, inverted)
    assert 0.8 <= found.confidence <= 1


def test_noise_is_no_film_and_the_message_names_the_remedy():
    noise = torch.rand(1, 200, 200, generator=torch.Generator().manual_seed(0))
    with pytest.raises(RadiographError, match=r"does not look like a frontal chest radiograph .* pass axes="):
        recognise_axes(noise)


def test_an_unsure_orientation_is_refused_with_the_remedy(film, monkeypatch):
    monkeypatch.setattr("monai_cars.chest_xray.orientation.SURE", 1.1)
    with pytest.raises(RadiographError, match=r"orientation of the film is unsure .* pass axes= to say how it lies"):
        recognise_axes(film)


def test_too_small_a_film_is_refused_with_the_remedy(film):
    with pytest.raises(RadiographError, match=r"\(50, 40\) pixels is too small .* pass axes="):
        recognise_axes(film[:, :50, :40])


def said(**odds):
    """Log-probabilities with some readings raised above the others."""
    logs = torch.full((16,), -8.0)
    for name, value in odds.items():
        axes = Axes.parse(name.replace("_", "-"))
        logs[2 * ORDERS.index(axes.order) + axes.inverted] = value
    return logs.log_softmax(0)


def test_a_mirror_needs_much_evidence_and_is_then_told():
    assert _decide(said(HW=0.0, HW_flip=1.0)).order == "HW"
    assert _decide(said(HW=0.0, HW_flip=4.0)).order == "HW-flip"
    assert _decide(said(WH=0.0, WH_flip=4.0, HW=-3.0)).order == "WH-flip"
    assert _decide(said(HW_inverted=0.0, HW=-6.0)) == Axes(
        "HW", True, _decide(said(HW_inverted=0.0, HW=-6.0)).confidence
    )


def test_upside_down_the_more_likely_of_turn_and_mirror_is_taken_or_none():
    assert _decide(said(HW_turn=0.0, HW_upside=4.0)).order == "HW-upside"
    assert _decide(said(HW_turn=4.0, HW_upside=0.0)).order == "HW-turn"
    with pytest.raises(RadiographError, match="orientation of the film is unsure"):
        _decide(said(HW_turn=0.0, HW_upside=0.2))


@pytest.mark.parametrize("stated", [None, 3, ["HW"], "upwards"])
def test_what_is_no_order_of_axes_is_refused(stated):
    with pytest.raises(ValueError, match=r"axes must be one of HW, .* \(got "):
        Axes.parse(stated)
