import torch
from phantom import phantom

from monai_cars.chest_xray.training.augmentation import augment, random_grid


def batch(n=4):
    film = phantom(size=(96, 96))
    image = (film.image - film.image.min()) / (film.image.max() - film.image.min())
    return image[None].repeat(n, 1, 1, 1), film.anatomy[None].repeat(n, 1, 1, 1)


def test_the_same_seed_gives_the_same_views_and_another_seed_others():
    image, mask = batch()
    first, second, other = (
        augment(image, mask, size=64, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], other[0])


def test_masks_stay_masks_and_images_stay_finite():
    image, mask = batch(8)
    image, mask = augment(image, mask, size=64, generator=torch.Generator().manual_seed(2))
    assert image.shape == (8, 1, 64, 64)
    assert mask.shape == (8, 3, 64, 64)
    assert torch.isfinite(image).all()
    assert mask.min() >= 0
    assert mask.max() <= 1


def test_lungs_are_named_by_place_in_every_view():
    image, mask = batch(32)
    _, mask = augment(image, mask, size=64, generator=torch.Generator().manual_seed(3), flip_prob=0.5)
    columns = torch.arange(64.0)
    for view in mask:
        if view[0].sum() > 100 and view[1].sum() > 100:
            right, left = ((view[k] * columns).sum() / view[k].sum() for k in (0, 1))
            assert right < left


def test_a_mirror_is_told():
    _, mirror = random_grid(64, 8, torch.Generator().manual_seed(0), flip_prob=1.0)
    assert (mirror == -1).all()
