import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_diffusion import tiny_pipeline

from monai_cars.chest_xray.editors.choose import make_editor
from monai_cars.editors.diffusion.pipelines import PipelineError

TESTS = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, sys
from phantom import phantom
from monai_cars.loop.counterfactual import make_counterfactual
from monai_cars.edits.edit import Edit
from monai_cars.chest_xray.editors.diffusion.stable_diffusion import StableDiffusionEditor
from monai_cars.gates import Gate, OutsideUnchanged

film = phantom(size=(192, 192))
editor = StableDiffusionEditor(sys.argv[1], steps=2)
edit = Edit("insert", "nodule", side="left", severity=0.9)
made = make_counterfactual(film.image, film.anatomy, edit, editor=editor, gate=Gate([OutsideUnchanged()]))
print(json.dumps({"accepted": made.accepted, "weights": made.record["weights"], "editor": made.record["editor"]}))
"""


def run(hub, home, weights):
    environment = {
        **os.environ, "HF_ENDPOINT": hub.endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1",
        "PYTHONPATH": str(TESTS), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, weights], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_pipeline_comes_from_the_hub_by_its_commit_and_then_from_the_cache(hub, tmp_path):
    folder = tiny_pipeline(tmp_path / "tiny")
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    weights = f"me/tiny@{hub.repository('me/tiny').commit(files)}"
    for _ in range(2):
        done = run(hub, tmp_path / "home", weights)
        assert done.returncode == 0, done.stderr[-2000:]
        assert json.loads(done.stdout.splitlines()[-1]) == {
            "accepted": True,
            "weights": weights,
            "editor": "stable_diffusion",
        }
    large = [n for request, n in hub.requests.items() if request.startswith("GET /storage")]
    assert large
    assert set(large) == {1}


@pytest.mark.slow
def test_a_gated_pipeline_says_what_to_do(hub, tmp_path):
    commit = hub.repository("me/secret", gated=True).commit({"model_index.json": b"{}"})
    done = run(hub, tmp_path / "home", f"me/secret@{commit}")
    assert done.returncode != 0
    assert "could not be loaded as StableDiffusionInpaintPipeline" in done.stderr
    assert "HF_TOKEN" in done.stderr


def test_a_branch_is_no_commit():
    with pytest.raises(PipelineError, match=r"got 'me/tiny@main'\); branches can be moved"):
        make_editor("stable_diffusion", "me/tiny@main")
