import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hub.server import TOKEN
from monai_cars.weights import fetch, load_record, record_of, records
from monai_cars.weights import publish as publishing
from monai_cars.weights.publish import PublishError, faults, model_card, publish, stage

BUNDLE = Path(__file__).resolve().parents[3] / "bundles" / "cars_chest_xray"


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A copy of the bundle with what should not be published beside it; the library finds it first."""
    copy = tmp_path / "bundles" / BUNDLE.name
    shutil.copytree(BUNDLE, copy)
    (copy / "models" / "scratch.ckpt").write_bytes(b"x")
    (copy / ".DS_Store").write_bytes(b"x")
    (copy / "configs" / ".secret.json").write_text("{}")
    monkeypatch.setattr(records, "PLACES", (copy.parent,))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return copy


def change(bundle, **entries):
    path = bundle / "configs" / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def test_the_shipped_bundle_is_fit():
    assert faults(BUNDLE) == []
    assert publish(BUNDLE, "me/cars", dry_run=True) == ""


def test_only_what_belongs_to_the_bundle_is_staged(bundle, tmp_path):
    staged = stage(bundle, tmp_path / "staged")
    names = {str(path.relative_to(staged)) for path in staged.rglob("*") if path.is_file()}
    assert {"LICENSE", "README.md", "configs/inference.json", "models/cars_anatomy.safetensors"} <= names
    assert not any("scratch" in name or "DS_Store" in name or "secret" in name for name in names)


def test_the_card_has_one_front_matter_with_licence_and_figures(bundle):
    readme = bundle / "docs" / "README.md"
    readme.write_text("---\nlicense: mit\n---\n\n" + readme.read_text())
    card = model_card(bundle)
    assert card.count("\nlicense: ") == 1
    assert "license: apache-2.0" in card
    assert load_record("cars_anatomy").sha256 in card
    assert "tags: [monai, medical, radiology, chest-x-ray, counterfactual]\n" in card
    assert "lung_dice_5_fold" in card


def test_everything_that_is_wrong_is_listed(bundle):
    change(bundle, version="9.9", eval_metrics={})
    weights = bundle / "models" / "cars_anatomy.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    (bundle / "models" / "model.pt").write_bytes(b"pickle")
    with pytest.raises(PublishError) as refusal:
        publish(bundle, "me/cars")
    for part in ("version '9.9' is not in the changelog", "eval_metrics", "must have the SHA-256", "weights_only=True"):
        assert part in str(refusal.value)
    (bundle / "LICENSE").unlink()
    assert faults(bundle) == ["LICENSE is missing"]


def test_what_is_published_comes_back_the_same_and_hub_is_one_override(hub, bundle):
    commit = publish(bundle, "me/cars")
    assert hub.repositories["me/cars"].private
    assert hub.repositories["me/cars"].tags == {
        json.loads((BUNDLE / "configs/metadata.json").read_text())["version"]: commit
    }
    record = record_of("hub")
    assert (record.repo_id, record.revision) == ("me/cars", commit)
    path = fetch(record)
    assert "snapshots" in path.parts
    assert hashlib.sha256(path.read_bytes()).hexdigest() == load_record("cars_anatomy").sha256
    # A shipped file that is gone is replaced from the Hub, too.
    (bundle / "models" / "cars_anatomy.safetensors").unlink()
    assert fetch(load_record("cars_anatomy")) == path


def test_a_version_is_published_once(hub, bundle):
    first = publish(bundle, "me/cars")
    with pytest.raises(PublishError, match="was published before, and a version is never changed: raise `version`"):
        publish(bundle, "me/cars")
    noted = json.loads((bundle / "configs" / "hub.json").read_text())
    assert noted["revision"] == first
    assert noted["tags"] == json.loads((BUNDLE / "configs" / "hub.json").read_text())["tags"]
    changelog = json.loads((bundle / "configs" / "metadata.json").read_text())["changelog"]
    change(bundle, version="0.1.1", changelog={**changelog, "0.1.1": "again"})
    assert publish(bundle, "me/cars") != first


def test_the_command_line(hub, bundle, capsys):
    publishing.main([str(bundle), "--repo_id", "me/cars", "--dry_run"])
    assert "nothing was pushed" in capsys.readouterr().out
    publishing.main([str(bundle), "--repo_id", "me/cars", "--public"])
    assert "published as me/cars at" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="was published before"):
        publishing.main([str(bundle), "--repo_id", "me/cars"])


@pytest.mark.slow
def test_monai_downloads_the_bundle_and_runs_it(hub, bundle, tmp_path):
    commit = publish(bundle, "me/cars", private=False)
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "OMP_NUM_THREADS": "1",
    }

    def monai(*arguments):
        subprocess.run(
            [sys.executable, "-m", "monai.bundle", *arguments],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
        )

    monai("download", "--name", "cars", "--source", "huggingface_hub", "--repo", "me/cars", "--bundle_dir", "got")
    [config] = (tmp_path / "got").rglob("inference.json")
    root = config.parents[1]
    edits = json.dumps([{"operation": "insert", "finding": "nodule", "severity": 0.5}])
    monai(
        "run", "--config_file", str(config), "--bundle_root", str(root), "--output_dir", "run", "--gate", "cheap",
        "--edits", edits, "--progress", "false", "--weights", f"me/cars/models/cars_anatomy.safetensors@{commit}",
    )  # fmt: skip
    assert (tmp_path / "run" / "report.html").is_file()
    assert (tmp_path / "home" / "hub" / "models--me--cars" / "snapshots" / commit).is_dir()
