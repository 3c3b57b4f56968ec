import inspect
import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser
from safetensors.torch import load_file

from monai_cars.chest_xray.teacher.network import TeacherNetwork
from monai_cars.chest_xray.training import teacher_recipe as recipe
from monai_cars.chest_xray.training.teacher_films import EDITOR_PATIENTS, Crops, TeacherFilm, editor_patients
from monai_cars.chest_xray.training.train_teacher import train_teacher
from monai_cars.weights import load_state

CONFIGS = Path(__file__).resolve().parents[3] / "bundles/cars_chest_xray/configs"


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


def test_the_committed_config_builds_the_shipped_network():
    parser = ConfigParser()
    parser.read_config(CONFIGS / "train_teacher.json")
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(load_state("cars_teacher"))
    assert set(parser.get_parsed_content("options")) <= set(inspect.signature(train_teacher).parameters)


def test_every_patient_with_contours_belongs_to_the_editors():
    editors = editor_patients(CONFIGS / "patients.json")
    for name in ("engineer_drawn_contours.json", "engineer_checked_lungs.json"):
        films = json.loads((CONFIGS / name).read_text())["films"]
        assert {int(film[:8]) for film in films if film[:8].isdigit()} <= editors
