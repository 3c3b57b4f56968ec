import pytest
from tiny_diffusion import tiny_pipeline, tiny_radedit

from monai_cars.chest_xray.editors.diffusion.radedit import load_model
from monai_cars.editors.diffusion.pipelines import load_pipeline


@pytest.fixture(scope="module")
def inpainting(tmp_path_factory):
    """A folder with a tiny inpainting pipeline (nine channels)."""
    return tiny_pipeline(tmp_path_factory.mktemp("hub") / "inpainting", channels=9)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A folder with tiny plain Stable Diffusion (four channels)."""
    return tiny_pipeline(tmp_path_factory.mktemp("hub") / "plain", channels=4)


@pytest.fixture(scope="module")
def radedit(tmp_path_factory):
    """A folder with the parts of a tiny RadEdit."""
    return tiny_radedit(tmp_path_factory.mktemp("hub") / "radedit")


@pytest.fixture(autouse=True, scope="module")
def forget():
    """Drop what this process has loaded."""
    yield
    load_pipeline.cache_clear()
    load_model.cache_clear()
