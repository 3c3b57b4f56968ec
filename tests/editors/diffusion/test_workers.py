import hashlib

import pytest
import torch
from phantom import phantom
from torch.utils.data import DataLoader, Dataset

from monai_cars.chest_xray.editors.diffusion.stable_diffusion import StableDiffusionEditor
from monai_cars.gates import Gate, OutsideUnchanged
from monai_cars.transforms import InsertFindingd, SegmentAnatomyd


class Films(Dataset):
    """Two phantoms through a segmentation and a diffusion edit; what workers of every kind receive by pickling."""

    def __init__(self, weights: str) -> None:
        self.segment = SegmentAnatomyd("image", axes="HW")
        editor = StableDiffusionEditor(weights, steps=2)
        self.edit = InsertFindingd(
            "image", "nodule", side="left", severity=0.8, editor=editor, gate=Gate([OutsideUnchanged()])
        )

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> str:
        torch.set_num_threads(1)
        sample = self.edit(self.segment({"image": phantom(size=(192, 192), seed=index).image}))
        return hashlib.sha256(sample["image"].numpy().tobytes()).hexdigest()


@pytest.mark.slow
def test_every_kind_of_worker_gives_the_same_bytes(plain):
    films = Films(str(plain))
    here = [films[index] for index in range(2)]
    assert len(set(here)) == 2
    for method in ("fork", "forkserver", "spawn"):
        loader = DataLoader(films, batch_size=None, num_workers=1, multiprocessing_context=method)
        assert list(loader) == here, method
