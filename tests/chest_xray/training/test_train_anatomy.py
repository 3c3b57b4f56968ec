import hashlib

import pytest
import torch
from phantom import phantom
from PIL import Image
from safetensors.torch import load_file

from monai_cars.chest_xray.anatomy.network import anatomy_network
from monai_cars.chest_xray.training.anatomy_films import LabelledFilm
from monai_cars.chest_xray.training.export import export_weights
from monai_cars.chest_xray.training.train_anatomy import WeightAverage, masked_loss, train


@pytest.fixture
def films(tmp_path):
    """Two drawn films: one knows its right lung, the other its heart."""
    found = []
    for seed, name in enumerate(("right_lung", "heart")):
        image = phantom(size=(64, 64), seed=seed).image[0]
        Image.fromarray((image / image.max() * 255).byte().numpy()).save(tmp_path / f"{seed}.png")
        box = [[8, 12], [28, 12], [28, 45], [8, 45]]
        found.append(LabelledFilm(tmp_path / f"{seed}.png", f"p{seed}", contours={name: box}))
    return found


def test_a_perfect_answer_costs_nothing_and_unknown_structures_do_not_count():
    target = (torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    logits = (target - 0.5) * 80
    everything = torch.ones(2, 3)
    assert masked_loss(logits, target, everything) < 1e-2
    wrong = logits.clone()
    wrong[:, 2] *= -1
    known = torch.tensor([[1, 1, 0], [1, 1, 0]])
    assert masked_loss(wrong, target, known) == masked_loss(logits, target, known)
    assert masked_loss(wrong, target, everything) > 1
    assert masked_loss(wrong, target, torch.zeros(2, 3)) == 0


def test_unknown_structures_send_no_gradient():
    logits = torch.zeros(1, 3, 8, 8, requires_grad=True)
    masked_loss(logits, torch.ones(1, 3, 8, 8), torch.tensor([[1, 0, 0]])).backward()
    assert logits.grad[:, 0].any()
    assert not logits.grad[:, 1:].any()


def test_training_lowers_the_loss_and_the_same_seed_gives_the_same_weights(films, capsys):
    options = {"steps": 50, "batch": 2, "sizes": ((1.0, 24),), "learning_rate": 5e-3, "log_every": 49}
    states = []
    for _ in range(2):
        torch.manual_seed(0)
        states.append(train(anatomy_network((8, 16, 16)), films, **options))
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    losses = [float(line.split("loss ")[1].split()[0]) for line in capsys.readouterr().out.splitlines()]
    assert losses[1] < losses[0]


def test_a_deadline_ends_the_training_early(films, capsys):
    torch.manual_seed(0)
    train(anatomy_network((8, 16)), films, steps=10_000, batch=1, sizes=((1.0, 16),), deadline=0.5, log_every=1)
    assert len(capsys.readouterr().out.splitlines()) < 10_000


def test_the_average_forgets_its_start():
    network = torch.nn.Linear(1, 1)
    average = WeightAverage(network, 0.9)
    torch.nn.init.constant_(network.weight, 5.0)
    for _ in range(200):
        average.update(network)
    assert average.state["weight"].item() == pytest.approx(5.0, abs=1e-3)


def test_exported_files_hold_the_same_half_precision_weights(tmp_path):
    state = anatomy_network((4, 8)).state_dict()
    digest = export_weights(state, tmp_path / "a" / "net.safetensors", bundle_model=tmp_path / "model.pt")
    assert digest == hashlib.sha256((tmp_path / "a" / "net.safetensors").read_bytes()).hexdigest()
    read = load_file(tmp_path / "a" / "net.safetensors")
    model = torch.load(tmp_path / "model.pt", weights_only=True)
    for key, value in state.items():
        assert torch.equal(read[key], value.half())
        assert torch.equal(model[key], read[key])
    anatomy_network((4, 8)).load_state_dict(model)
