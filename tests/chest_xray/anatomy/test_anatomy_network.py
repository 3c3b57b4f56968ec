import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.chest_xray.anatomy.network import INPUT_SIZE, _quantiles, anatomy_network, normalise, to_input


@settings(max_examples=30, deadline=None)
@given(st.floats(0.1, 1e4), st.floats(-1e4, 1e4), st.integers(0, 99))
def test_what_the_network_sees_is_free_of_the_intensity_scale(slope, offset, seed):
    film = torch.rand(1, 1, 40, 30, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    before, after = normalise(film), normalise(slope * film + offset)
    # float32 holds an offset of 1e4 on a slope of 0.1 to one part in a hundred.
    assert torch.allclose(before, after, atol=0.02)
    assert before.abs().max() <= 2


def test_a_constant_film_becomes_zero():
    assert not normalise(torch.full((2, 1, 5, 5), 7.0)).any()


@pytest.mark.parametrize("size", [(64, 64), (300, 200), (1955, 1841), (2000, 700)])
def test_any_film_fits_the_input(size):
    rows = torch.linspace(0, 1, size[0])[None, :, None].expand(1, *size)
    small = to_input(rows)
    assert small.shape == (1, 1, INPUT_SIZE, INPUT_SIZE)
    assert (small[0, 0].diff(dim=0)[8:-8] >= -1e-5).all()  # a ramp stays a ramp
    assert small[0, 0].std(dim=1).max() < 1e-3


def test_it_has_one_logit_a_structure():
    assert anatomy_network((4, 8))(torch.zeros(2, 1, 32, 32)).shape == (2, 3, 32, 32)


@pytest.mark.parametrize("pixels", [1, 2, 100, 9216])
def test_percentiles_are_those_of_torch(pixels):
    flat = torch.randn(2, pixels, generator=torch.Generator().manual_seed(pixels))
    shares = (0.02, 0.5, 0.98)
    assert torch.equal(_quantiles(flat, shares), torch.quantile(flat, torch.tensor(shares), dim=1))
    flat[0, 0] = torch.nan
    assert _quantiles(flat, shares)[:, 0].isnan().all()
