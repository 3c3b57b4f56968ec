"""What pydicom and others say while a film is read is said to nobody; what a user's own code lets them say is heard."""

import logging
import threading
import warnings

import pydicom
import pytest
from film_builders import dicom, pixels

from monai_cars.files.quiet import quiet
from monai_cars.files.radiograph import RadiographError, read_radiograph


def damaged(tmp_path):
    """A film whose sequence breaks off: pydicom then logs its whole header."""
    data = dicom(tmp_path / "film.dcm", pixels(), 12).read_bytes()
    where = data.index(b"\x28\x00\x02\x00US")
    item = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    (tmp_path / "film.dcm").write_bytes(data[:where] + item * 3 + b"\x08\x00")
    return tmp_path / "film.dcm"


def test_a_damaged_film_is_refused_without_a_word_of_its_header(tmp_path, caplog, recwarn, capfd):
    path = damaged(tmp_path)
    with pytest.raises(RadiographError) as refusal:
        read_radiograph(path)
    heard = [str(refusal.value), caplog.text, *capfd.readouterr(), *(str(each.message) for each in recwarn)]
    assert not any("Doe" in said or "4711" in said for said in heard)
    assert caplog.records == []


def test_loggers_and_warnings_stay_the_users(tmp_path, caplog):
    log = logging.getLogger("pydicom")
    with quiet():
        log.error("Doe^Jane")
        warnings.warn("Doe^Jane", stacklevel=1)
        thread = threading.Thread(target=lambda: log.error("another thread"))
        thread.start()
        thread.join()
    log.error("outside")
    assert [record.getMessage() for record in caplog.records] == ["another thread", "outside"]
    assert not log.disabled
    with pytest.warns(UserWarning, match="own code"):
        warnings.warn("own code", stacklevel=1)


def test_what_is_raised_inside_comes_out_and_ends_the_silence(caplog):
    with pytest.raises(KeyError), quiet():
        raise KeyError("x")
    logging.getLogger("pydicom").error("outside")
    assert len(caplog.records) == 1


def test_writing_and_patients_are_quiet_too(tmp_path, caplog, recwarn):
    path = dicom(tmp_path / "film.dcm", pixels(), 12)
    film = pydicom.dcmread(path)
    assert film.PatientName == "Doe^Jane"
    read_radiograph(path)
    assert caplog.records == []
    assert list(recwarn) == []
