import torch

from monai_cars.chest_xray.training.teacher_augmentation import random_views


def test_films_masks_and_boxes_move_together():
    masks = torch.zeros(16, 3, 40, 40)
    masks[:, 0, 8:32, 5:15], masks[:, 1, 8:32, 25:35] = 1, 1
    images = masks[:, :2].amax(1, keepdim=True)
    seen, mask, box = random_views(images, masks, images, size=40, generator=torch.Generator().manual_seed(0))
    assert torch.equal(box, mask[:, :2].sum(1, keepdim=True).clamp(max=1)) or torch.allclose(
        box, mask[:, :2].sum(1, keepdim=True), atol=1e-5
    )
    plain = slice(8, 16)  # the second half keeps its intensities
    inner = (slice(None), slice(None), slice(8, 32), slice(8, 32))
    torch.testing.assert_close(seen[plain][inner], box[plain][inner], rtol=0, atol=1e-4)


def test_a_mirrored_lung_keeps_its_place_in_the_image():
    masks = torch.zeros(32, 3, 40, 40)
    masks[:, 0, 8:32, 5:15], masks[:, 1, 8:32, 25:35] = 1, 1
    _, mask, _ = random_views(masks[:, :1], masks, masks[:, :1], size=40, generator=torch.Generator().manual_seed(0))
    columns = torch.arange(40.0)
    right, left = ((mask[:, side].sum(1) * columns).sum(1) / mask[:, side].sum((1, 2)) for side in (0, 1))
    assert (right < left).all()


def test_some_are_mirrored_and_a_seed_repeats_them():
    image = torch.linspace(0, 1, 40).expand(16, 1, 40, 40).contiguous()
    none = torch.zeros(16, 3, 40, 40)
    draws = [
        random_views(image, none, none[:, :1], size=40, generator=torch.Generator().manual_seed(4))[0] for _ in "ab"
    ]
    assert torch.equal(draws[0], draws[1])
    rising = (draws[0][8:, 0, 20, 30] > draws[0][8:, 0, 20, 10]).float().mean()
    assert 0 < rising < 1
