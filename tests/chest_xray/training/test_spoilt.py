import math

import pytest
import torch
from phantom import phantom

from monai_cars.chest_xray.training.spoilt import blurred, doubled, shuffled, view


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def chests(n=16, size=96):
    made = [phantom(size=(size, size), seed=k) for k in range(n)]
    image = torch.stack([each.image for each in made])
    masks = torch.stack([each.anatomy for each in made]).float()
    return (image - image.amin()) / (image.amax() - image.amin()), masks


def test_a_view_is_usable_where_both_lungs_are_kept_and_unusable_where_one_is_not():
    films, masks = chests(64)
    seen, now, usable = view(films, masks, size=96, generator=draws())
    assert seen.shape == films.shape
    assert now.shape == masks.shape
    assert set(usable.tolist()) <= {-1, 0, 1}
    assert min((usable == k).sum() for k in (0, 1)) > 8
    assert (now[usable == 1][:, :2].amax((2, 3)) > 0.9).all()  # both lungs are in the picture


def test_a_view_follows_its_seed():
    films, masks = chests(4)
    first, second, other = (view(films, masks, size=64, generator=draws(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], other[0])


def test_shuffled_tiles_are_the_same_values_in_other_places():
    films = torch.rand(3, 1, 60, 60, generator=draws())  # 60 is a multiple of 2, 3, 4 and 5
    for seed in range(8):
        moved = shuffled(films, draws(seed))
        assert torch.equal(moved.flatten(1).sort(1).values, films.flatten(1).sort(1).values)
        assert all(not torch.equal(a, b) for a, b in zip(moved, films, strict=True))


def test_a_blur_keeps_a_constant_and_takes_away_what_is_fine():
    fine = (torch.arange(96) % 2).float().expand(1, 1, 96, 96)
    for seed in range(5):
        assert torch.allclose(blurred(torch.full((1, 1, 96, 96), 0.3), draws(seed)), torch.tensor(0.3), atol=1e-5)
        inner = blurred(fine, draws(seed))[..., 24:-24]  # the border repeats one stripe
        assert float(inner.std()) < 0.01


@pytest.mark.parametrize("seed", range(6))
def test_two_films_stand_beside_each_other(seed):
    dark, bright = torch.full((2, 1, 96, 96), 0.2), torch.full((2, 1, 96, 96), 0.8)
    both = doubled(dark, bright, draws(seed))
    assert both.shape == dark.shape
    shares = [float(((both - level).abs() < 1e-4).float().mean()) for level in (0.2, 0.8)]
    assert shares[0] == shares[1]
    assert shares[0] == pytest.approx(0.5, abs=0.05)
    lines = (both[0, 0, 0], both[0, 0, :, 0])
    assert any(math.isclose(float(line.min()), float(line.max()), rel_tol=1e-4) for line in lines)
