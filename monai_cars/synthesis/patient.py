"""A stable pseudonym for a film's patient, so that counterfactuals follow their patient's fold."""

from __future__ import annotations

import hashlib

from monai_cars.files.dicom_parsing import parse
from monai_cars.files.quiet import quiet
from monai_cars.files.radiograph import Header
from monai_cars.synthesis.sources import Source


def patient_of(source: Source, header: Header) -> str:
    """The datalist's own identifier; else a hash of the DICOM's PatientID; else of the film's bytes.

    The hash keeps a patient's films together and spares the identifier from being copied around. It is no
    anonymisation: who holds a list of identifiers can hash them too.

    Args:
        source: the film.
        header: of the film as read.

    Returns:
        A short string.
    """
    if source.patient_id is not None:
        return source.patient_id
    identifier = ""
    if header.format == "dicom":
        with quiet():
            identifier = str(parse(source.path.read_bytes()).get("PatientID") or "")
    return "P-" + hashlib.sha256((identifier or header.sha256).encode()).hexdigest()[:16]
