"""Sentences and reports with the vector that each should give, from the YAML files beside this one."""

from __future__ import annotations

import math
from pathlib import Path

import yaml

from monai_cars.features import FeatureVector, load_vocabulary

FOLDER = Path(__file__).parent / "reports"
SHORT = {
    "nf": "No Finding",
    "ecm": "Enlarged Cardiomediastinum",
    "card": "Cardiomegaly",
    "opac": "Lung Opacity",
    "les": "Lung Lesion",
    "edema": "Edema",
    "cons": "Consolidation",
    "pna": "Pneumonia",
    "atel": "Atelectasis",
    "ptx": "Pneumothorax",
    "eff": "Pleural Effusion",
    "plo": "Pleural Other",
    "fx": "Fracture",
    "dev": "Support Devices",
}


def read(name):
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def expected(says, vocabulary="chexpert-14"):
    """The whole vector that a case means: ancestors follow, and a present finding is no "no finding"."""
    loaded = load_vocabulary(vocabulary)
    values = {SHORT.get(name, name): float(value) for name, value in says.items()}
    for name in [name for name, value in values.items() if value == 1]:
        values.update(dict.fromkeys(loaded.implied(name), 1.0))
    counted = {name for name, value in values.items() if value == 1} - {*loaded.beside_no_finding, loaded.no_finding}
    if counted and loaded.no_finding:
        values[loaded.no_finding] = 0.0
    return FeatureVector(values, loaded)


def differences(got, wanted):
    """Finding -> (got, wanted) where the two differ."""
    pairs = ((name, got[name], wanted[name]) for name in wanted)
    return {name: (a, b) for name, a, b in pairs if a != b and not (math.isnan(a) and math.isnan(b))}


def sentence_cases():
    for group in (*read("sentences"), *read("dictated")):
        for text, says in group["items"]:
            yield group["group"], text, says, "chexpert-14"
    for group in read("other_vocabularies"):
        for text, says in group["items"]:
            yield group["vocabulary"], text, says, group["vocabulary"]


def report_cases():
    for case in read("reports"):
        yield case["name"], case["text"], case["says"], "chexpert-14"
