"""Feature vectors, and datalists with them, from the label tables that data sets come with."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai_cars.echo import among, cause, echo
from monai_cars.features.feature_vector import FeatureVector
from monai_cars.features.tables.boxes import box_reader
from monai_cars.features.tables.coding import Coding, Others, Repeated
from monai_cars.features.tables.rows import coded_rows
from monai_cars.features.tables.sheet import Sheet, TableError, blank_cell, read_sheet
from monai_cars.features.tables.words import plain_word
from monai_cars.features.vocabulary import Vocabulary, load_vocabulary

# What published tables call the column of the film and of the patient (spelling of case and underscores aside).
IMAGE_COLUMNS = ("image", "image index", "image id", "imageid", "path", "dicom id", "image path", "file", "filename")
STUDY_COLUMNS = ("study id", "studyid", "id")
PATIENT_COLUMNS = ("patient id", "patientid", "patient", "subject id", "subjectid")
KEY_COLUMNS = (*IMAGE_COLUMNS, *STUDY_COLUMNS, "patientid", "patient id")  # RSNA's films are named by their patient
PATIENT_IN_PATH = re.compile(r"\bpatient_?(\d+)\b", re.IGNORECASE)  # CheXpert names the patient there and nowhere else


def from_table(
    table: Any,
    vocabulary: str | Path | Vocabulary,
    *,
    key: str | None = None,
    labels: str | None = None,
    names: Mapping[str, str | None] | None = None,
    uncertain: float | None = None,
    blank: float | None = None,
    unlisted: float | None = 0.0,
    others: Others = "refuse",
    repeated: Repeated = "refuse",
    hierarchy: bool = True,
) -> dict[str, FeatureVector]:
    """The feature vectors of a label table, by image.

    Three kinds of table are read, told apart by their columns:

    * a column a finding, coded 1, 0, -1 (uncertain) or blank: CheXpert, MIMIC-CXR;
    * one column that lists findings, as `A|B` (NIH "Finding Labels") or as `['a', 'b']` (PadChest "Labels");
    * a row for each finding of an image ("class_name" of VinDr-CXR, "Finding Label" of NIH's boxes).

    A list says 1 of what it names and `unlisted` of what it could have named: NIH's 14 findings where it is written in
    those (they are exhaustive by their definition), else all that any row of the table names. What it has no word for
    stays unknown, and so does a finding without a column.

    Args:
        table: path of a CSV file (.csv, .tsv, .csv.gz) or a pandas DataFrame.
        vocabulary: of the vectors: a built-in name, the path of a YAML file or a Vocabulary.
        key: column that names the image (or the study); found by itself where it has a usual name.
        labels: column that lists findings, where it has no usual name.
        names: word of the table -> finding of the vocabulary, or None to leave it out.
        uncertain: value of -1: None is unknown (NaN), 0 and 1 are CheXpert's U-zeros and U-ones, or a probability.
        blank: value of an empty cell: None is unknown (NaN), 0 takes what nobody mentioned for absent.
        unlisted: value of a finding that a list could have named and does not; None is unknown.
        others: "refuse" a listed word that the vocabulary has no finding for, or "ignore" it.
        repeated: what counts where several rows of one film differ (three readers, say): "any" of them, "all", their
            "majority" (a tie is uncertain) or their "mean"; "refuse" asks. Rows that say the same are one.
        hierarchy: a finding that is present makes present what it implies and the table leaves open.

    Returns:
        Key of the row -> its vector, in the order of the table. A vector's `uncertain` names what the table codes -1,
        whatever value that is given.

    Raises:
        TableError: an unknown column or word, a value that is no code, rows of one image that differ, no column that
            fits, no rows, or a row that contradicts itself; the message says where, and which argument decides.
        VocabularyError: `names` names a finding that the vocabulary does not have.

    Example:
        >>> import pandas
        >>> labels = ["Mass|Nodule", "No Finding"]
        >>> vectors = from_table(pandas.DataFrame({"image": ["a.png", "b.png"], "Finding Labels": labels}), "nih-14")
        >>> vectors["a.png"].present(), vectors["b.png"].present(), vectors["b.png"]["Mass"]
        (('Mass', 'Nodule'), (), 0.0)
    """
    sheet = read_sheet(table)
    coding = Coding(
        load_vocabulary(vocabulary), names or {}, labels, uncertain, blank, unlisted, others, repeated, hierarchy
    )
    column = sheet.require(key, "key") if key is not None else _usual(sheet, KEY_COLUMNS, "key")
    rows = coded_rows(sheet, [row[sheet.positions[column]] for row in sheet.rows], column, coding)
    return {name: vector for name, (_, vector) in rows.items()}


def datalist_of(
    table: Any,
    vocabulary: str | Path | Vocabulary,
    *,
    image_column: str | None = None,
    root: str | Path | None = None,
    patient_column: str | None = None,
    findings_key: str = "findings",
    existing_only: bool = False,
    **coding: Any,
) -> list[dict[str, Any]]:
    """A MONAI datalist of a label table: `{"image": path, "findings": (V,) tensor, "patient_id": ...}` a film.

    A table of boxes (VinDr-CXR, NIH) also gives `"box"`, (N, 4) float in native pixels as (first row, first column,
    last row, last column), and `"label"`, (N,) int64: places in the vocabulary's findings.

    Args:
        table: as for `from_table`.
        vocabulary: as for `from_table`.
        image_column: column of the file names; or a pattern over columns, such as
            "files/p{subject_id:.2}/p{subject_id}/s{study_id}/{dicom_id}.jpg".
        root: folder that the file names start from.
        patient_column: column that names the patient; found by itself where it has a usual name.
        findings_key: key of the vectors.
        existing_only: leave out films whose file is not there, as in a part of a data set.
        **coding: `labels`, `names`, `uncertain`, `blank`, `unlisted`, `others`, `repeated` and `hierarchy` of
            `from_table`.

    Raises:
        TableError: as `from_table`; or `existing_only` leaves nothing.

    Example:
        >>> import pandas
        >>> frame = pandas.DataFrame({"Path": ["train/patient7/view1.jpg"], "Edema": [1], "Fracture": [-1]})
        >>> datalist_of(frame, "chexpert-14", root="data")[0]["patient_id"]
        '7'
    """
    sheet = read_sheet(table)
    code = Coding.of(load_vocabulary(vocabulary), **coding)
    files, column = _files(sheet, image_column)
    patients = _patients(sheet, patient_column, files)
    items: list[dict[str, Any]] = []
    boxes_of = box_reader(sheet, code)
    for file, (rows, vector) in coded_rows(sheet, files, column, code).items():
        path = os.path.join(root or "", file)
        if existing_only and not os.path.isfile(path):
            continue
        patient = {"patient_id": patients[rows[0]]} if patients[rows[0]] else {}
        items.append({"image": path, findings_key: vector.tensor, **patient, **boxes_of(rows)})
    if not items:
        where = str(root) if root is not None else os.getcwd()
        raise TableError(f"{sheet.name}: none of its {len(files)} rows has a file under {echo(where)}; give root=.")
    return items


def _files(sheet: Sheet, column: str | None) -> tuple[list[str], str]:
    """The file name of each row, and what to call it in messages."""
    if column is None or "{" not in column:
        name = sheet.require(column, "image_column") if column else _usual(sheet, IMAGE_COLUMNS, "image_column")
        return list(sheet.cells(name)), name
    try:
        return [column.format_map(dict(zip(sheet.columns, row, strict=True))) for row in sheet.rows], column
    except (KeyError, ValueError, IndexError) as error:
        raise TableError(
            f"image_column={echo(column)} is no pattern over the columns {among(sheet.columns)} ({cause(error)})."
        ) from None


def _patients(sheet: Sheet, column: str | None, files: list[str]) -> list[str]:
    """The patient of each row, "" where nobody says."""
    if column is not None:
        return list(sheet.cells(sheet.require(column, "patient_column")))
    usual = [name for name in sheet.columns if plain_word(name) in PATIENT_COLUMNS]
    if usual:
        return ["" if blank_cell(cell) else cell for cell in sheet.cells(usual[0])]
    found = [PATIENT_IN_PATH.search(file) for file in files]
    return [match.group(1) if match else "" for match in found]


def _usual(sheet: Sheet, usual: tuple[str, ...], argument: str) -> str:
    """The first column with a usual name, the more usual name first."""
    plain = {plain_word(name): name for name in sheet.columns}
    for name in usual:
        if name in plain:
            return plain[name]
    raise TableError(
        f"{sheet.name} has no column with a usual name of an image ({', '.join(usual[:5])}, ...); say which it is with "
        f"{argument}=, of {', '.join(map(repr, sheet.columns))}."
    )
