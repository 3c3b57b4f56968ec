import torch
from phantom import phantom

from monai_cars.chest_xray.anatomy.orientation_network import CLASSES, class_log_probabilities, orientation_network
from monai_cars.chest_xray.training.negatives import limbs, sample_dicoms, sample_pictures, shapes, zooms
from monai_cars.chest_xray.training.train_orientation import (
    coarse,
    fold_of,
    laid_down,
    loss_of,
    negatives,
    spoil,
    train_orientation,
)
from monai_cars.edits.axes import ORDERS, to_standard


def films(n=3, size=128):
    image = torch.stack([phantom(size=(size, size), seed=k).image for k in range(n)])
    return (image - image.amin()) / (image.amax() - image.amin())


def masks(n=3, size=128):
    return torch.stack([phantom(size=(size, size), seed=k).anatomy for k in range(n)]).float()


def test_drawn_pictures_are_finite_and_follow_their_seed():
    for draw in (limbs, shapes):
        first, second = (draw(2, 48, torch.Generator().manual_seed(1)) for _ in range(2))
        assert first.shape == (2, 1, 48, 48)
        assert torch.equal(first, second)
        assert first.min() >= 0
        assert first.max() <= 1


def test_sample_pictures_come_from_installed_packages():
    pictures = [*sample_pictures(32), *sample_dicoms(32)]
    assert len(pictures) > 15
    assert all(picture.shape == (1, 32, 32) and picture.max() <= 1 for picture in pictures)


def test_zooms_show_a_part():
    ramp = torch.linspace(0, 1, 64).expand(1, 1, 64, 64)
    part = zooms(ramp, torch.Generator().manual_seed(0))
    assert part.shape == ramp.shape
    assert part[..., 20:40, :].amax() - part[..., 20:40, :].amin() <= 1


def test_coarse_pictures_keep_their_size():
    generator = torch.Generator().manual_seed(0)
    assert all(coarse(films(1), generator).shape == (1, 1, 128, 128) for _ in range(10))


def test_a_few_steps_lower_the_loss(capsys):
    torch.manual_seed(0)
    network = orientation_network(8)
    pool = shapes(4, 128, torch.Generator().manual_seed(5))
    assert len(negatives(pool, films(), 2, torch.Generator().manual_seed(0))) == 10
    train_orientation(network, films(), masks(), pool, steps=31, batch=16, log_every=10)
    losses = [float(line.split("loss ")[1]) for line in capsys.readouterr().out.splitlines()]
    assert losses[-1] < losses[0]
    logs = class_log_probabilities(network, films(1)[0])
    assert logs.shape == (CLASSES,)
    assert torch.isclose(logs.exp().sum(), torch.tensor(1.0), atol=1e-5)


def test_turning_the_film_turns_the_answer():
    torch.manual_seed(0)
    network = orientation_network(8).eval()
    film = films(1)[0]
    before, after = (class_log_probabilities(network, view) for view in (film, film.flip(-1)))
    # Orders are numbered so that a mirror changes the lowest bit; two numbers an order for the polarity.
    swapped = [2 * (k // 2 ^ 1) + k % 2 for k in range(8)]
    assert torch.allclose(before[swapped], after[:8], atol=1e-3)


def test_each_picture_lies_as_its_number_says():
    images = torch.rand(8, 1, 24, 24)
    laid = laid_down(images, torch.arange(8), torch.tensor([0, 1] * 4))
    for k, order in enumerate(ORDERS):
        assert torch.equal(to_standard(laid[k], order), images[k] * (1 - 2 * (k % 2)))


def test_what_is_neither_teaches_only_how_it_lies():
    logits = torch.zeros(1, CLASSES, requires_grad=True)
    loss_of(logits, torch.tensor([4]), torch.tensor([-1])).backward()
    assert logits.grad[0, -1] == 0
    assert logits.grad[0, 4] < 0


def test_an_unusable_picture_teaches_that_it_is_none():
    logits = torch.zeros(2, CLASSES, requires_grad=True)
    loss_of(logits, torch.tensor([4, 4]), torch.tensor([0, 1])).backward()
    assert logits.grad.argmin(1).tolist() == [CLASSES - 1, 4]


def test_spoilt_pictures_count_as_unusable():
    usable = torch.ones(16, dtype=torch.long)
    images = torch.rand(16, 1, 96, 96)
    out = spoil(images, usable, torch.Generator().manual_seed(0))
    assert usable.tolist() == [0] * 6 + [1] * 10
    assert torch.equal(out[6:], images[6:])
    assert not any(torch.equal(a, b) for a, b in zip(out[:6], images[:6], strict=True))


def test_a_patient_is_left_out_by_one_fold_only():
    folds = {name: fold_of(name) for name in ("nih-1", "nih-2", "cohen-102", "hannover-9")}
    assert folds["cohen-102"] == folds["hannover-9"] == 0
    assert 1 <= folds["nih-1"] <= 4
