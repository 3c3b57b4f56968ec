import pytest
from film_builders import dicom, pixels
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from monai_cars.files.dicom_sides import sides_of
from monai_cars.files.radiograph import RadiographError, read_radiograph
from monai_cars.files.sides import LETTERS_OF, SILENT, Sides

CORONAL, AXIAL = [1, 0, 0, 0, 0, -1], [1, 0, 0, 0, 1, 0]


def header(tmp_path, **tags):
    return read_radiograph(dicom(tmp_path / "film.dcm", pixels(8), 8, **tags)).header


@pytest.mark.parametrize("order", sorted(LETTERS_OF))
def test_patient_orientation_is_how_the_film_lies(tmp_path, order):
    found = header(tmp_path, PatientOrientation=list(LETTERS_OF[order]))
    assert (found.axes, found.laterality) == (order, "stated")


@pytest.mark.parametrize("letters", ["", ["L", "L"], ["L", "R"], ["L", "P"], ["X", "F"]])
def test_what_says_nothing_of_a_frontal_film_leaves_it_assumed(tmp_path, letters):
    found = header(tmp_path, PatientOrientation=letters, ViewPosition="")
    assert (found.axes, found.laterality) == ("HW", "assumed")


def test_cosines_count_where_the_letters_are_empty(tmp_path):
    assert header(tmp_path, ImageOrientationPatient=[-1, 0, 0, 0, 0, -1]).axes == "HW-flip"
    assert header(tmp_path, ImageOrientationPatient=AXIAL).laterality == "assumed"
    assert header(tmp_path, ImageOrientationPatient=AXIAL, PatientOrientation=["R", "F"]).axes == "HW-flip"
    assert header(tmp_path, ImageOrientationPatient=CORONAL, PatientOrientation=["L", "F"]).laterality == "stated"


def test_two_attributes_that_contradict_each_other_are_refused(tmp_path):
    message = (
        r"PatientOrientation and ImageOrientationPatient must say the same \(got R\\F and a film .* 'HW'\); correct"
    )
    with pytest.raises(RadiographError, match=message):
        header(tmp_path, ImageOrientationPatient=CORONAL, PatientOrientation=["R", "F"])


@pytest.mark.parametrize("letters", [["A", "F"], ["P", "F"], ["H", "A"]])
def test_a_lateral_film_is_refused_by_its_directions(tmp_path, letters):
    message = r"the view must be frontal, PA or AP \(got PatientOrientation .\\.: a lateral view\); leave the file out"
    with pytest.raises(RadiographError, match=message):
        header(tmp_path, PatientOrientation=letters, ViewPosition="")
    path = dicom(tmp_path / "film.dcm", pixels(8), 8, PatientOrientation=letters, ViewPosition="")
    assert read_radiograph(path, check=False).header.axes == "HW"
    assert header(tmp_path, PatientOrientation=letters, ViewPosition="PA").laterality == "assumed"


def test_what_was_done_to_the_detectors_picture_is_no_part_of_it(tmp_path):
    found = header(tmp_path, FieldOfViewRotation="90", FieldOfViewHorizontalFlip="YES", PatientOrientation=["L", "F"])
    assert found.axes == "HW"


def test_letters_of_animals_say_nothing(tmp_path):
    found = header(tmp_path, AnatomicalOrientationType="QUADRUPED", PatientOrientation=["R", "F"])
    assert (found.axes, found.laterality) == ("HW", "assumed")


@given(st.lists(st.text("LRAPHFX", max_size=3), max_size=3), st.lists(st.floats(width=32), max_size=7))
def test_whatever_a_header_holds_it_says_an_order_or_is_refused(letters, cosines):
    dataset = Dataset()
    dataset.PatientOrientation = letters
    dataset.ImageOrientationPatient = [float(f"{number:.6g}") for number in cosines if number == number][:6]
    try:
        found = sides_of("film", dataset)
    except RadiographError:
        return
    assert found == SILENT or found == Sides(found.axes, "stated")
    assert found.axes in LETTERS_OF
