import pydicom
import pytest
from pydicom.data import get_testdata_file

from monai_cars.files.radiograph import read_radiograph
from monai_cars.synthesis import Source
from monai_cars.synthesis.patient import patient_of


@pytest.fixture
def film(tmp_path):
    def write(name, identifier):
        dataset = pydicom.dcmread(get_testdata_file("RG1_UNCR.dcm"))
        dataset.PatientID = identifier
        dataset.InstanceNumber = len(list(tmp_path.iterdir()))  # other bytes for each file
        dataset.save_as(tmp_path / name)
        return Source(tmp_path / name, name), read_radiograph(tmp_path / name).header

    return write


def test_films_of_a_patient_stay_together_and_the_identifier_is_not_shown(film):
    first, second = patient_of(*film("a.dcm", "MR-4711")), patient_of(*film("b.dcm", "MR-4711"))
    other = patient_of(*film("c.dcm", "MR-4712"))
    assert first == second != other
    assert "4711" not in first


def test_without_an_identifier_every_file_is_its_own_patient(film):
    assert patient_of(*film("a.dcm", "")) != patient_of(*film("b.dcm", ""))


def test_with_a_key_every_identifier_is_a_pseudonym_and_films_of_a_patient_stay_together(film):
    key, other = "0" * 64, "1" * 64
    first, second = film("a.dcm", "MR-4711"), film("b.dcm", "MR-4711")
    told = Source(first[0].path, "a.dcm", patient_id="MR-4711")
    assert patient_of(*first, key=key) == patient_of(*second, key=key) == patient_of(told, first[1], key=key)
    assert len({patient_of(*first), patient_of(*first, key=key), patient_of(*first, key=other)}) == 3
    assert patient_of(*film("c.dcm", ""), key=key) != patient_of(*film("d.dcm", ""), key=key)


def test_what_the_datalist_says_comes_first(film):
    source, header = film("a.dcm", "MR-4711")
    assert patient_of(Source(source.path, source.name, patient_id="17"), header) == "17"
