import math

import pytest
import torch

from monai_cars.chest_xray.teacher.network import TeacherNetwork
from monai_cars.chest_xray.training.teacher_films import Crops
from monai_cars.chest_xray.training.train_teacher import map_loss, teacher_loss, train_teacher, views


def crops(count=8, side=48, findings=2):
    """Dark lungs; every other film holds a bright, boxed block on one side."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(60, 90, (count, 1, side, side), generator=generator, dtype=torch.uint8)
    masks = torch.zeros(count, 3, side, side, dtype=torch.uint8)
    masks[:, 0, 4:-4, 4:20], masks[:, 1, 4:-4, 28:-4] = 255, 255
    boxes = torch.zeros(count, 1, side, side, dtype=torch.uint8)
    boxes[::2, :, 12:30, 6:18] = 255
    images[boxes > 0] = 200
    targets = torch.full((count, findings), math.nan)
    targets[:, 0] = (torch.arange(count) % 2 == 0).float()
    return Crops(images, masks, boxes, torch.ones(count, dtype=torch.bool), targets)


def test_a_perfect_map_costs_next_to_nothing_and_its_negative_much():
    boxes = torch.zeros(2, 1, 8, 8)
    boxes[0, :, 2:5, 2:5] = 1
    right, mapped = 20 * (2 * boxes - 1), torch.tensor([True, True])
    assert map_loss(right, boxes, mapped) < 1e-4
    assert map_loss(-right, boxes, mapped) > 10


def test_films_whose_place_is_unknown_count_for_nothing():
    logits = torch.randn(2, 1, 4, 4, requires_grad=True)
    map_loss(logits, torch.ones(2, 1, 4, 4), torch.tensor([False, True])).backward()
    assert (logits.grad[0] == 0).all()
    assert (logits.grad[1] != 0).any()
    assert map_loss(logits, torch.ones(2, 1, 4, 4), torch.zeros(2, dtype=torch.bool)) == 0


def test_unknown_findings_give_no_gradient():
    findings = torch.zeros(1, 2, requires_grad=True)
    targets = torch.tensor([[1.0, math.nan]])
    loss = teacher_loss(findings, torch.zeros(1, 1, 4, 4), targets, torch.zeros(1, 1, 4, 4), torch.tensor([False]))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert findings.grad.tolist() == [[-0.5, 0.0]]


def test_boxes_of_a_view_lie_in_its_lungs():
    seen, boxes = views(crops(), size=32, generator=torch.Generator().manual_seed(1), cells=8)
    assert seen.shape == (8, 4, 32, 32)
    assert boxes.shape == (8, 1, 8, 8)
    lungs = torch.nn.functional.adaptive_avg_pool2d(seen[:, 1:3].amax(1, keepdim=True), 8)
    assert (boxes <= lungs + 1e-4).all()
    assert (boxes[1::2] == 0).all()


def test_bright_blocks_are_learned_and_found():
    torch.manual_seed(0)
    network, data = TeacherNetwork((8, 8, 8), findings=2, width=8, dropout=0.0), crops()
    state = train_teacher(
        network, data, steps=40, batch=8, learning_rate=1e-2, sizes=((1.0, 32),), average=0.8, log_every=0
    )
    network.load_state_dict(state)
    seen, boxes = views(data, size=32, generator=torch.Generator().manual_seed(5), cells=8)
    with torch.no_grad():
        findings, where = network.eval()(seen)
    assert findings[::2, 0].min() > findings[1::2, 0].max()
    assert where[boxes > 0.9].mean() > where[boxes == 0].mean() + 1


def test_a_seed_gives_the_same_weights_and_progress_is_printed(capsys):
    states = []
    for _ in range(2):
        torch.manual_seed(0)
        network = TeacherNetwork((4, 4), findings=2, width=4)
        states.append(train_teacher(network, crops(4), steps=3, batch=3, sizes=((1.0, 16),), seed=3, log_every=2))
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert capsys.readouterr().out.count("/3 loss") == 4


def test_a_deadline_ends_a_long_schedule():
    network = TeacherNetwork((4, 4), findings=2, width=4)
    train_teacher(network, crops(4), steps=10**6, batch=2, sizes=((1.0, 16),), deadline=0.2, log_every=0)
