"""Rules by which a DICOM header alone tells that a file is no frontal chest radiograph."""

import re
from typing import Any

import pydicom

from monai_cars.echo import cause, echo
from monai_cars.files.header import RadiographError
from monai_cars.files.native import MOST_BITS, check_size
from monai_cars.files.view_words import FRONTAL, lateral_words, names_view, only_lateral

__all__ = ["COLOR", "FRONTAL", "GREY", "MODALITIES", "PALETTE", "check_header", "value", "words"]

MODALITIES = frozenset({"CR", "DX", "DR", "RG", "RF", "OT", "SC", ""})
_OTHERS = """
CT MR US XA NM PT MG PX IO ES GM SM OP OCT ECG EPS HD SR SEG PR KO REG RTIMAGE RTDOSE RTPLAN RTSTRUCT RTRECORD AU DOC
PLAN FID IVUS IVOCT BI BMD TG XC DG LS BDUS OAM OPM OPT OPV AR KER VA SRF LEN SMR M3D STAIN POS TEXTUREMAP RESP HC ANN
"""
OTHER_MODALITIES = frozenset(_OTHERS.split())
_COLOURS = (
    "MONOCHROME1 MONOCHROME2 RGB YBR_FULL YBR_FULL_422 YBR_ICT YBR_RCT YBR_PARTIAL_420 YBR_PARTIAL_422 CMYK HSV ARGB"
)
INTERPRETATIONS = frozenset({*_COLOURS.split(), "PALETTE COLOR", "XYB"})
GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
COLOR = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})
PALETTE = frozenset({"PALETTE COLOR"})
LATERAL_CODES = {
    **dict.fromkeys(("399067008", "R-102CD"), "lateral"),
    **dict.fromkeys(("399173006", "R-10236"), "left lateral"),
    **dict.fromkeys(("399198007", "R-10232"), "right lateral"),
    **dict.fromkeys(("399182000", "399184004", "399236003"), "oblique"),
    **dict.fromkeys(("399135007", "399356000", "399006002", "399038007"), "oblique"),  # anterior and posterior
}
"""View codes of SNOMED CT and its predecessor."""
MODIFIERS = ("ViewModifierCodeSequence", "PatientOrientationModifierCodeSequence")
CHEST = re.compile(r"\b(chest|thorax|thora[xk]s?|thoracic|torax|toraks|tórax|lungs?|ribs?|cxr|poumons?|pulmones)\b")
DESCRIPTIONS = (
    *("StudyDescription", "SeriesDescription", "ProtocolName", "RequestedProcedureDescription"),
    *("PerformedProcedureStepDescription", "AcquisitionDeviceProcessingDescription", "AnatomicRegionSequence"),
)
OFTEN_PRESET = re.compile(r"\babdomen\b")
"""A body part that stands in headers of chest films because the machine was left set to it."""
OTHER_PARTS = re.compile(
    r"\b(abdomen|pelvis|hip|femur|knee|patella|leg|lowerleg|tibia|fibula|ankle|foot|toe|calcaneus|heel|extremity|"
    r"upperextremity|lowerextremity|lower leg|arm|upper arm|humerus|elbow|forearm|radius|ulna|wrist|hand|finger|thumb|"
    r"shoulder|clavicle|scapula|skull|head|face|nose|orbit|jaw|mandible|maxilla|teeth|sinus|neck|cspine|tspine|lspine|"
    r"lsspine|tlspine|spine|sacrum|coccyx|sspine|breast|kidney|bladder|uterus)\b"
)


def _term(said: str, known: frozenset[str]) -> str:
    """A term that the standard knows, as it is; anything else may be anybody's name."""
    return said if said in known else "none that the standard knows"


def value(dataset: pydicom.Dataset, keyword: str) -> Any:
    """Return one value of the header, None when it is absent, empty or unreadable."""
    try:
        found = dataset.get(keyword)
    except Exception:
        return None
    return None if found == "" else found


def words(dataset: pydicom.Dataset, *keywords: str) -> str:
    """Return what the header says in words, lower case; of a code sequence, its meanings and those of its modifiers."""
    said = []
    for keyword in keywords:
        found = value(dataset, keyword)
        if isinstance(found, pydicom.Sequence):
            said += [str(value(item, "CodeMeaning") or "") for item in found]
            said += [words(item, *MODIFIERS) for item in found]
        elif found is not None:
            said.append(str(found))
    return re.sub(r"[_^/]", " ", " ".join(said)).lower()


def check_header(source: str, dataset: pydicom.Dataset, *, content: bool = True) -> tuple[str, ...]:
    """Refuse what the header shows to be no single frontal film of a chest.

    Args:
        source: name of the file, for the message.
        dataset: the parsed file.
        content: also judge modality, view and body part.

    Returns:
        Notes on what the header contradicts itself in.

    Raises:
        RadiographError: naming the file, the rule, the value got and the remedy.
    """
    notes: tuple[str, ...] = ()
    if content:
        _check_modality(source, dataset)
        _check_view(source, dataset)
        notes = _check_body_part(source, dataset)
    _check_form(source, dataset)
    return notes


def _check_modality(source: str, dataset: pydicom.Dataset) -> None:
    modality = str(value(dataset, "Modality") or "").upper()
    if modality not in MODALITIES:
        raise RadiographError(
            f"{source}: the modality must be a projection radiograph, one of {sorted(MODALITIES - {''})} "
            f"(got {_term(modality, OTHER_MODALITIES)}); leave the file out"
        )


def _check_view(source: str, dataset: pydicom.Dataset) -> None:
    stated = words(dataset, "ViewPosition")
    coded = " ".join([words(dataset, "ViewCodeSequence"), *_coded_laterals(dataset)])
    described = words(dataset, "SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription")
    # A description may name both views of a study, and "AP" on a limb: the tag decides where it is filled.
    said = next((text for text in (stated, coded, described) if names_view(text)), "")
    if only_lateral(said):
        raise RadiographError(
            f"{source}: the view must be frontal, PA or AP (got {echo(lateral_words(said))}: a lateral, oblique "
            "or decubitus view); leave the file out"
        )


def _coded_laterals(dataset: pydicom.Dataset) -> list[str]:
    """What lateral and oblique view codes mean, in whatever language their meaning is written."""
    items = value(dataset, "ViewCodeSequence")
    codes = [str(value(item, "CodeValue") or "") for item in items] if isinstance(items, pydicom.Sequence) else []
    return [LATERAL_CODES[code] for code in codes if code in LATERAL_CODES]


def _check_body_part(source: str, dataset: pydicom.Dataset) -> tuple[str, ...]:
    part = words(dataset, "BodyPartExamined")
    part = part if part.strip() else words(dataset, "AnatomicRegionSequence")
    other = OTHER_PARTS.search(part)
    if not other or re.search(r"chest|thorax|lung|rib", part):
        return ()
    described = words(dataset, *DESCRIPTIONS)
    others = OTHER_PARTS.search(OFTEN_PRESET.sub(" ", part)) or OTHER_PARTS.search(described)
    if CHEST.search(described) and not others:
        return ("the header's body part is the abdomen, its descriptions say chest",)
    raise RadiographError(
        f"{source}: the body part must be the chest (got {echo(other[0].upper())}); leave the file out"
    )


def _check_form(source: str, dataset: pydicom.Dataset) -> None:
    try:
        rows, columns, bits = int(dataset.Rows), int(dataset.Columns), int(dataset.BitsStored)
        photometric, samples = str(dataset.PhotometricInterpretation), int(dataset.SamplesPerPixel)
        frames = int(value(dataset, "NumberOfFrames") or 1)
        present = "PixelData" in dataset
    except Exception as error:
        raise RadiographError(
            f"{source}: a DICOM film must describe its pixels (got {cause(error)}); give an image, not a report or a "
            "plan"
        ) from error
    if frames != 1:
        raise RadiographError(
            f"{source}: a film must be a single frame (got {frames} frames); split the file and give single films"
        )
    if not present:
        raise RadiographError(f"{source}: a DICOM film must have integer pixel data (got none); copy the file again")
    if photometric not in GREY | COLOR | PALETTE or samples not in (1, 3):
        raise RadiographError(
            f"{source}: the photometric interpretation must be MONOCHROME1, MONOCHROME2, or RGB or PALETTE COLOR of "
            f"greys (got {_term(photometric, INTERPRETATIONS)}, {samples} samples); give the original film"
        )
    if not 8 <= bits <= MOST_BITS:
        raise RadiographError(
            f"{source}: a film must have 8 to {MOST_BITS} bits a pixel (got {bits}); give the original film"
        )
    check_size(source, rows, columns, channels=samples)
