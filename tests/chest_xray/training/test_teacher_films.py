import csv
import json
import math

import pytest
import torch
from phantom import phantom
from PIL import Image

from monai_cars.chest_xray.training.teacher_films import (
    EDITOR_PATIENTS,
    FINDINGS,
    TeacherFilm,
    kept_crops,
    make_crops,
    opacity_of,
    targets_of,
    teacher_films,
)

FILM = phantom(size=(120, 110))


def row(**given):
    return {"rsna_class": "", "finding_labels": "No Finding", **given}


@pytest.mark.parametrize(
    ("given", "boxed", "opacity"),
    [
        ({"rsna_class": "Lung Opacity"}, False, 1.0),
        ({"rsna_class": "Normal", "finding_labels": "Pneumonia"}, False, 0.0),
        ({"rsna_class": "No Lung Opacity / Not Normal"}, False, 0.0),
        ({"rsna_class": "No Lung Opacity / Not Normal"}, True, math.nan),  # two readers differ
        ({"finding_labels": "Pneumonia"}, True, 1.0),
        ({"finding_labels": "Pneumonia"}, False, math.nan),  # mined from the report, never read again
        ({"finding_labels": "Effusion|Infiltration"}, False, math.nan),
        ({}, False, 0.0),
    ],
)
def test_an_opacity_is_what_radiologists_say(given, boxed, opacity):
    assert opacity_of(row(**given), boxed=boxed) == pytest.approx(opacity, nan_ok=True)


def test_other_findings_are_the_labels_and_a_mass_is_a_nodule_or_mass():
    found = dict(zip(FINDINGS, targets_of(row(finding_labels="Mass|Effusion"), boxed=False), strict=True))
    assert {name for name, value in found.items() if value == 1} == {"nodule or mass", "effusion"}


@pytest.fixture
def folder(tmp_path):
    """Three patients: one of the editors', one boxed, one clear with a duplicate."""
    place = tmp_path / "data" / "nih_pneumonia_nofinding"
    (place / "images").mkdir(parents=True)
    grey = (FILM.image[0] / FILM.image.max() * 255).byte().numpy()
    rows = [
        {"image": "1.png", "patient_id": 1, "rsna_class": "Normal", "dup_of": ""},
        {"image": "2.png", "patient_id": 2, "rsna_class": "Lung Opacity", "dup_of": ""},
        {"image": "3.png", "patient_id": 3, "rsna_class": "Normal", "dup_of": ""},
        {"image": "4.png", "patient_id": 3, "rsna_class": "Normal", "dup_of": "3.png"},
    ]
    boxes = [
        {"image": "2.png", "label": "Lung Opacity", "x_512": 20, "y_512": 30, "w_512": 25, "h_512": 40},
        {"image": "3.png", "label": "Pneumothorax", "x_512": 20, "y_512": 30, "w_512": 25, "h_512": 40},
    ]
    for name, lines in (
        ("labels.csv", [{**r, "view": "PA", "finding_labels": "No Finding"} for r in rows]),
        ("boxes.csv", boxes),
    ):
        with (place / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
    for line in rows:
        Image.fromarray(grey).save(place / "images" / line["image"])
    (tmp_path / "patients.json").write_text(json.dumps({EDITOR_PATIENTS: [1]}))
    return tmp_path


def test_the_editors_patients_and_duplicates_are_left_out(folder):
    films = teacher_films(folder / "data", folder / "patients.json")
    assert [(film.patient, film.targets[0], film.boxes, film.mapped) for film in films] == [
        (2, 1.0, ((30.0, 20.0, 70.0, 45.0),), True),
        (3, 0.0, (), True),
    ]


def test_crops_hold_the_box_in_its_place(folder):
    crops = make_crops(teacher_films(folder / "data", folder / "patients.json"), lambda image: FILM.anatomy, size=64)
    assert crops.images.shape == (2, 1, 64, 64)
    assert crops.images.dtype == torch.uint8
    assert crops.boxes[1].sum() == 0
    assert crops.boxes[0].max() == 255
    assert crops.of(torch.tensor([False, True])).targets[0, 0] == 0


def test_crops_are_made_once_and_again_when_films_change(folder):
    films, file, asked = teacher_films(folder / "data", folder / "patients.json"), folder / "crops.npz", []

    def segmenter():
        asked.append(1)
        return lambda image: FILM.anatomy

    first = kept_crops(file, films, segmenter)
    again = kept_crops(file, films, segmenter)
    assert len(asked) == 1
    assert all(torch.equal(one, other) for one, other in zip(first[:4], again[:4], strict=True))
    kept_crops(file, films[:1], segmenter)
    assert len(asked) == 2


def test_a_positive_without_boxes_has_no_known_place():
    assert not TeacherFilm("film.png", 1, "PA", (1.0,)).mapped
    assert not TeacherFilm("film.png", 1, "PA", (math.nan,)).mapped


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere does not exist; give the folder of the data sets"):
        teacher_films(tmp_path / "nowhere", tmp_path)
