"""A stable pseudonym for a film's patient, so that counterfactuals follow their patient's fold."""

from __future__ import annotations

import hashlib

from monai_cars.files.dicom_parsing import parse
from monai_cars.files.quiet import quiet
from monai_cars.files.radiograph import Header
from monai_cars.synthesis.naming import pseudonym
from monai_cars.synthesis.source import Source


def patient_of(source: Source, header: Header, *, key: str | None = None) -> str:
    """The datalist's own identifier; else a hash of the DICOM's PatientID; else of the film's bytes.

    The hash keeps a patient's films together and spares the identifier from being copied around. It is no
    anonymisation: who holds a list of identifiers can hash them too. With a key all three become pseudonyms.

    Args:
        source: the film.
        header: of the film as read.
        key: of the pseudonyms, None where names are kept.

    Returns:
        A short string.
    """
    if source.patient_id is not None:
        return source.patient_id if key is None else pseudonym(source.patient_id, key, of="patient")
    identifier = ""
    if header.format == "dicom":
        with quiet():
            identifier = str(parse(source.path.read_bytes()).get("PatientID") or "")
    if key is not None:
        return pseudonym(identifier or header.sha256, key, of="patient")
    return "P-" + hashlib.sha256((identifier or header.sha256).encode()).hexdigest()[:16]
