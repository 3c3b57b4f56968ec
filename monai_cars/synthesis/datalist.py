"""The datalist of a run, in the form that MONAI's ``load_decathlon_datalist`` reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monai_cars.features import Vocabulary, vector_of


def datalist(lines: Sequence[Mapping[str, Any]], vocabulary: Vocabulary) -> dict[str, Any]:
    """Accepted counterfactuals under ``training``, accepted shams under ``shams``, nothing else.

    A sham has its source's labels and no finding of its own: it is a control, not a training item. ``patient_id`` and
    ``group`` let a cross-validation keep a counterfactual in its patient's fold. ``findings`` is a feature vector over
    ``finding_names``; what nobody knows is NaN, which Python's JSON reads and `MaskedBCEWithLogitsLoss` skips.

    Args:
        lines: the manifest.
        vocabulary: of the feature vectors.

    Example:
        >>> from monai_cars.features import load_vocabulary
        >>> datalist([], load_vocabulary("carpa-19"))["training"]
        []
    """
    accepted = [line for line in lines if line["accepted"]]
    return {
        "name": "monai-cars counterfactuals",
        "description": "SYNTHETIC - NOT FOR DIAGNOSIS. Counterfactuals of real radiographs; research only.",
        "modality": {"0": "DX"},
        "labels": {"0": "background", "1": "finding inserted or removed"},
        "vocabulary": vocabulary.name,
        "finding_names": list(vocabulary.findings),
        "numTraining": sum(line["operation"] != "sham" for line in accepted),
        "training": [_item(line, vocabulary) for line in accepted if line["operation"] != "sham"],
        "shams": [_item(line, vocabulary) for line in accepted if line["operation"] == "sham"],
    }


def _item(line: Mapping[str, Any], vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        "image": line["output"],
        "label": line["lesion"],
        "support": line["support"],
        "anatomy": line["anatomy"],
        "patient_id": line["patient_id"],
        "group": line["patient_id"],
        "findings": vector_of(line["findings"], vocabulary).tolist(),
        "operation": line["operation"],
        "finding": line["finding"],
        "side": line["side"],
        "severity": line["severity_measured"],
        "source_sha256": line["source_sha256"],
    }
