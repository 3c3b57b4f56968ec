"""A phantom film as the samples that chains hand over."""

import pytest
import torch
from monai.data import MetaTensor
from phantom import phantom

from monai_cars.files.radiograph import META_KEY, Header

FILM = phantom(seed=3)


@pytest.fixture
def film():
    return FILM


@pytest.fixture
def sample():
    """As `LoadRadiographd` and `SegmentAnatomyd` leave it."""
    spacing = FILM.spacing
    header = Header("film.dcm", "ab" * 32, "dicom", bits=12, integer=True, low=0, high=4095, spacing=spacing)
    affine = torch.diag(torch.tensor([*spacing, 1.0, 1.0], dtype=torch.float64))
    meta = {META_KEY: header.to_json(), "original_affine": affine.numpy()}
    return {
        "image": MetaTensor(FILM.image.clone(), affine=affine, meta=meta),
        "anatomy": MetaTensor(FILM.anatomy.clone(), affine=affine),
    }
