import json
from pathlib import Path

import pytest
import torch
from phantom import phantom
from PIL import Image

from monai_cars.chest_xray.anatomy.network import anatomy_network
from monai_cars.chest_xray.training import anatomy_recipe as recipe
from monai_cars.chest_xray.training.anatomy_films import LabelledFilm
from monai_cars.chest_xray.training.anatomy_recipe import train_and_export, train_stages


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere does not exist; give --dataset_dir"):
        train_stages(torch.nn.Identity(), tmp_path / "nowhere", [], [{}])
    with pytest.raises(FileNotFoundError, match=r"lungs\.json does not exist"):
        train_stages(torch.nn.Identity(), tmp_path, [tmp_path / "lungs.json"], [{}])
    with pytest.raises(ValueError, match="stages must name one stage or more"):
        train_stages(torch.nn.Identity(), tmp_path, [], [])


def test_stages_follow_each_other_and_leave_the_asked_films_out(tmp_path, monkeypatch):
    image = phantom(size=(48, 48)).image[0]
    Image.fromarray((image / image.max() * 255).byte().numpy()).save(tmp_path / "film.png")
    box = {"heart": [[10, 10], [30, 10], [30, 30], [10, 30]]}
    asked = []

    def films(dataset_dir, contours, **chosen):
        asked.append(chosen)
        return [LabelledFilm(tmp_path / "film.png", "p", contours=box)]

    monkeypatch.setattr(recipe, "training_set", films)
    options = {"steps": 2, "batch": 1, "sizes": [[1.0, 16]], "log_every": 0}
    stages = [{**options, "leave_out": 1, "drawn": ["heart"], "drawn_weight": 0.25}, options]
    digest = train_and_export(
        anatomy_network((8, 16)), tmp_path, [], stages, weights_file=tmp_path / "out" / "net.safetensors"
    )
    assert asked == [{"leave_out": 1, "drawn": ["heart"]}, {}]
    assert len(digest) == 64
    assert (tmp_path / "out" / "net.safetensors").stat().st_size < 1e6


def test_the_committed_contours_are_closed_polygons_of_known_structures():
    configs = Path(__file__).resolve().parents[3] / "bundles" / "cars_chest_xray" / "configs"
    drawn = json.loads((configs / "engineer_drawn_contours.json").read_text())
    assert "no radiologist" in drawn["note"]
    hearts = [film["heart"] for film in drawn["films"].values() if "heart" in film]
    assert sum(not name[0].isalpha() and name[8] == "_" for name in drawn["films"]) >= 60  # NIH names
    assert all(len(heart) >= 20 for heart in hearts)
    checked = json.loads((configs / "engineer_checked_lungs.json").read_text())
    for film in (*drawn["films"].values(), *checked["films"].values()):
        assert set(film) <= {"right_lung", "left_lung", "heart"}
