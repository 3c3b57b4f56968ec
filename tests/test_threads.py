"""The number of threads changes no byte: what depends on it runs with one."""

import numpy as np
import pytest
import scipy.linalg
import torch
from phantom import phantom
from threadpoolctl import threadpool_info, threadpool_limits

from monai_cars.edits.edit import Edit
from monai_cars.edits.film_memory import MEMORY
from monai_cars.edits.region import Region
from monai_cars.loop.counterfactual import make_counterfactual
from monai_cars.networks.threads import one_blas_thread, one_thread

SIZE = (384, 400)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with threadpool_limits(limits=2, user_api="blas"):
        yield
    torch.set_num_threads(before)


def blas_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def factor():
    rng = np.random.default_rng(0)
    modes = rng.normal(size=(600, 40))
    return scipy.linalg.cho_factor(modes @ modes.T + np.eye(600))[0]


def test_factors_and_sums_are_those_of_one_thread(two_threads):
    values = torch.linspace(-1, 1, 3_000_000) ** 3
    with threadpool_limits(limits=1, user_api="blas"):
        alone = factor()
    with one_thread():
        assert torch.get_num_threads() == 1
        assert blas_threads() == {1}
        total = values.sum()
        assert np.array_equal(factor(), alone)
    with one_blas_thread():
        assert np.array_equal(factor(), alone)
        assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert torch.equal(values.sum(), total)


def test_the_callers_threads_come_back_also_after_an_error(two_threads):
    before = blas_threads()
    with pytest.raises(KeyError), one_thread(), one_thread():
        raise KeyError("x")
    assert torch.get_num_threads() == 2
    assert blas_threads() == before


EDITS = {
    "sham": Edit("sham", "nodule", side="right", seed=3),
    "consolidation": Edit("insert", "consolidation", side="right", severity=0.6, seed=3),
    "pneumothorax": Edit("insert", "pleural air", side="left", severity=0.4, seed=3),
    "deletion": Edit("delete", "consolidation", seed=3, region=Region(box=(150, 80, 230, 150))),
}


@pytest.mark.parametrize("name", EDITS)
def test_one_thread_and_two_give_the_same_bytes(two_threads, name):
    film = phantom(size=SIZE, seed=1)
    made = []
    for number in (1, 2):
        torch.set_num_threads(number)
        MEMORY.forget()
        with threadpool_limits(limits=number, user_api="blas"):
            made.append(make_counterfactual(film.image, film.anatomy, EDITS[name]))
    one, two = made
    assert torch.equal(one.image, two.image)
    assert torch.equal(one.lesion, two.lesion)
    assert torch.equal(one.support, two.support)
    assert one.record == two.record
