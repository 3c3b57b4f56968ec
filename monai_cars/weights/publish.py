"""Publish a bundle to the Hugging Face Hub: a clean copy, checked, with a model card, tagged with its version.

    python -m monai_cars.weights.publish bundles/cars_chest_xray --repo_id OWNER/NAME [--public] [--dry_run]

MONAI's own `push_to_hf_hub` uploads whatever lies in the folder and puts a second front matter into the card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch

from monai_cars.weights import RECORDS, WeightsError

KEPT = {"configs": (".json", ".conf"), "docs": (".md", ".txt", ".jpg", ".png"), "models": (".safetensors", ".pt")}
HUB_FILE = Path("configs/hub.json")
LICENCES = {"Apache-2.0": "apache-2.0", "CC-BY-4.0": "cc-by-4.0", "CC-BY-NC-SA-4.0": "cc-by-nc-sa-4.0"}


class PublishError(RuntimeError):
    """A bundle that is not fit to be published; the message lists everything that is wrong."""


def stage(bundle: Path, folder: Path) -> Path:
    """Copy what belongs to a bundle, and nothing else, to an empty folder, with its model card as README.md.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(bundle / "LICENSE", folder / "LICENSE")
    for part, endings in KEPT.items():
        (folder / part).mkdir()
        for path in sorted((bundle / part).glob("*")):
            if path.is_file() and path.suffix in endings and not path.name.startswith("."):
                shutil.copy2(path, folder / part / path.name)
    (folder / "README.md").write_text(model_card(bundle), encoding="utf-8")
    return folder


def model_card(bundle: Path) -> str:
    """The bundle's docs/README.md under one front matter, with its figures."""
    metadata = _metadata(bundle)
    text = (bundle / "docs" / "README.md").read_text(encoding="utf-8")
    if text.startswith("---\n"):
        text = text.split("---\n", 2)[2].lstrip()
    licence = next(record.licence for record in RECORDS.values() if record.bundle == bundle.name)
    front = [
        "---",
        f"license: {LICENCES.get(licence, 'other')}",
        "library_name: monai",
        "pipeline_tag: image-segmentation",
        f"tags: [{', '.join(('monai', 'medical', *_hub(bundle).get('tags', ()), 'counterfactual'))}]",
        "---",
        "",
    ]
    figures = "".join(f"| {name} | {value} |\n" for name, value in metadata.get("eval_metrics", {}).items())
    hashes = "".join(
        f"| `{record.file}` | {record.licence} | {record.trained_on} | `{record.sha256}` |\n"
        for record in _records(bundle)
    )
    return (
        "\n".join(front)
        + text.rstrip()
        + "\n\n## Figures\n\n| what | value |\n|---|---|\n"
        + figures
        + "\n## Files\n\n| file | licence | trained on | SHA-256 |\n|---|---|---|---|\n"
        + hashes
    )


def faults(bundle: Path) -> list[str]:
    """What keeps a bundle from being published; empty when nothing does."""
    wanted = ("LICENSE", "configs/metadata.json", "docs/README.md", "docs/data_license.txt", "models/model.pt")
    found = [f"{name} is missing" for name in wanted if not (bundle / name).is_file()]
    if found:
        return found
    metadata = _metadata(bundle)
    if metadata.get("version") not in metadata.get("changelog", {}):
        found.append(f"version {metadata.get('version')!r} is not in the changelog of configs/metadata.json")
    figures = metadata.get("eval_metrics") or {}
    if not figures or not all(isinstance(value, (int, float)) for value in figures.values()):
        found.append("eval_metrics of configs/metadata.json must hold the measured figures, each a number")
    if not _records(bundle):
        found.append(f"no weights record names the bundle {bundle.name!r}")
    for record in _records(bundle):
        path = bundle / record.file
        if not path.is_file():
            found.append(f"{record.file} is missing")
        elif (digest := hashlib.sha256(path.read_bytes()).hexdigest()) != record.sha256:
            found.append(f"{record.file} must have the SHA-256 {record.sha256} of its record (got {digest})")
        if not (record.licence and record.trained_on):
            found.append(f"the record of {record.name} must state its licence and what it was trained on")
    return found + _unreadable(bundle / "models" / "model.pt")


def _unreadable(path: Path) -> list[str]:
    try:
        torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:
        return [f"{path.name} must be a plain state dict that loads with weights_only=True ({type(error).__name__})"]
    return []


def publish(
    bundle: str | Path, repo_id: str, *, private: bool = True, token: str | None = None, dry_run: bool = False
) -> str:
    """Push a bundle, tag the commit with its version, and note both in configs/hub.json.

    Args:
        bundle: folder of the bundle.
        repo_id: "owner/name" on the Hub, made when it is new.
        private: of a new repository.
        token: with write access; None takes `HF_TOKEN` or the token of `hf auth login`.
        dry_run: check and stage, push nothing.

    Returns:
        The commit, empty for a dry run.

    Raises:
        PublishError: the bundle has faults, all of which are listed, or its version was published before.
    """
    bundle = Path(bundle).resolve()
    if found := faults(bundle):
        raise PublishError(f"{bundle.name} is not fit to be published: {'; '.join(found)}")
    version = str(_metadata(bundle)["version"])
    with tempfile.TemporaryDirectory() as scratch:
        staged = stage(bundle, Path(scratch) / bundle.name)
        if dry_run:
            return ""
        commit = _push(staged, repo_id, version, private, token)
    published = _hub(bundle) | {"repo_id": repo_id, "revision": commit}
    (bundle / HUB_FILE).write_text(json.dumps(published, indent=4) + "\n", "utf-8")
    return commit


def _push(staged: Path, repo_id: str, version: str, private: bool, token: str | None) -> str:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)
    api.create_repo(repo_id, private=private, exist_ok=True)
    if version in {tag.name for tag in api.list_repo_refs(repo_id).tags}:
        raise PublishError(
            f"version {version} of {repo_id} was published before, and a version is never changed: raise `version` in "
            "configs/metadata.json and say in its changelog what is new"
        )
    pushed = api.upload_folder(repo_id=repo_id, folder_path=staged, commit_message=f"Version {version}")
    api.create_tag(repo_id, tag=version, revision=pushed.oid)
    return str(pushed.oid)


def _metadata(bundle: Path) -> dict[str, Any]:
    return json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))


def _hub(bundle: Path) -> dict[str, Any]:
    """Where the bundle was published, and the tags of its card."""
    path = bundle / HUB_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _records(bundle: Path) -> list[Any]:
    return [record for record in RECORDS.values() if record.bundle == bundle.name]


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m monai_cars.weights.publish", description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--repo_id", required=True)
    parser.add_argument("--public", action="store_true", help="a new repository is private without this")
    parser.add_argument("--dry_run", action="store_true", help="check and stage, push nothing")
    args = parser.parse_args(arguments)
    try:
        commit = publish(args.bundle, args.repo_id, private=not args.public, dry_run=args.dry_run)
    except (PublishError, WeightsError, OSError, ValueError) as error:
        raise SystemExit(str(error).strip().split("\n")[0]) from error
    print(f"published as {args.repo_id} at {commit}" if commit else "fit to be published; nothing was pushed")


if __name__ == "__main__":
    main()
