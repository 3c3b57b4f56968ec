"""The tables of six public data sets in their own layouts: what each says, and who decides where it does not say it."""

import json
import math
import random

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_layouts import LAYOUTS

from monai_cars.features import (
    BUILT_IN,
    FeatureVector,
    TableError,
    VocabularyError,
    datalist_of,
    from_table,
    load_vocabulary,
    to_table,
)

CHEXPERT = load_vocabulary("chexpert-14")


def table(tmp_path, text, name="labels.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_read(tmp_path, name):
    layout = LAYOUTS[name]
    path = table(tmp_path, layout.text(200, random.Random(3)))
    vectors = from_table(path, layout.vocabulary, **layout.options)
    assert len(vectors) > 20
    assert any(vector.present() for vector in vectors.values())
    assert from_table(pandas.read_csv(path, dtype={"Patient ID": str}), layout.vocabulary, **layout.options) == vectors


def test_minus_one_is_told_from_blank_and_comes_back(tmp_path):
    path = table(tmp_path, "Path,Edema,Pneumonia,Fracture\na.jpg,-1,1,\nb.jpg,,-1.0,0\n")
    vectors = from_table(path, CHEXPERT)
    assert vectors["a.jpg"].uncertain == {"Edema"}
    assert math.isnan(vectors["a.jpg"]["Edema"])
    assert math.isnan(vectors["a.jpg"]["Fracture"])
    ones = from_table(path, CHEXPERT, uncertain=1.0)
    assert (ones["b.jpg"]["Pneumonia"], ones["b.jpg"].uncertain) == (1.0, {"Pneumonia"})
    to_table(vectors, tmp_path / "back.tsv.gz")
    assert from_table(tmp_path / "back.tsv.gz", CHEXPERT) == vectors
    plain = from_table(path, CHEXPERT, hierarchy=False)
    assert set(plain["a.jpg"].known()) == {"Pneumonia"}
    assert set(vectors["a.jpg"].known()) == {"Pneumonia", "Consolidation", "Lung Opacity"}


def test_a_finding_in_doubt_that_another_implies_is_there(tmp_path):
    path = table(tmp_path, "Path,Consolidation,Pneumonia\na.jpg,,1\nb.jpg,-1,1\n")
    vectors = from_table(path, CHEXPERT)
    assert [vector["Consolidation"] for vector in vectors.values()] == [1.0, 1.0]
    assert [vector.uncertain for vector in vectors.values()] == [set(), set()]


SOME = st.sampled_from([math.nan, 0.0, 1.0, 0.25])


@given(st.sampled_from(BUILT_IN), st.data())
def test_what_is_written_is_read_back(tmp_path_factory, name, data):
    vocabulary = load_vocabulary(name)
    findings = [finding for finding in vocabulary.findings if finding != vocabulary.no_finding]
    vectors = {}
    for key in data.draw(st.lists(st.text("abc/._ 1,\"'", min_size=1).filter(str.strip), max_size=3, unique=True)):
        values = {finding: data.draw(SOME) for finding in findings}
        doubtful = [finding for finding, value in values.items() if math.isnan(value) and data.draw(st.booleans())]
        vectors[key] = FeatureVector(values, vocabulary, uncertain=doubtful)
    path = tmp_path_factory.mktemp("written") / "labels.csv"
    if not vectors:
        with pytest.raises(TableError, match=r"one vocabulary, at least one vector \(got 0 kinds\)"):
            to_table(vectors, path)
        return
    to_table(vectors, path)
    assert from_table(path, vocabulary, hierarchy=False) == vectors


def test_what_cannot_be_written(tmp_path):
    nih, chexpert = FeatureVector({}, "nih-14"), FeatureVector({}, "chexpert-14")
    with pytest.raises(TableError, match=r"vectors of one vocabulary, at least one vector \(got 2 kinds\)"):
        to_table({"a": nih, "b": chexpert}, tmp_path / "labels.csv")
    with pytest.raises(TableError, match=r"Every film of a table has a key \(got ''\)"):
        to_table({"": nih}, tmp_path / "labels.csv")
    with pytest.raises(TableError, match=r"written as .csv, .tsv, .csv.gz or .tsv.gz \(got 'labels.json'\)"):
        to_table({"a": nih}, tmp_path / "labels.json")


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (["normal", "suboptimal study"], {"No Finding": 1.0, "Cardiomegaly": 0.0}),
        (["exclude"], {}),
        (["unchanged"], {}),
        (["Unchanged", "suboptimal study"], {}),
        (["unchanged", "cardiomegaly"], {"No Finding": 0.0, "Cardiomegaly": 1.0, "Enlarged Cardiomediastinum": 1.0}),
        (["NSG tube"], {"Cardiomegaly": 0.0, "Support Devices": 1.0}),
        (["normal", "NSG tube"], {"No Finding": 1.0, "Cardiomegaly": 0.0, "Support Devices": 1.0}),
    ],
)
def test_padchest_remarks_say_nothing_of_findings(words, known):
    frame = pandas.DataFrame({"ImageID": ["a", "b"], "Labels": [str(words), "['cardiomegaly', 'NSG tube']"]})
    vector = from_table(frame, CHEXPERT, names={"NSG tube": "Support Devices"})["a"]
    assert vector.known() == ({"Support Devices": 0.0} | known if known else {})


def test_a_normal_film_with_a_finding_names_the_arguments_that_decide():
    frame = pandas.DataFrame({"ImageID": ["a"], "Labels": ["['normal', 'scoliosis']"]})
    with pytest.raises(TableError, match=r"'normal' with 'scoliosis', .* names=\{'scoliosis': None\}.* repeated="):
        from_table(frame, CHEXPERT, others="ignore")
    assert from_table(frame, CHEXPERT, names={"scoliosis": None})["a"].present() == ("No Finding",)


READERS = pandas.DataFrame(
    {
        "image_id": ["a"] * 3 + ["b"] * 3,
        "rad_id": ["R1", "R2", "R3"] * 2,
        "Cardiomegaly": [1, 1, 0, 0, 0, 0],
        "Pneumothorax": [0, 1, 0, 0, 0, 0],
        "No finding": [0, 0, 1, 1, 1, 1],
    }
)


@pytest.mark.parametrize(
    ("repeated", "heart", "air", "none"),
    [("any", 1, 1, 0), ("all", 0, 0, 1), ("majority", 1, 0, 0), ("mean", 2 / 3, 1 / 3, 1 / 3)],
)
def test_three_readers_of_vindr(repeated, heart, air, none):
    vector = from_table(READERS, CHEXPERT, repeated=repeated)["a"]
    got = [vector[name] for name in ("Cardiomegaly", "Pneumothorax", "No Finding")]
    assert got == pytest.approx([heart, air, none])


def test_readers_that_differ_are_asked_about_and_those_that_agree_are_one():
    with pytest.raises(TableError, match=r"row 1, column 'image_id': 'a' is there already, .* repeated='any', 'all'"):
        from_table(READERS, CHEXPERT)
    assert from_table(READERS[3:], CHEXPERT)["b"].present() == ("No Finding",)
    pattern = "{image_id}.dicom"
    with pytest.raises(TableError, match=r"row 1: its film is there already, on row 0, with other labels; say with"):
        datalist_of(READERS, CHEXPERT, image_column=pattern)
    assert len(datalist_of(READERS, CHEXPERT, image_column=pattern, repeated="any")) == 2
    with pytest.raises(TableError, match=r"repeated must be refuse, any, all, majority or mean \(got 'first'\)"):
        from_table(READERS, CHEXPERT, repeated="first")


def test_a_tie_of_readers_is_in_doubt():
    vector = from_table(READERS[:4:2].assign(Fracture=[1, 0], image_id="a"), CHEXPERT, repeated="majority")["a"]
    assert math.isnan(vector["Cardiomegaly"])
    assert {"Cardiomegaly", "Fracture"} <= vector.uncertain


def test_readers_of_a_table_of_boxes():
    frame = pandas.DataFrame(
        {
            "image_id": ["a"] * 3,
            "class_name": ["Cardiomegaly", "No finding", "No finding"],
            "rad_id": ["R1", "R2", "R3"],
        }
    )
    with pytest.raises(TableError, match=r"'No finding' with 'Cardiomegaly', .* say which counts with repeated="):
        from_table(frame, CHEXPERT)
    assert from_table(frame, CHEXPERT, repeated="any")["a"]["Cardiomegaly"] == 1
    majority = from_table(frame, CHEXPERT, repeated="majority")["a"]
    assert (majority["Cardiomegaly"], majority["No Finding"]) == (0, 1)


def test_rsna_repeats_its_films_a_row_a_box(tmp_path):
    text = "patientId,x,y,width,height,Target\na,10,20,5,6,1\na,40,50,5,6,1\na,40,50,5,6,1\nb,,,,,0\n"
    path = table(tmp_path, text)
    names = {"Target": "Pneumonia"}
    assert [vector["Pneumonia"] for vector in from_table(path, CHEXPERT, names=names).values()] == [1, 0]
    items = datalist_of(path, CHEXPERT, names=names, image_column="{patientId}.dcm")
    assert items[0]["box"].tolist() == [[20, 10, 26, 15], [50, 40, 56, 45]]  # a row that repeats another is one
    assert items[0]["label"].tolist() == [CHEXPERT.index("Pneumonia")] * 2
    assert [item["image"] for item in items] == ["a.dcm", "b.dcm"]


def test_the_classes_of_rsna(tmp_path):
    neither = "No Lung Opacity / Not Normal"
    classes = table(tmp_path, f"patientId,class\na,Lung Opacity\na,Lung Opacity\nb,Normal\nc,{neither}\n")
    with pytest.raises(TableError, match=rf"column 'class': '{neither}' is no finding of CheXpert-14"):
        from_table(classes, CHEXPERT)
    read = from_table(classes, CHEXPERT, names={neither: None})
    assert [vector["Lung Opacity"] for vector in read.values()] == [1, 0, 0]
    assert [vector["No Finding"] for vector in read.values()] == [0, 1, 0]


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nPath;Edema;Fracture\na;1,0;0\n",
        '"sep=;"\r\nPath;Edema;Fracture\r\na;1;0\r\n',
        "Path,Edema,Fracture,\na,1,0,\n",
        "Path,Edema,Fracture\na,1,0,,\n,,\n",
        "Path,Edema,Edema,Fracture\na,1,1,0\n",
        "Path,Edema,Fracture\na,1,0\na,1,0\n",
        "Path,Edema,Pneumonia,Fracture\na,1,NA,0\n",
        "Path,Edema,Pneumonia,Fracture\na,1,#N/A,0\n",
        "Path,Edema,Fracture\na,Positive,absent\n",
        "Path|Edema|Fracture\na|TRUE|False\n",
    ],
)
def test_what_spreadsheets_write(tmp_path, text):
    vector = from_table(table(tmp_path, text), CHEXPERT, hierarchy=False)["a"]
    assert vector.known() == {"Edema": 1, "Fracture": 0}


def test_a_column_twice_in_a_data_frame():
    frame = pandas.DataFrame([["a", 1, 0]], columns=["Path", "Edema", "Edema"])
    with pytest.raises(TableError, match=r"the table has the column 'Edema' twice; rename one of them, or drop it"):
        from_table(frame, CHEXPERT)
    assert from_table(pandas.DataFrame([["a", 1, 1]], columns=["Path", "Edema", "Edema"]), CHEXPERT)["a"]["Edema"] == 1


def test_a_null_of_a_json_file_is_unknown():
    findings = json.loads('{"effusion": null, "Edema": 1}')
    vector = FeatureVector(findings, CHEXPERT)
    assert vector.known() == {"Edema": 1}
    assert FeatureVector([None] * 13 + [1], CHEXPERT).present() == ("Support Devices",)
    with pytest.raises(VocabularyError, match=r"CheXpert-14: 'effusion' must be a number in .* \(got \[1\]\)"):
        FeatureVector({"effusion": [1]}, CHEXPERT)


def test_doubt_is_part_of_what_a_vector_says():
    sure, unsure = FeatureVector({}, CHEXPERT), FeatureVector({}, CHEXPERT, uncertain=["effusion"])
    assert sure != unsure
    assert FeatureVector(unsure, CHEXPERT) == unsure
    assert repr(unsure) == "FeatureVector({}, 'CheXpert-14', 14 unknown, uncertain=['Pleural Effusion'])"
    with pytest.raises(VocabularyError, match="CheXpert-14 does not say what 'gout' is called"):
        FeatureVector({}, CHEXPERT, uncertain=["gout"])
