"""What the one writer of pixels promises in numbers: the knee, what counts as clipped, both ends of the range."""

import pytest
import torch

from monai_cars.edits.compositor import compose
from monai_cars.edits.edit import Box, Proposal
from monai_cars.files.radiograph import Header

FLOAT = Header("memory", "a" * 64, "tensor")
# A pixel at 40 on a film from 0 to 100: 60 up, 40 down.
FILM = torch.tensor([[[0.0, 40.0, 100.0]]])


def added(size: float, *, film=FILM, header=FLOAT):
    """What is written at the middle pixel, and the composite."""
    residual = torch.tensor([[0.0, size, 0.0]])
    composite = compose(film, Proposal(Box(0, 0, 1, 3), residual, residual != 0, residual != 0), 1.0, header=header)
    return float(composite.image[0, 0, 1]) - float(film[0, 0, 1]), composite


@pytest.mark.parametrize(("headroom", "sign"), [(60.0, 1), (40.0, -1)])
def test_seven_tenths_of_the_headroom_are_added_as_they_are_and_more_is_compressed(headroom, sign):
    assert added(sign * 0.699 * headroom)[0] == pytest.approx(sign * 0.699 * headroom, rel=1e-5)
    beyond = abs(added(sign * 0.80 * headroom)[0])
    assert 0.70 * headroom < beyond < 0.79 * headroom
    assert abs(added(sign * 9.0 * headroom)[0]) <= headroom


@pytest.mark.parametrize(("lost", "counted"), [(0.08, 0.0), (0.12, 1.0), (0.5, 1.0)])
def test_a_pixel_counts_as_clipped_from_a_tenth_on(lost, counted):
    """Of a residual r beyond the knee k of a headroom h, 1 - (k + (h - k)(1 - exp(-(r - k) / (h - k)))) / r is lost."""
    headroom, knee = 60.0, 42.0
    sizes = torch.linspace(knee, 5 * headroom, 20_000)
    written = knee + (headroom - knee) * (1 - torch.exp(-(sizes - knee) / (headroom - knee)))
    size = float(sizes[int((1 - written / sizes - lost).abs().argmin())])
    found, composite = added(size)
    assert 1 - found / size == pytest.approx(lost, abs=1e-3)
    assert composite.clipped_share == counted


def test_integers_end_where_the_header_says_and_not_where_the_film_does():
    header = Header("memory", "a" * 64, "tensor", integer=True, low=0.0, high=4095.0)
    grown, composite = added(500.0, header=header)
    assert grown == 500.0
    assert composite.clipped_share == 0.0
