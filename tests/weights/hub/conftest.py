import time

import pytest
from huggingface_hub import constants

from hub.server import Hub


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A loopback Hub with an empty cache beside it; nothing else is asked."""
    with Hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)  # what a resumed download can keep
        monkeypatch.setattr(time, "sleep", lambda seconds: None)  # between attempts
        yield server
