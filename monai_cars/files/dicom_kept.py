"""What of a source's DICOM header goes into a synthetic film: technical attributes, each by its own rule.

An attribute is on the list or it is left out; and a value is a number, one of the standard's own terms, or a code that
the standard knows, or it is left out too. So nobody's name comes along in a body part or in a code's meaning. None of
the attributes is in table E.1-1 of PS3.15, which lists what identifies people.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pydicom
from pydicom.datadict import dictionary_VR

from monai_cars.files.dicom_rules import MODALITIES, value

MOST_NUMBERS = 16
_NUMBERS = """
KVP DistanceSourceToDetector DistanceSourceToPatient EstimatedRadiographicMagnificationFactor ExposureTime
XRayTubeCurrent Exposure ExposureInuAs FocalSpots Sensitivity RelativeXRayExposure ExposureIndex TargetExposureIndex
DeviationIndex PixelSpacing ImagerPixelSpacing PixelAspectRatio PixelIntensityRelationshipSign RescaleIntercept
RescaleSlope WindowCenter WindowWidth PixelPaddingValue PixelPaddingRangeLimit LossyImageCompressionRatio
"""
NUMBERS = tuple(_NUMBERS.split())
_METALS = "ALUMINUM COPPER MOLYBDENUM RHODIUM NIOBIUM EUROPIUM LEAD SILVER TIN TANTALUM NICKEL TITANIUM MIXED"
TERMS: dict[str, frozenset[str]] = {
    keyword: frozenset(terms.split("|"))
    for keyword, terms in {
        "Modality": "|".join(MODALITIES),
        "BodyPartExamined": "CHEST|THORAX|LUNG|RIB|RIBS|PORT CHEST|PORTCHEST|CHEST PORT|CHESTABDOMEN|STERNUM|SC JOINT",
        "ViewPosition": "AP|PA|LL|RL|RLD|LLD|RLO|LLO",
        "Laterality": "R|L",
        "ImageLaterality": "R|L|U|B",
        "PatientPosition": "HFP|HFS|HFDR|HFDL|FFDR|FFDL|FFP|FFS|ERECT|UPRIGHT|STANDING|SUPINE|SITTING|PRONE",
        "FilterType": "STRIP|WEDGE|BUTTERFLY|MULTIPLE|FLAT|NONE",
        "FilterMaterial": _METALS.replace(" ", "|"),
        "Grid": "FIXED|FOCUSED|RECIPROCATING|PARALLEL|CROSSED|NONE|IN",
        "DetectorType": "DIRECT|SCINTILLATOR|STORAGE|FILM",
        "PixelSpacingCalibrationType": "GEOMETRY|FIDUCIAL",
        "PresentationIntentType": "FOR PRESENTATION|FOR PROCESSING",
        "PixelIntensityRelationship": "LIN|LOG|DISP",
        "PresentationLUTShape": "IDENTITY|INVERSE",
        "RescaleType": "OD|HU|US|MGML|Z_EFF|ED|EDW|HU_MOD|PCT",
        "VOILUTFunction": "LINEAR|LINEAR_EXACT|SIGMOID",
        "LossyImageCompression": "00|01",
        "LossyImageCompressionMethod": "ISO_10918_1|ISO_14495_1|ISO_15444_1|ISO_15444_2|ISO_13818_2|ISO_14496_10",
        "BurnedInAnnotation": "YES|NO",
    }.items()
}
CODED = {
    "AnatomicRegionSequence": ("cid4009",),
    "ViewCodeSequence": ("cid4010",),
    "ViewModifierCodeSequence": ("cid4011", "cid23"),
    "PatientOrientationCodeSequence": ("cid19",),
    "PatientOrientationModifierCodeSequence": ("cid20",),
}
"""Code sequence -> the context groups of the standard (PS3.16) whose codes are kept."""
OWN_CODES = (("10904000", "SCT", "erect"), ("R-10214", "SRT", "postero-anterior"))
"""Further ones that people use, and that this library writes."""
MODIFIERS = ("ViewModifierCodeSequence", "PatientOrientationModifierCodeSequence")
TABLES = ("ModalityLUTSequence", "VOILUTSequence")
KEPT = (*NUMBERS, *TERMS, "PatientOrientation", *(name for name in CODED if name not in MODIFIERS), *TABLES)
_WRITTEN = re.compile(r"[-+0-9.eE]{1,16}")
_TABLE_TYPES = frozenset({"OD", "HU", "US", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT"})


def keep(film: pydicom.Dataset, source: pydicom.Dataset) -> None:
    """Copy what a synthetic film keeps of its source's header.

    Args:
        film: receives the attributes.
        source: as it was read.

    Example:
        >>> source, film = pydicom.Dataset(), pydicom.Dataset()
        >>> source.KVP, source.BodyPartExamined, source.PatientName = "120", "DOE JANE", "Doe^Jane"
        >>> keep(film, source)
        >>> [element.keyword for element in film]
        ['KVP']
    """
    for names, kept in (
        (NUMBERS, _numbers),
        (tuple(TERMS), _terms),
        (("PatientOrientation",), _orientation),
        (tuple(CODED), _coded),
        (TABLES, _tables),
    ):
        _copy(film, source, names, kept)


def _copy(
    film: pydicom.Dataset,
    source: pydicom.Dataset,
    keywords: tuple[str, ...],
    kept: Callable[[pydicom.Dataset, str, Any], Any],
) -> None:
    for keyword in keywords:
        found = value(source, keyword)
        if found is None or not _of_its_kind(source, keyword):
            continue
        if (copied := kept(source, keyword, found)) is not None:
            film.add_new(keyword, source[keyword].VR, copied)


def _of_its_kind(source: pydicom.Dataset, keyword: str) -> bool:
    """Whether the file gives an attribute the type that the standard gives it: a number is no text."""
    return source[keyword].VR in dictionary_VR(keyword).split(" or ")


def _several(found: Any) -> list[Any]:
    return list(found) if isinstance(found, (list, tuple, pydicom.multival.MultiValue)) else [found]


def _numbers(source: pydicom.Dataset, keyword: str, found: Any) -> Any:
    parts = _several(found)
    if len(parts) > MOST_NUMBERS or not all(_is_number(part) for part in parts):
        return None
    return found


def _is_number(part: Any) -> bool:
    written = getattr(part, "original_string", None)  # of a decimal: what the file says, and what is written
    if written is not None and not _WRITTEN.fullmatch(str(written).strip()):
        return False
    return isinstance(part, (int, float, np.number)) and bool(np.isfinite(float(part)))


def _terms(source: pydicom.Dataset, keyword: str, found: Any) -> Any:
    said = [str(part) for part in _several(found)]
    return found if all(part.strip().upper() in TERMS[keyword] for part in said) else None


def _orientation(source: pydicom.Dataset, keyword: str, found: Any) -> Any:
    parts = _several(found)
    if len(parts) != 2 or not all(re.fullmatch(r"[LRAPHF]{1,3}", str(part)) for part in parts):
        return None
    return found


def _coded(source: pydicom.Dataset, keyword: str, found: Any) -> list[pydicom.Dataset] | None:
    return list(_codes(keyword, found)) or None


def _codes(keyword: str, items: Any) -> Iterator[pydicom.Dataset]:
    """The items that the standard has, in its own words, with their modifiers."""
    for item in items:
        meaning = _meaning(keyword, str(value(item, "CodeValue")), str(value(item, "CodingSchemeDesignator")))
        if meaning is None:
            continue
        kept = pydicom.Dataset()
        kept.CodeValue, kept.CodingSchemeDesignator = str(item.CodeValue), str(item.CodingSchemeDesignator)
        kept.CodeMeaning = meaning
        for name in MODIFIERS:
            modifiers = value(item, name)
            if isinstance(modifiers, pydicom.Sequence) and (inner := list(_codes(name, modifiers))):
                setattr(kept, name, inner)
        yield kept


def _meaning(keyword: str, code: str, scheme: str) -> str | None:
    """What the standard calls a code, None where it has no such code for this attribute."""
    from pydicom.sr.codedict import codes  # a quarter of a second, for films with codes only
    from pydicom.sr.coding import Code

    asked = Code(code, scheme, "")
    groups = (getattr(codes, name).concepts.values() for name in CODED[keyword])
    own = [Code(*known) for known in OWN_CODES]
    # A code of the retired SNOMED-RT equals that of SNOMED-CT which replaced it.
    return next((known.meaning for group in (*groups, own) for known in group if known == asked), None)


def _tables(source: pydicom.Dataset, keyword: str, found: Any) -> list[pydicom.Dataset] | None:
    items = [_table(item) for item in found]
    return [item for item in items if item is not None] or None


def _table(item: pydicom.Dataset) -> pydicom.Dataset | None:
    """One look-up table, if it is as long as it says."""
    descriptor, data = value(item, "LUTDescriptor"), value(item, "LUTData")
    if not (_of_its_kind(item, "LUTDescriptor") and _of_its_kind(item, "LUTData")):
        return None
    try:
        entries = int(descriptor[0]) or 1 << 16
        size = len(data) if not isinstance(data, bytes) else len(data) // 2
    except (TypeError, ValueError, IndexError):
        return None
    if len(descriptor) != 3 or size != entries:
        return None
    kept = pydicom.Dataset()
    kept.add_new("LUTDescriptor", item["LUTDescriptor"].VR, descriptor)
    kept.add_new("LUTData", item["LUTData"].VR, data)
    if str(value(item, "ModalityLUTType")) in _TABLE_TYPES:
        kept.ModalityLUTType = item.ModalityLUTType
    return kept
