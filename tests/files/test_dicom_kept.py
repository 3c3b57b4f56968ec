"""What a synthetic film keeps of a header: numbers, the standard's own terms and codes, tables as long as they say."""

import numpy as np
import pydicom
import pytest
from pydicom.datadict import dictionary_VR
from pydicom.sr.codedict import codes

from monai_cars.files.dicom_kept import CODED, KEPT, NUMBERS, TABLES, TERMS, keep


def kept(source):
    film = pydicom.Dataset()
    keep(film, source)
    return film


def coded(value, scheme, meaning, **modifiers):
    item = pydicom.Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    for name, items in modifiers.items():
        setattr(item, name, items)
    return item


@pytest.mark.parametrize("keyword", sorted(TERMS))
def test_a_term_is_kept_and_any_other_word_is_not(keyword):
    source = pydicom.Dataset()
    term = sorted(TERMS[keyword])[-1]
    setattr(source, keyword, term)
    assert kept(source)[keyword].value == term
    setattr(source, keyword, "DOE JANE")
    assert keyword not in kept(source)


@pytest.mark.parametrize("keyword", sorted(NUMBERS))
def test_a_number_is_kept_as_it_is_written_and_text_in_its_place_is_not(keyword):
    source = pydicom.Dataset()
    kind = dictionary_VR(keyword)
    source.add_new(keyword, "US" if kind == "US or SS" else kind, "1.50" if kind == "DS" else 1)
    assert str(kept(source)[keyword].value) == str(source[keyword].value)
    source = pydicom.Dataset()
    source.add_new(keyword, "LO", "Doe^Jane")
    assert keyword not in kept(source)


def test_a_list_of_numbers_is_no_number():
    source = pydicom.Dataset()
    source.WindowCenter = ["74"] * 17
    assert "WindowCenter" not in kept(source)
    source.WindowCenter = ["74"] * 16
    assert len(kept(source).WindowCenter) == 16


def test_codes_of_the_standard_are_kept_in_its_own_words():
    source = pydicom.Dataset()
    supine = coded("40199007", "SCT", "Jane was supine")
    source.PatientOrientationCodeSequence = [
        coded("102538003", "SCT", "Jane", PatientOrientationModifierCodeSequence=[supine]),
        coded("4711", "99JANE", "recumbent"),
    ]
    source.ViewCodeSequence = [coded("R-10206", "SRT", "Jane AP"), coded("R-10214", "SRT", "Jane PA")]
    source.AnatomicRegionSequence = [coded("4711", "SCT", "Chest")]
    film = kept(source)
    assert [item.CodeMeaning for item in film.PatientOrientationCodeSequence] == ["recumbent"]
    modifiers = film.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence
    assert [item.CodeMeaning for item in modifiers] == ["supine"]
    assert [(item.CodeValue, item.CodeMeaning) for item in film.ViewCodeSequence] == [
        ("R-10206", "antero-posterior"),
        ("R-10214", "postero-anterior"),
    ]
    assert "AnatomicRegionSequence" not in film
    assert "Jane" not in str(film)


def test_every_group_of_codes_is_one_of_the_standard():
    assert all(len(getattr(codes, name).concepts) > 0 for groups in CODED.values() for name in groups)


@pytest.mark.parametrize("keyword", TABLES)
@pytest.mark.parametrize(("entries", "is_kept"), [(256, True), (255, False)])
def test_a_table_as_long_as_it_says_is_kept(keyword, entries, is_kept):
    item = pydicom.Dataset()
    item.add_new("LUTDescriptor", "US", [256, 0, 16])
    item.add_new("LUTData", "OW", np.arange(entries, dtype="<u2").tobytes())
    item.LUTExplanation, item.ModalityLUTType = "for Jane", "OD"
    source = pydicom.Dataset()
    setattr(source, keyword, [item])
    film = kept(source)
    assert (keyword in film) == is_kept
    if is_kept:
        assert film[keyword].value[0].LUTData == item.LUTData
        assert "LUTExplanation" not in film[keyword].value[0]


@pytest.mark.parametrize(
    ("stated", "is_kept"), [(["L", "F"], True), (["R", "HA"], True), (["DOE", "JANE"], False), (["L"], False)]
)
def test_an_orientation_is_two_directions(stated, is_kept):
    source = pydicom.Dataset()
    source.PatientOrientation = stated
    assert ("PatientOrientation" in kept(source)) == is_kept


def test_nothing_that_the_profile_removes_is_on_the_list():
    removed = {"PatientSex", "PatientAge", "PatientName", "StudyDate", "SeriesDescription", "DeviceSerialNumber"}
    removed |= {
        "DetectorID",
        "StationName",
        "InstitutionName",
        "ProtocolName",
        "RequestAttributesSequence",
        "Manufacturer",
    }
    assert not removed & set(KEPT)
