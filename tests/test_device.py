"""A device that is not there is told in one sentence, wherever it was asked for."""

import pytest
import torch
from phantom import phantom

from monai_cars.chest_xray.anatomy import load_segmenter
from monai_cars.editors.diffusion.pipelines import PipelineSource, load_pipeline
from monai_cars.networks.device import usable_device
from monai_cars.transforms import InsertFindingd, SegmentAnatomy, ValidityGate

FILM = phantom(seed=3)
NO_CUDA = r"device='cuda(:1)?' needs CUDA, which torch .* does not find here; use device='cpu'"


@pytest.fixture
def no_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize(
    "asked",
    [
        lambda folder: usable_device("cuda"),
        lambda folder: usable_device(torch.device("cuda:1")),
        lambda folder: load_segmenter(device="cuda"),
        lambda folder: SegmentAnatomy(axes="HW", device="cuda")(FILM.image),
        lambda folder: InsertFindingd("image", "nodule", gate="full", device="cuda")(
            {"image": FILM.image, "anatomy": FILM.anatomy}
        ),
        lambda folder: ValidityGate("full", device="cuda")(FILM.image, FILM.image, FILM.anatomy, FILM.image * 0, []),
        lambda folder: load_pipeline(PipelineSource(str(folder), "StableDiffusionPipeline", "cuda")),
    ],
    ids=["usable_device", "numbered", "load_segmenter", "segment", "insert", "gate", "pipeline"],
)
def test_cuda_where_there_is_none_is_told_in_one_sentence(no_cuda, tmp_path, asked):
    with pytest.raises(ValueError, match=NO_CUDA):
        asked(tmp_path)


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", None, [1]])
def test_what_is_no_device_is_named(name):
    with pytest.raises(ValueError, match="device must be the name of one, such as 'cpu' or 'cuda:0'"):
        usable_device(name)


def test_a_second_card_where_there_is_one_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert usable_device("cuda") == torch.device("cuda")
    with pytest.raises(ValueError, match=r"device='cuda:1' is not here: CUDA finds 1 device\(s\), counted from 0"):
        usable_device("cuda:1")


def test_another_kind_of_device_that_is_not_here_is_told():
    with pytest.raises(ValueError, match=r"device='vulkan' is not here: torch .* cannot use it; use device='cpu'"):
        usable_device("vulkan")
