import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.chest_xray.teacher.network import RARE, TeacherNetwork, pooled_map
from monai_cars.chest_xray.teacher.shipped import ask


def tiny(findings=2):
    torch.manual_seed(0)
    return TeacherNetwork((4, 8, 8), findings=findings, width=4).eval()


@settings(deadline=None, max_examples=20)
@given(logit=st.floats(-8, 8), share=st.floats(0.05, 1))
def test_the_pool_of_a_constant_map_is_its_logit(logit, share):
    lungs = torch.full((1, 1, 4, 4), share)
    assert math.isclose(pooled_map(torch.full((1, 1, 4, 4), logit), lungs).item(), logit, abs_tol=1e-4)


def test_the_pool_grows_with_extent_and_leaves_out_what_is_no_lung():
    lungs = torch.ones(1, 1, 4, 4)
    lungs[..., 2:] = 0
    where = torch.full((1, 1, 4, 4), RARE)
    base = pooled_map(where, lungs)
    beside = where.clone()
    beside[..., 3] = 4
    assert torch.allclose(pooled_map(beside, lungs), base, atol=1e-2)
    small, large = where.clone(), where.clone()
    small[..., :1, 0], large[..., :, 0] = 4, 4
    assert base < pooled_map(small, lungs) < pooled_map(large, lungs)


def test_the_map_moves_the_first_finding_alone():
    network, x = tiny(), torch.rand(1, 4, 32, 32)
    with torch.no_grad():
        before = network(x).findings
        network.where.bias += 2
        after = network(x).findings
    torch.testing.assert_close(after - before, torch.tensor([[2.0, 0.0]]), rtol=0, atol=1e-4)


def test_an_untrained_map_expects_little():
    assert tiny()(torch.zeros(1, 4, 32, 32)).map.sigmoid().mean() < 0.2


def test_a_film_and_its_mirror_image_get_one_answer():
    x = torch.rand(2, 4, 32, 32)
    mirrored = x[:, [0, 2, 1, 3]].flip(-1)
    one, other = ask(tiny(), x), ask(tiny(), mirrored)
    torch.testing.assert_close(one.findings, other.findings, rtol=0, atol=1e-5)
    torch.testing.assert_close(one.map, other.map.flip(-1), rtol=0, atol=1e-5)
