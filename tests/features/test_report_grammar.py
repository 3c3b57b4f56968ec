"""Sentences and templates of known truth, drawn anew for each seed: none may be read the other way round."""

import subprocess
import sys
from pathlib import Path

import pytest
from report_cases import differences, expected, read
from report_grammar import cases, reading

from monai_cars.features import BUILT_IN, from_report, load_vocabulary

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize("seed", range(4))
def test_no_polarity_is_turned_round(seed):
    assert [case for case in cases(700, seed) if reading(case).wrong] == []


def test_the_draw_covers_every_construction_and_layout():
    drawn = list(cases(6000, seed=1))
    assert {case.construction for case in drawn if not case.construction.startswith("template")} == set(
        read("constructions")
    )
    told = {case.construction for case in drawn if case.construction.startswith("template")}
    assert told == {f"template {item['text']!r}" for item in read("layouts")["items"]}
    assert list(cases(50, seed=1)) == drawn[:50]
    assert {value for case in drawn for value in case.truth.values() if value == value} == {0.0, 1.0}


@pytest.mark.parametrize(("text", "says"), [tuple(item) for group in read("forms") for item in group["items"]])
def test_form_or_sentence(text, says):
    found = differences(from_report(text), expected(says))
    assert {name: pair for name, pair in found.items() if name != "No Finding" or "nf" in says} == {}


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize(("form", "value"), [("{}: Yes", 1), ("[x] {}", 1), ("{} = absent", 0), ("[ ] {}", 0)])
def test_a_form_may_ask_by_the_names_of_a_vocabulary(name, form, value):
    vocabulary = load_vocabulary(name)
    asked = [finding for finding in vocabulary.findings if value or finding != vocabulary.no_finding]
    got = {finding: from_report(form.format(finding), vocabulary)[finding] for finding in asked}
    assert got == dict.fromkeys(asked, value)


def test_a_long_sentence_is_one_sentence():
    places = ("apical", "basal", "upper", "lower")
    listed = " ".join(f"{places[number % 4]} nodule," for number in range(200))
    seen = from_report(f"There is no {listed} or pleural effusion")
    assert (seen["Lung Lesion"], seen["Pleural Effusion"]) == (0, 0)
    care = "and the film was made with care " * 60
    assert from_report(f"the patient was upright {care}and there is no effusion or pneumothorax").present() == ()


def test_the_benchmark_of_open_i_reads_its_layout():
    script, folder = BENCHMARKS / "report_macro_f1.py", Path(__file__).parent / "openi"
    run = [sys.executable, str(script), "--reports", str(folder)]
    printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert printed.startswith("5 reports\n")
    rows = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in printed.splitlines() if line.startswith("| ")}
    assert [float(score) for score in rows["hedged counts, no hierarchy, nothing suggested"]] == [1.0] * 7
    assert float(rows["as it is"][0]) < float(rows["hedged counts"][0]) < 1  # doubt, and what pneumonia implies
    assert float(rows["the same, suggested counts too"][0]) < 1  # congestion is no edema here
