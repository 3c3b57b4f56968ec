import pickle
from dataclasses import replace

import pytest
import torch
from phantom import phantom
from safetensors.torch import save_file

from monai_cars.chest_xray.gate import default_gate
from monai_cars.chest_xray.teacher.network import FINDINGS, TeacherNetwork
from monai_cars.chest_xray.teacher.preprocessing import lungs_box
from monai_cars.chest_xray.teacher.shipped import NetworkLocaliser, NetworkTeacher, load_localiser, load_teacher
from monai_cars.teachers import Localiser, Teacher, TeacherError, shared_data
from monai_cars.transforms import InsertFindingd
from monai_cars.weights import WeightsError, load_record

FILM = phantom(size=(256, 240))
KINDS = ("teacher", "localiser")


def tiny():
    torch.manual_seed(0)
    return TeacherNetwork((4, 8), findings=2, width=4).eval()


def test_the_temperature_divides_the_logit_and_one_output_keeps_its_own():
    plain = NetworkTeacher("tiny", tiny(), ("a", "b"))(FILM.image, FILM.anatomy)
    warm = NetworkTeacher("tiny", tiny(), ("a", "b"), temperature={"a": 2.0})(FILM.image, FILM.anatomy)
    logit = torch.tensor(list(plain.values())).logit()
    assert warm["a"] == pytest.approx(float((logit[0] / 2).sigmoid()), abs=1e-5)
    assert warm["b"] == plain["b"]


def test_a_map_is_on_the_films_grid_and_zero_outside_the_lungs_box():
    where = NetworkLocaliser("tiny", tiny())(FILM.image, FILM.anatomy)
    top, bottom, left, right = lungs_box(FILM.anatomy)
    assert where.shape == FILM.image.shape[1:]
    assert where.dtype == torch.float32
    assert where.count_nonzero() == (bottom - top) * (right - left)
    assert 0 < where[top:bottom, left:right].min() <= where.max() < 1


def test_without_lungs_nothing_is_answered():
    nothing = torch.zeros_like(FILM.anatomy)
    for asked in (NetworkTeacher("tiny", tiny(), ("a", "b")), NetworkLocaliser("tiny", tiny())):
        with pytest.raises(TeacherError, match=r"holds lungs on 0 rows"):
            asked(FILM.image, nothing)


@pytest.mark.parametrize("load", [load_teacher, load_localiser])
def test_weights_of_another_network_are_refused(tmp_path, load):
    save_file({"other": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"'other.safetensors' holds no weights of the teacher network"):
        load(tmp_path / "other.safetensors")


def test_the_shipped_teacher_keeps_the_contract():
    teacher = load_teacher()
    assert isinstance(teacher, Teacher)
    assert teacher.outputs == FINDINGS
    assert set(teacher.auroc) == set(teacher.temperature) == set(FINDINGS)
    assert all(0 <= value <= 1 for value in teacher.auroc.values())
    answer = teacher(FILM.image, FILM.anatomy)
    assert tuple(answer) == FINDINGS
    assert all(0 < value < 1 for value in answer.values())
    assert teacher(3 * FILM.image - 700, FILM.anatomy) == pytest.approx(answer, abs=1e-3)
    assert teacher.sha256 == load_record("cars_teacher").sha256


def test_the_shipped_localiser_keeps_the_contract():
    localiser = load_localiser()
    assert isinstance(localiser, Localiser)
    assert localiser(FILM.image, FILM.anatomy).shape == FILM.image.shape[1:]
    assert load_localiser().network is localiser.network  # loaded once a process


def test_the_shipped_teacher_has_seen_no_patient_of_the_editors():
    for editor in ("cars_anatomy", "healthy_lung"):
        assert shared_data(load_record(editor).data, load_teacher().data) == ()


def test_a_transform_with_the_shipped_models_travels_in_kilobytes():
    edit = InsertFindingd("image", "nodule", gate=default_gate("nodule", "insert", "full"))
    sent = pickle.dumps(edit)
    assert len(sent) < 10_000
    gate, again = edit.insert.loop.gate, pickle.loads(sent).insert.loop.gate
    asked = zip(gate.checks, again.checks, strict=True)
    models = [(getattr(one, kind), getattr(two, kind)) for one, two in asked for kind in KINDS if hasattr(one, kind)]
    assert {type(one) for one, _ in models} == {NetworkTeacher, NetworkLocaliser}
    for one, two in models:
        answers = [
            torch.as_tensor(list(found.values()) if isinstance(found, dict) else found)
            for found in (one(FILM.image, FILM.anatomy), two(FILM.image, FILM.anatomy))
        ]
        assert torch.equal(*answers)
        assert (two.name, two.data, two.sha256) == (one.name, one.data, one.sha256)


def test_what_was_changed_travels_as_it_is():
    warm = replace(load_teacher(), temperature={"Lung Opacity": 3.0})
    assert pickle.loads(pickle.dumps(warm)).temperature == warm.temperature
    other = replace(load_teacher(), network=tiny(), outputs=("a", "b"))
    again = pickle.loads(pickle.dumps(other))
    assert again(FILM.image, FILM.anatomy) == other(FILM.image, FILM.anatomy)
    own = NetworkLocaliser("tiny", tiny())
    assert torch.equal(pickle.loads(pickle.dumps(own))(FILM.image, FILM.anatomy), own(FILM.image, FILM.anatomy))
