import csv
import json

import numpy as np
import pytest
from PIL import Image

from monai_cars.chest_xray.training.anatomy_films import (
    LabelledFilm,
    films_with_contours,
    films_with_lungs,
    load_films,
    masks_of,
    patient_folds,
    patients,
    split_lungs,
)


@pytest.fixture
def folder(tmp_path):
    """A data folder in miniature: one film of each kind."""
    tables = {
        "nih_pneumonia_nofinding": [{"image": "00000007_001.jpg"}],
        "nih_diverse": [{"image": "00000008_000"}],
        "nih_extra": [{"image": "00000007_002"}],
        "hannover_covid": [{"image": "aa.jpg", "patient_id": "p1"}],
        "cohen_covid_lungboxes": [
            {"image": "aa.jpg", "patient_id": "219", "lung_mask": "aa.png"},
            {"image": "bb.jpg", "patient_id": "331b", "lung_mask": ""},
        ],
    }
    mask = np.zeros((40, 50), np.uint8)
    mask[5:30, 5:20] = mask[5:30, 30:45] = 255
    mask[0, 0] = 255  # a speck
    for name, rows in tables.items():
        (tmp_path / name / "images").mkdir(parents=True)
        with (tmp_path / name / "labels.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
        for row in rows:
            image = row["image"] if row["image"].endswith(".jpg") else row["image"] + ".jpg"
            Image.fromarray(mask).save(tmp_path / name / "images" / image)
    (tmp_path / "cohen_covid_lungboxes" / "masks_lungs").mkdir()
    Image.fromarray(mask).save(tmp_path / "cohen_covid_lungboxes" / "masks_lungs" / "aa.png")
    return tmp_path


def test_one_patient_has_one_name_in_every_collection(folder):
    who = patients(folder)
    assert who["00000007_001.jpg"] == who["00000007_002.jpg"] == "nih-7"
    assert who["aa.jpg"] == "hannover-p1"  # not the other collection's number
    assert who["bb.jpg"] == "cohen-331"


def test_only_films_with_a_mask_are_taken(folder):
    (film,) = films_with_lungs(folder)
    masks, known = masks_of(film)
    assert known.tolist() == [True, True, False]
    assert masks[0, 10, 10] == masks[1, 10, 40] == 1
    assert masks[0, 0, 0] == 0


def test_contours_become_masks_and_unknown_structures_stay_unknown(folder):
    contours = folder / "contours.json"
    contours.write_text(
        json.dumps({"films": {"00000008_000.jpg": {"heart": [[10, 10], [20, 10], [20, 20], [10, 20]]}, "gone.jpg": {}}})
    )
    (film,) = films_with_contours(folder, contours)
    masks, known = masks_of(film)
    assert known.tolist() == [False, False, True]
    assert int(masks[2].sum()) == pytest.approx(100, abs=22)
    images, small, names = load_films([film], size=32)
    assert images.shape == (1, 1, 32, 32)
    assert small.shape == (1, 3, 32, 32)
    assert names.shape == (1, 3)


def test_a_mask_needs_two_fields():
    with pytest.raises(ValueError, match="two separate fields \\(got 1\\)"):
        split_lungs(np.ones((4, 4)))


def test_folds_never_split_a_patient_and_are_about_equal():
    films = [LabelledFilm(None, f"p{k % 13}") for k in range(60)]
    fold = patient_folds(films, 5)
    sizes = [sum(fold[film.patient] == k for film in films) for k in range(5)]
    assert set(fold) == {film.patient for film in films}
    assert max(sizes) - min(sizes) <= 5
    assert fold == patient_folds(films, 5)
