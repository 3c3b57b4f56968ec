"""Label tables of the usual data sets become feature vectors; what is wrong with one is told with its place."""

import gzip
import math

import numpy as np
import pandas
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_cars.features import TableError, VocabularyError, datalist_of, from_table, load_vocabulary

CHEXPERT, NIH = load_vocabulary("chexpert-14"), load_vocabulary("nih-14")
HEADER = "Path,Sex,Age,No Finding,Cardiomegaly,Edema,Consolidation,Pleural Effusion,Support Devices\n"


def table(tmp_path, text, name="labels.csv"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def test_chexpert(tmp_path):
    path = table(tmp_path, HEADER + "a.jpg,F,60,,1.0,-1.0,,0.0,1.0\nb.jpg,M,61,1.0,,,,,1\n")
    vectors = from_table(path, "chexpert-14")
    assert list(vectors) == ["a.jpg", "b.jpg"]
    assert vectors["a.jpg"].known() == {
        "Enlarged Cardiomediastinum": 1,  # which Cardiomegaly implies and no column denies
        "Cardiomegaly": 1,
        "Pleural Effusion": 0,
        "Support Devices": 1,
    }
    assert vectors["b.jpg"].present() == ("No Finding", "Support Devices")


@pytest.mark.parametrize(("policy", "value"), [(None, math.nan), (0, 0), (1, 1), (0.6, 0.6)])
def test_uncertain_mentions(tmp_path, policy, value):
    path = table(tmp_path, HEADER + "a.jpg,F,60,,1,-1,,0,1\n")
    edema = from_table(path, CHEXPERT, uncertain=policy)["a.jpg"]["Edema"]
    assert edema == pytest.approx(value, nan_ok=True)


def test_what_nobody_mentioned_can_be_taken_for_absent(tmp_path):
    path = table(tmp_path, HEADER + "a.jpg,F,60,,1,-1,,0,1\n")
    vector = from_table(path, CHEXPERT, blank=0)["a.jpg"]
    assert vector["Consolidation"] == 0
    assert math.isnan(vector["Fracture"])  # which has no column


def test_mimic_by_study_and_by_film():
    frame = pandas.DataFrame(
        {"subject_id": [10000032], "study_id": [50414267], "Edema": [1.0], "Pneumonia": [np.nan], "Fracture": [-1.0]}
    )
    (study,) = from_table(frame, "chexpert-14").items()
    assert study[0] == "50414267"
    assert study[1].known() == {"Lung Opacity": 1, "Edema": 1}
    films = pandas.concat([frame.assign(dicom_id="x"), frame.assign(dicom_id="y")], ignore_index=True)
    pattern = "files/p{subject_id:.2}/p{subject_id}/s{study_id}/{dicom_id}.jpg"
    items = datalist_of(films, "chexpert-14", image_column=pattern, root="mimic")
    assert items[1]["image"] == "mimic/files/p10/p10000032/s50414267/y.jpg"
    assert items[1]["patient_id"] == "10000032"


def test_nih_lists_are_exhaustive(tmp_path):
    text = "Image Index,Finding Labels,Patient ID,\na.png,Mass|Pleural_Thickening,3,\nb.png,No Finding,3,\n"
    vectors = from_table(table(tmp_path, text, "labels.csv.gz"), NIH)
    assert vectors["a.png"].present() == ("Mass", "Pleural_Thickening")
    assert vectors["a.png"]["Hernia"] == 0
    assert vectors["b.png"].tensor.sum() == 0
    assert math.isnan(from_table(table(tmp_path, text), NIH, unlisted=None)["a.png"]["Hernia"])


def test_a_list_says_nothing_of_what_it_cannot_name():
    frame = pandas.DataFrame({"image": ["a", "b"], "Finding Labels": ["Mass|Edema", "No Finding"]})
    vectors = from_table(frame, CHEXPERT, names={"Mass": "Lung Lesion"})
    assert vectors["a"].present() == ("Lung Opacity", "Lung Lesion", "Edema")
    assert vectors["a"]["No Finding"] == 0
    assert vectors["b"]["No Finding"] == 1
    assert vectors["b"]["Pneumothorax"] == 0  # one of NIH's 14
    assert math.isnan(vectors["b"]["Fracture"])  # none of them


def test_padchest_lists_in_brackets():
    frame = pandas.DataFrame(
        {"ImageID": ["a", "b", "c"], "Labels": ["['pleural effusion', 'NSG tube']", "['normal']", ["cardiomegaly"]]}
    )
    with pytest.raises(TableError, match=r"row 0, column 'Labels': 'NSG tube' is no finding of CheX.*others='ignore'"):
        from_table(frame, CHEXPERT)
    named = from_table(frame, CHEXPERT, names={"NSG tube": "Support Devices"})
    assert named["a"].present() == ("Pleural Effusion", "Support Devices")
    ignored = from_table(frame, CHEXPERT, others="ignore")
    assert ignored["a"].known() == {"No Finding": 0, "Cardiomegaly": 0, "Pleural Effusion": 1}
    assert ignored["b"].present() == ("No Finding",)
    assert ignored["c"].present() == ("Enlarged Cardiomediastinum", "Cardiomegaly")


def test_vindr_rows_and_boxes():
    frame = pandas.DataFrame(
        {
            "image_id": ["a", "a", "a", "b"],
            "class_name": ["Cardiomegaly", "Nodule/Mass", "Cardiomegaly", "No finding"],
            "rad_id": ["R1", "R1", "R2", "R1"],
            "x_min": [10, 1, 11, np.nan],
            "y_min": [20, 2, 21, np.nan],
            "x_max": [30, 3, 31, np.nan],
            "y_max": [60, 4, 61, np.nan],
        }
    )
    names = {"Nodule/Mass": "Lung Lesion"}
    assert from_table(frame, CHEXPERT, names=names)["a"]["Lung Lesion"] == 1
    items = datalist_of(frame, CHEXPERT, names=names, image_column="{image_id}.dicom", root="vindr")
    assert [item["image"] for item in items] == ["vindr/a.dicom", "vindr/b.dicom"]
    assert items[0]["box"].tolist() == [[20, 10, 60, 30], [2, 1, 4, 3], [21, 11, 61, 31]]
    assert items[0]["label"].tolist() == [2, 4, 2]
    assert items[1]["box"].shape == (0, 4)
    assert items[1]["findings"][CHEXPERT.index("No Finding")] == 1


def test_boxes_of_nih_have_sizes(tmp_path):
    text = "Image Index,Finding Label,Bbox [x,y,w,h]\na.png,Infiltrate,10,20,5,6\n"
    (item,) = datalist_of(table(tmp_path, text), NIH, names={"Infiltrate": "Infiltration"}, unlisted=None)
    assert item["box"].tolist() == [[20, 10, 26, 15]]
    assert item["findings"].nansum() == 1
    with pytest.raises(TableError, match=r"line 2: \['10', '20', '5', 'six'\] under .* is no box; give four numbers"):
        datalist_of(table(tmp_path, text.replace("5,6", "5,six")), NIH, names={"Infiltrate": "Infiltration"})
    with pytest.raises(TableError, match=r"line 2: the box .* ends where it starts"):
        datalist_of(table(tmp_path, text.replace("5,6", "0,6")), NIH, names={"Infiltrate": "Infiltration"})


def test_a_datalist_has_paths_findings_and_patients(tmp_path):
    (tmp_path / "a.jpg").touch()
    frame = pandas.DataFrame({"image": ["a.jpg", "b.jpg"], "patient_id": [7.0, None], "Mass": [1, 0]})
    items = datalist_of(frame, NIH, root=tmp_path)
    assert items[0]["image"] == str(tmp_path / "a.jpg")
    assert items[0]["patient_id"] == "7"
    assert "patient_id" not in items[1]
    assert items[0]["findings"][NIH.index("Mass")] == 1
    assert len(datalist_of(frame, NIH, root=tmp_path, existing_only=True)) == 1
    items[0]["findings"].zero_()
    assert datalist_of(frame, NIH)[0]["findings"][NIH.index("Mass")] == 1
    with pytest.raises(TableError, match=r"the table: none of its 2 rows has a file under .*; give root="):
        datalist_of(frame, NIH, root=tmp_path / "nowhere", existing_only=True)
    paths = pandas.DataFrame({"Path": ["CheXpert/train/patient00012/study1/view1.jpg"], "Edema": [0]})
    assert datalist_of(paths, CHEXPERT)[0]["patient_id"] == "00012"
    assert datalist_of(frame, NIH, patient_column="image")[0]["patient_id"] == "a.jpg"


def test_columns_named_by_the_user(tmp_path):
    path = table(tmp_path, "file;water;Mass;Nodule\na;1;1;0\nb;0;0;\n")
    names = {"water": "effusion", "Mass": "Lung Lesion", "Nodule": "Lung Lesion"}
    vectors = from_table(path, CHEXPERT, names=names)
    assert vectors["a"].present() == ("Lung Opacity", "Lung Lesion", "Pleural Effusion")
    assert vectors["b"].known() == {"Pleural Effusion": 0}  # no mass, but nobody knows about nodules
    left_out = from_table(path, NIH, names={"Mass": None, "water": None})
    assert left_out["b"].known() == {}


ROWS = HEADER + "a.jpg,F,60,,1,0,,0,1\n"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (ROWS, {"names": {"Oedema": "Edema"}}, r"names: 'Oedema' is neither a column of labels.csv \('Path'"),
        (ROWS, {"key": "File"}, r"labels.csv has no column 'File', which key= names; its columns are 'Path', 'Sex'"),
        (ROWS, {"labels": "Found"}, r"labels.csv has no column 'Found', which labels= names"),
        (ROWS, {"uncertain": 2}, r"uncertain must be None \(unknown\) or a probability in \[0, 1\] \(got 2\)"),
        (ROWS, {"others": "drop"}, r"others must be refuse or ignore \(got 'drop'\)"),
        (
            ROWS + "b.jpg,F,60,,2,0,,0,1\n",
            {},
            r"labels.csv, line 3, column 'Cardiomegaly': '2' is no code; a cell is 1 \(present\), 0 \(absent\), -1",
        ),
        (ROWS + "b.jpg,F,60,,yes?,0,,0,1\n", {}, r"line 3, column 'Cardiomegaly': 'yes\?' is no code"),
        (
            ROWS + "a.jpg,F,60,,1,1,,0,1\n",
            {},
            r"labels.csv, line 3, column 'Path': 'a.jpg' is there already, on line 2, with other labels; a film has",
        ),
        (ROWS + ",F,60,,1,0,,0,1\n", {}, r"labels.csv, line 3, column 'Path': empty; every row must name its image"),
        (ROWS + "b.jpg,F,60,1,1,0,,0,1\n", {}, r"line 3: 'No Finding' with 'Enlarged Cardiomediastinum', which a film"),
        (ROWS + "b.jpg,F\n", {}, r"labels.csv, line 3: 2 cells under 9 columns; quote cells that hold the separator"),
        (HEADER, {}, r"labels.csv has no rows below its header"),
        ("", {}, r"labels.csv has no rows"),
        ("Path,Edema,Edema\na,1,0\n", {}, r"labels.csv has the column 'Edema' twice; rename one"),
        ("Path,gout\na,1\n", {}, r"labels.csv: no column is a finding of CheXpert-14 and none lists findings; its col"),
        ("film,Edema\na,1\n", {}, r"no column with a usual name of an image .*; say which it is with key="),
        ("Path,Labels\na,Edema|Gout\n", {}, r"line 2, column 'Labels': 'Gout' is no finding of CheXpert-14; say what"),
        ("Path,Labels\na,Edema|No Finding\n", {}, r"line 2, column 'Labels': 'No Finding' with 'Edema', which a film"),
        ("Path,Labels\na,[Edema\n", {}, r"line 2, column 'Labels': '\[Edema' is no list of words in brackets"),
        (
            "Path,Labels\na,Edema\n",
            {"names": {"Gout": None}},
            r"names: 'Gout' is neither a column .* nor a word of its",
        ),
    ],
)
def test_errors(tmp_path, text, options, message):
    with pytest.raises(TableError, match=message):
        from_table(table(tmp_path, text), CHEXPERT, **options)


def test_errors_of_files(tmp_path):
    with pytest.raises(TableError, match=r"No table 'nowhere.csv': give the path of a CSV file that exists, or a"):
        from_table("nowhere.csv", NIH)
    path = tmp_path / "latin.csv"
    path.write_bytes("image,Mass\nM\xfcller,1\n".encode("latin-1"))
    with pytest.raises(TableError, match=r"latin.csv is no UTF-8 text \(.* at byte 12\); save it as UTF-8"):
        from_table(path, NIH)
    with pytest.raises(VocabularyError, match="NIH-14 does not say what 'gout' is called"):
        from_table(table(tmp_path, "image,Mass\na,1\n"), NIH, names={"Mass": "gout"})
    with pytest.raises(TableError, match=r"image_column='\{film\}.png' is no pattern over the columns 'image', 'Mass'"):
        datalist_of(table(tmp_path, "image,Mass\na,1\n"), NIH, image_column="{film}.png")


def test_an_empty_list_cell_is_unknown_never_normal():
    frame = pandas.DataFrame({"image": ["a", "b"], "Labels": ["", "Edema"]})
    assert from_table(frame, CHEXPERT)["a"].known() == {}
    blank = from_table(frame, CHEXPERT, blank=0)["a"]
    assert blank["Edema"] == 0
    assert blank["No Finding"] != 1


@given(st.lists(st.sampled_from(["1", "0", "-1", "", "1.0", "0.25", "nan", "True"]), min_size=13, max_size=13))
def test_any_codes_give_a_vector_that_agrees_with_them(cells):
    frame = pandas.DataFrame([["a", *cells]], columns=["image", *CHEXPERT.findings[1:]])
    vector = from_table(frame, CHEXPERT)["a"]
    for finding, cell in zip(CHEXPERT.findings[1:], cells, strict=True):
        if cell in ("1", "0", "1.0", "0.25", "True"):
            assert vector[finding] == (1 if cell == "True" else float(cell))


def test_the_table_of_all_nih_films(shared_data):
    path = shared_data / "tables" / "nih_data_entry_2017_v2020.csv.gz"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    vectors = from_table(path, NIH)
    assert len(vectors) == 112_120
    total = torch.stack([vector.tensor for vector in list(vectors.values())[:5000]]).sum(0)
    assert not total.isnan().any()
    assert sum(vector["Hernia"] for vector in vectors.values()) == 227
    first = from_table(pandas.read_csv(path, nrows=5000), NIH)
    assert first == {name: vectors[name] for name in first}
    assert len(first) == 5000


@pytest.mark.parametrize("folder", ["nih_diverse", "nih_extra", "nih_pneumonia_nofinding"])
def test_real_folders_become_datalists(shared_data, folder):
    labels = shared_data / folder / "labels.csv"
    if not labels.is_file():
        pytest.skip(f"{labels} is not here")
    items = datalist_of(labels, NIH, root=shared_data / folder / "images", existing_only=True)
    assert len(items) == len(from_table(labels, NIH))
    assert all(item["patient_id"] and not item["findings"].isnan().any() for item in items)
