"""Identity: nothing of the source's by default, an option for each thing that may be kept, groups by a keyed hash."""

from dataclasses import replace

import pydicom
import pytest
from film_builders import PLAN, RECORD, dicom, edited, pixels
from pydicom.uid import UID, generate_uid

from monai_cars.files.deidentification import Deidentification, deidentification_of
from monai_cars.files.radiograph import RadiographError, read_radiograph, write_radiograph

UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
STUDY, SERIES = generate_uid(), generate_uid()


def written(tmp_path, how, *, seed=0, plan=PLAN, record=RECORD, **tags):
    path = dicom(tmp_path / "film.dcm", pixels(12, seed=seed), 12, StudyInstanceUID=STUDY, **tags)
    film = read_radiograph(path)
    image, support = edited(film)
    out = write_radiograph(
        tmp_path / "out.dcm",
        image,
        header=film.header,
        support=support,
        record=record,
        plan=plan,
        deidentification=how,
    )
    return pydicom.dcmread(out), pydicom.dcmread(path)


def uids(film):
    return [film[keyword].value for keyword in UIDS]


def test_with_a_key_films_of_a_study_stay_together(tmp_path):
    how = Deidentification(key="secret")
    first, source = written(tmp_path, how, SeriesInstanceUID=SERIES)
    second, _ = written(tmp_path, how, seed=1, SeriesInstanceUID=SERIES)
    assert uids(first)[:2] == uids(second)[:2]
    assert first.PatientID == second.PatientID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert not {*uids(first), first.SourceImageSequence[0].ReferencedSOPInstanceUID} & {*uids(source)}
    assert all(UID(uid).is_valid for uid in uids(first))
    other, _ = written(tmp_path, Deidentification(key="another"), SeriesInstanceUID=SERIES)
    assert not set(uids(other)) & set(uids(first))
    assert other.PatientID != first.PatientID
    series, _ = written(tmp_path, how, SeriesInstanceUID=generate_uid(), PatientID="MRN-2")
    assert series.StudyInstanceUID == first.StudyInstanceUID
    assert series.SeriesInstanceUID != first.SeriesInstanceUID
    assert series.PatientID != first.PatientID
    again, _ = written(tmp_path, how, plan={**PLAN, "name": "another run"}, SeriesInstanceUID=SERIES)
    assert (again.StudyInstanceUID == first.StudyInstanceUID) > (again.SeriesInstanceUID == first.SeriesInstanceUID)


def test_without_a_key_every_film_stands_alone(tmp_path):
    first, _ = written(tmp_path, Deidentification())
    second, _ = written(tmp_path, Deidentification(), seed=1)
    assert not set(uids(first)) & set(uids(second))
    assert first.PatientID != second.PatientID


@pytest.mark.parametrize(
    ("retain", "codes"),
    [
        ((), ["113100"]),
        (("characteristics",), ["113100", "113108"]),
        (("source", "characteristics"), ["113100", "113108", "113110"]),
    ],
)
def test_what_was_done_stands_in_the_film(tmp_path, retain, codes):
    film, source = written(tmp_path, Deidentification(retain=retain))
    assert film.PatientIdentityRemoved == "YES"
    assert [item.CodeValue for item in film.DeidentificationMethodCodeSequence] == codes
    assert {item.CodingSchemeDesignator for item in film.DeidentificationMethodCodeSequence} == {"DCM"}
    assert film.PatientSex == ("F" if "characteristics" in retain else "")
    assert ("PatientAge" in film) == ("characteristics" in retain)
    reference = film.SourceImageSequence[0].ReferencedSOPInstanceUID
    assert (reference == source.SOPInstanceUID) == ("source" in retain)


def test_a_source_without_a_proper_uid_is_never_quoted(tmp_path):
    film, _ = written(tmp_path, Deidentification(retain=("source",)), SOPInstanceUID="1.2.3")
    assert film.SourceImageSequence[0].ReferencedSOPInstanceUID == "1.2.3"
    path = tmp_path / "film.dcm"
    path.write_bytes(path.read_bytes().replace(b"1.2.3\0", b"Doe^J\0"))
    image = read_radiograph(path)
    out = write_radiograph(
        tmp_path / "out.dcm",
        image.image,
        header=replace(image.header),
        support=image.image * 0,
        deidentification=Deidentification(retain=("source",)),
    )
    assert b"Doe" not in out.read_bytes()


def test_what_cannot_be_kept_is_refused_and_the_key_is_not_shown():
    with pytest.raises(RadiographError, match=r"retain may hold characteristics and source \(got 'dates'\)"):
        Deidentification(retain=("dates",))
    with pytest.raises(RadiographError, match=r"retain must be a list of words and the key a text \(got 'source'\)"):
        Deidentification(retain="source")
    assert "secret" not in repr(Deidentification(key="secret"))


def test_the_key_of_a_run_comes_from_a_file(tmp_path):
    (tmp_path / "key").write_text("0123456789abcdef\n")
    assert deidentification_of(["source"], tmp_path / "key") == Deidentification(("source",), "0123456789abcdef")
    assert deidentification_of((), None) == Deidentification()
    (tmp_path / "key").write_text("short")
    with pytest.raises(
        RadiographError, match=r"the key must have at least 16 characters \(got 5\); a short one can be"
    ):
        deidentification_of((), tmp_path / "key")
    with pytest.raises(RadiographError, match=r"gone: the file of the key must be a text file.*FileNotFoundError"):
        deidentification_of((), tmp_path / "gone")
    with pytest.raises(RadiographError, match=r"retain must be a list of words \(got 'source'\)"):
        deidentification_of("source", None)


@pytest.mark.parametrize("retain", [3, None, b"source", {"source": True}])
def test_what_is_no_list_of_words_is_told_as_such(retain):
    with pytest.raises(RadiographError, match="retain must be a list of words"):
        deidentification_of(retain, None)
    with pytest.raises(RadiographError, match="retain must be a list of words"):
        Deidentification(retain=retain)
    with pytest.raises(RadiographError, match="retain may hold characteristics and source"):
        deidentification_of([retain], None)
