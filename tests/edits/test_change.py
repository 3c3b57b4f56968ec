"""What a measurement sees of an edit."""

import numpy as np
import pytest
import torch
from phantom import phantom
from phantom_film import drawn_film

from monai_cars.edits.change import Change

FILM = drawn_film(phantom(size=(128, 128)))


@pytest.mark.parametrize("operation", ["insert", "delete"])
def test_a_change_is_told_in_the_films_unit(operation):
    after = FILM.image + FILM.unit.value * torch.rand(FILM.image.shape)
    change = Change(FILM, after, operation, "nodule")
    without, with_finding = change.films
    sign = -1.0 if operation == "delete" else 1.0
    assert np.allclose(sign * change.gain, ((after - FILM.image)[0] / FILM.unit.value).numpy(), atol=1e-5)
    assert np.allclose(with_finding - without, change.gain, atol=1e-4)
    assert torch.equal(change.before, FILM.image[0])
    assert change.masks.dtype == bool
