"""Fixtures shared by the suite."""

from pathlib import Path

import pytest
import torch
from hypothesis import settings

# Time is for the benchmarks: by default, an example that takes more than 200 ms is a failure.
settings.register_profile("untimed", deadline=None, derandomize=True)
settings.load_profile("untimed")


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    # Recorded bytes are promised for one intra-op thread; it also keeps parallel workers from fighting over cores.
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real images that is not part of the project; tests that need it are skipped without it."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real images of ../shared/data are not here")
    return folder
