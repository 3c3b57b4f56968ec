"""What is said of how a film lies, held against what the orientation network sees; log-probabilities are made up."""

from itertools import pairwise

import pytest
import torch
from pydicom.data import get_testdata_file

from monai_cars.chest_xray import orientation
from monai_cars.chest_xray.modality import CHEST_XRAY
from monai_cars.chest_xray.orientation import DOUBT_LOG_ODDS, MIRROR_LOG_ODDS, NEEDED_LOG_ODDS, held_against
from monai_cars.edits.axes import ORDERS, TURNS, Axes, from_standard, mirror_of
from monai_cars.edits.claim import UNHEARD, Claim, claim_of_file
from monai_cars.files.radiograph import RadiographError, read_radiograph

STATED = {order: claim_of_file(order, "stated") for order in ORDERS}
SILENT = claim_of_file("HW", "assumed")
MONAIS = Claim(("WH", "HW"), "assumed")


def seen(order, odds, *, unsure=0.0):
    """Log-probabilities `(17,)` of a film that lies in an order by so many log-odds over its mirror."""
    logs = torch.full((17,), -12.0)
    logs[2 * ORDERS.index(order)] = odds
    logs[2 * ORDERS.index(mirror_of(order))] = 0.0
    if unsure:
        logs[2 * ORDERS.index("WH-turn" if order in ("HW", "HW-flip") else "HW")] = unsure
    return logs.log_softmax(0)


def read(claim, order, odds, **more):
    return held_against(seen(order, odds, **more), claim, source="film.dcm")


@pytest.mark.parametrize("order", ORDERS)
def test_what_is_stated_and_not_gainsaid_is_so(order):
    for odds in (-DOUBT_LOG_ODDS + 0.1, 0.0, 9.0):
        found = read(STATED[order], order, odds)
        assert (found.order, found.laterality) == (order, "stated")
    assert read(STATED[order], order, -DOUBT_LOG_ODDS - 0.1).laterality == "doubtful"


@pytest.mark.parametrize("order", ORDERS)
def test_a_film_that_clearly_shows_otherwise_is_refused_by_both_names(order):
    mirror = mirror_of(order)
    message = rf"film\.dcm: a film must lie as is said of it \(got {order} by .*, and {mirror} by what it shows\); corr"
    with pytest.raises(RadiographError, match=message):
        read(STATED[order], order, -MIRROR_LOG_ODDS - 0.1)
    for other in set(ORDERS) - {order, mirror}:
        with pytest.raises(RadiographError, match=rf"\(got {order} by .*, and ({other}|{mirror_of(other)}) by what"):
            read(STATED[order], other, 5.0)


def test_a_silent_film_is_turned_and_never_mirrored():
    for order in TURNS:
        least = -DOUBT_LOG_ODDS if order == "HW" else NEEDED_LOG_ODDS
        assert read(SILENT, order, least + 0.1).order == order
        assert read(SILENT, order, least + 0.1).laterality == "assumed"
        assert read(SILENT, order, least - 0.1) == Axes(order, False, read(SILENT, order, least - 0.1).confidence)
        assert read(SILENT, order, least - 0.1).laterality == "doubtful"
        assert read(SILENT, order, MIRROR_LOG_ODDS + 0.1).laterality == "recognised"


def test_a_clear_mirror_of_which_nothing_is_said_stays_doubtful():
    for order in TURNS:
        found = read(SILENT, mirror_of(order), MIRROR_LOG_ODDS + 0.1)
        assert (found.order, found.laterality) == (mirror_of(order), "doubtful")


def test_what_cannot_be_relied_on_has_to_be_seen():
    weak = claim_of_file("HW-flip", "doubtful")
    assert read(weak, "HW-flip", NEEDED_LOG_ODDS + 0.1).laterality == "assumed"
    assert read(weak, "HW-flip", NEEDED_LOG_ODDS - 0.1).laterality == "doubtful"
    assert read(weak, "HW-upside", NEEDED_LOG_ODDS + 0.1).order == "HW-upside"  # turned since


def test_monais_readers_may_transpose_or_not():
    for order in MONAIS.orders:
        found = read(MONAIS, order, -DOUBT_LOG_ODDS + 0.1)
        assert (found.order, found.laterality) == (order, "assumed")
    for order in ("HW-turn", "HW-upside", "WH-turn"):  # turned, and the heart alone tells which
        assert read(MONAIS, order, NEEDED_LOG_ODDS + 0.1).order == order
        assert read(MONAIS, order, NEEDED_LOG_ODDS + 0.1).laterality == "assumed"
        assert read(MONAIS, order, NEEDED_LOG_ODDS - 0.1).laterality == "doubtful"
    stated = Claim(("WH-flip", "HW-flip"), "stated", firm=True)
    assert [read(stated, order, 0.0).order for order in stated.orders] == list(stated.orders)
    with pytest.raises(RadiographError, match=r"got WH-flip or HW-flip by its file or its affine, and HW-turn by what"):
        read(stated, "HW-turn", 2.0)


def test_dark_tissue_is_told_beside_any_claim():
    logs = seen("HW-flip", 3.0)
    swapped = torch.cat([logs[:16].reshape(8, 2).flip(1).reshape(-1), logs[16:]])
    assert str(held_against(swapped, STATED["HW-flip"], source="film")) == "HW-flip-inverted"


@pytest.mark.parametrize("claim", [SILENT, STATED["HW"], MONAIS])
def test_an_unsure_film_is_refused_whatever_is_said(claim):
    with pytest.raises(RadiographError, match=r"film\.dcm: the orientation of the film is unsure \(.*; pass axes="):
        read(claim, "HW", 0.5, unsure=0.5)


def test_thresholds_are_in_order():
    ladder = [-MIRROR_LOG_ODDS, -DOUBT_LOG_ODDS, 0.0, NEEDED_LOG_ODDS, MIRROR_LOG_ODDS]
    assert all(low < high for low, high in pairwise(ladder))


def test_the_network_looks_once(monkeypatch):
    calls = []
    whole = orientation.class_log_probabilities
    monkeypatch.setattr(orientation, "class_log_probabilities", lambda *args: calls.append(1) or whole(*args))
    film = read_radiograph(str(get_testdata_file("RG1_UNCR.dcm"))).image[:, ::6, ::6]
    for claim, order in ((STATED["HW-turn"], "HW-turn"), (SILENT, "WH-upside"), (UNHEARD, "WH")):
        calls.clear()
        assert CHEST_XRAY.orient(from_standard(film, order), claim, "film").order == order
        assert calls == [1]


def test_what_is_no_chest_is_refused_by_name():
    noise = torch.rand(1, 200, 200, generator=torch.Generator().manual_seed(0))
    with pytest.raises(RadiographError, match=r"film\.png: it does not look like a frontal chest radiograph"):
        CHEST_XRAY.orient(noise, STATED["HW"], "film.png")
