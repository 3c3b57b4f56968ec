import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_cars.chest_xray.anatomy import STRUCTURES, heart, lung, structure
from monai_cars.chest_xray.anatomy.structures import structure_array


def test_each_name_gives_its_channel_as_a_plain_bool_mask():
    masks = MetaTensor(torch.stack([torch.full((4, 5), k) for k in (0, 1, 2)]))
    assert [bool(structure(masks, name).any()) for name in STRUCTURES] == [False, True, True]
    assert type(lung(masks, "left")) is torch.Tensor
    assert lung(masks, "left").dtype == heart(masks).dtype == torch.bool


def test_more_structures_than_named_are_welcome():
    assert heart(torch.ones(5, 3, 3)).all()


def test_unknown_names_sides_and_shapes_are_refused():
    with pytest.raises(ValueError, match=r"structure must be one of .* \(got 'liver'\)"):
        structure(torch.ones(3, 4, 4), "liver")
    with pytest.raises(ValueError, match=r"side must be 'right' or 'left', the patient's \(got 'both'\)"):
        lung(torch.ones(3, 4, 4), "both")
    with pytest.raises(ValueError, match="anatomy must be masks of shape"):
        lung(torch.ones(2, 4, 4), "left")


def test_an_array_is_the_mask():
    masks = MetaTensor(torch.stack([torch.full((4, 5), k) for k in (0, 1, 2)]))
    for name in STRUCTURES:
        assert np.array_equal(structure_array(masks, name), structure(masks, name).numpy())
    with pytest.raises(ValueError, match=r"structure must be one of .* \(got 'liver'\)"):
        structure_array(masks, "liver")
