"""A model with torchxrayvision's interface."""

import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_cars.chest_xray.teacher.xrv import xrv_input, xrv_teacher
from monai_cars.teachers import TeacherError

ANATOMY = torch.zeros(3, 4, 4)


class Xrv(torch.nn.Module):
    """The interface of a torchxrayvision classifier: `pathologies` with blanks, (N, 1, 224, 224) in [-1024, 1024].

    "Effusion" is the share of the film in the upper half of the range, "Mass" that of its left half.
    """

    def __init__(self, pathologies=("Effusion", "", "Mass"), outputs=3):
        super().__init__()
        self.pathologies, self.outputs = list(pathologies), outputs
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, films):
        assert films.shape[1:] == (1, 224, 224)
        assert films.abs().max() <= 1024
        bright = (self.dropout(films) > 0).float()
        shares = [bright.mean((1, 2, 3)), torch.full((len(films),), 99.0), bright[..., :112].mean((1, 2, 3))]
        return torch.stack(shares[: self.outputs], 1)


def halves(height=300, width=300) -> torch.Tensor:
    """(1, H, W): left half 50, right half 10."""
    film = torch.full((1, height, width), 10.0)
    film[..., : width // 2] = 50.0
    return film


def test_untrained_outputs_are_left_out_and_the_range_is_its():
    teacher = xrv_teacher(Xrv(), name="xrv", data=frozenset({"chexpert"}), auroc={"Mass": 0.8}, sha256="c" * 64)
    assert teacher.outputs == ("Effusion", "Mass")
    assert (teacher.name, teacher.data, teacher.auroc, teacher.sha256) == ("xrv", {"chexpert"}, {"Mass": 0.8}, "c" * 64)
    assert teacher(halves(), ANATOMY) == {"Effusion": 0.5, "Mass": 1.0}


def test_it_is_in_evaluation_mode_and_travels_to_workers():
    teacher = xrv_teacher(Xrv().train(), name="xrv", data=frozenset())
    assert not teacher.function.model.training
    assert pickle.loads(pickle.dumps(teacher))(halves(), ANATOMY) == {"Effusion": 0.5, "Mass": 1.0}


def test_it_runs_where_the_model_is_on_one_thread():
    seen = []

    class There(Xrv):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1, device="meta"))

        def forward(self, films):
            seen.append((films.device.type, torch.get_num_threads(), torch.is_inference_mode_enabled()))
            return torch.full((1, 3), 0.5)

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        xrv_teacher(There(), name="there", data=frozenset())(halves(), ANATOMY)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert seen == [("meta", 1, True)]


@settings(max_examples=6, deadline=None)
@given(st.sampled_from([2.0**-6, 1.0, 40.0]), st.sampled_from([-3.0, 0.0, 1000.0]))
def test_the_films_scale_does_not_matter(scale, shift):
    torch.testing.assert_close(xrv_input(scale * halves() + shift), xrv_input(halves()), rtol=0, atol=5)


@pytest.mark.parametrize(("height", "width"), [(300, 300), (400, 300), (300, 400), (224, 224), (100, 90)])
def test_the_middle_square_is_what_it_sees(height, width):
    film = torch.zeros(1, height, width)
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    film[:, top : top + side, left : left + side // 2] = 1.0
    prepared = xrv_input(film)
    assert prepared.shape == (1, 1, 224, 224)
    assert prepared[..., :100].min() == pytest.approx(1024, abs=0.01)
    assert prepared[..., 124:].max() == pytest.approx(-1024, abs=0.01)


def test_a_flat_film_is_the_middle_of_the_range():
    assert not xrv_input(torch.full((1, 50, 50), 7.0)).any()


def test_a_model_without_names_is_refused():
    with pytest.raises(TeacherError, match="the model of 'net' must have pathologies, the names of its outputs, got"):
        xrv_teacher(torch.nn.Flatten(), name="net", data=frozenset())


def test_answers_that_do_not_fit_the_names_are_refused():
    teacher = xrv_teacher(Xrv(outputs=2), name="xrv", data=frozenset())
    with pytest.raises(TeacherError, match="the model must answer each of its 3 pathologies, got 2 numbers"):
        teacher(halves(), ANATOMY)
