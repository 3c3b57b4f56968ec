"""Feature vectors as a label table, coded as CheXpert's."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping
from pathlib import Path

from monai_cars.echo import echo
from monai_cars.features.feature_vector import FeatureVector
from monai_cars.features.tables.sheet import TableError, blank_cell


def to_table(vectors: Mapping[str, FeatureVector], path: str | Path, *, key: str = "image") -> None:
    """Write feature vectors as a table with a column for each finding, which `from_table` reads back as they are.

    A cell is 1 (present), 0 (absent), -1 (in doubt: `FeatureVector.uncertain`, whatever value that has), blank (not
    mentioned) or a value in between.

    Args:
        vectors: key of a film -> its vector, all of one vocabulary.
        path: file to write: .csv, .tsv (tabs) or either with .gz behind it.
        key: name of the column of the keys.

    Raises:
        TableError: no vectors, vectors of several vocabularies, an empty key, or another ending.

    Example:
        >>> import tempfile
        >>> film = FeatureVector({"Edema": 1, "Fracture": 0}, "chexpert-14", uncertain=["Pneumonia"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     to_table({"a.png": film}, Path(folder) / "labels.csv")
        ...     print((Path(folder) / "labels.csv").read_text().splitlines()[1])
        a.png,,,,,,1,,-1,,,,,0,
    """
    path = Path(path)
    ending = path.name.lower().removesuffix(".gz")
    if not ending.endswith((".csv", ".tsv")):
        raise TableError(f"A table is written as .csv, .tsv, .csv.gz or .tsv.gz (got {echo(path.name)}).")
    vocabularies = {(vector.vocabulary.name, vector.vocabulary.findings) for vector in vectors.values()}
    if len(vocabularies) != 1:
        raise TableError(
            f"A table holds vectors of one vocabulary, at least one vector (got {len(vocabularies)} kinds)."
        )
    [(_, findings)] = vocabularies
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t" if ending.endswith(".tsv") else ",", lineterminator="\n")
    writer.writerow((key, *findings))
    for name, vector in vectors.items():
        if blank_cell(name):
            raise TableError(f"Every film of a table has a key (got {echo(name)}).")
        codes = vector.codes()
        writer.writerow((name, *(codes.get(finding, "") for finding in findings)))
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix.lower() == ".gz" else data)
