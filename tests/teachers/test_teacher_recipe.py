import json

import pytest
import torch
from safetensors.torch import load_file

from monai_cars.teachers import recipe
from monai_cars.teachers.films import Crops, TeacherFilm
from monai_cars.teachers.network import TeacherNetwork
from monai_cars.weights_records import EDITOR_PATIENTS


def test_a_folder_without_films_is_named(tmp_path):
    (tmp_path / "patients.json").write_text(json.dumps({EDITOR_PATIENTS: []}))
    with pytest.raises(ValueError, match=r"must hold films of patients outside .*patients\.json \(found none\)"):
        train(TeacherNetwork((4, 4), findings=1, width=4), tmp_path)


def test_the_trained_weights_are_written(tmp_path, monkeypatch):
    grey, dark = torch.full((2, 1, 32, 32), 90, dtype=torch.uint8), torch.zeros(2, 1, 32, 32, dtype=torch.uint8)
    crops = Crops(grey, grey.repeat(1, 3, 1, 1), dark, torch.ones(2, dtype=torch.bool), torch.tensor([[0.0], [1.0]]))
    monkeypatch.setattr(recipe, "teacher_films", lambda folder, patients: [TeacherFilm("f.png", 1, "PA", (0.0,))])
    monkeypatch.setattr(recipe, "kept_crops", lambda file, films, segmenter: crops)
    network = TeacherNetwork((4, 4), findings=1, width=4)
    digest = train(network, tmp_path)
    state = load_file(tmp_path / "out" / "teacher.safetensors")
    assert set(state) == set(network.state_dict())
    assert len(digest) == 64
    assert state["where.weight"].dtype == torch.float16


def train(network, folder):
    options = {"steps": 2, "batch": 2, "sizes": [[1.0, 16]], "log_every": 0}
    return recipe.train_and_export_teacher(
        network,
        folder,
        folder / "patients.json",
        options,
        crops_file=folder / "crops.npz",
        weights_file=folder / "out" / "teacher.safetensors",
    )
