"""The MONAI bundles that ship: where they lie, and a complete copy for MONAI's own tools.

``python -m monai_cars.bundles NAME`` prints where a bundle lies, ``--write FOLDER`` copies it there.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import shutil
from pathlib import Path

import torch
import yaml
from safetensors.torch import load_file

from monai_cars.files.atomic import write_atomically
from monai_cars.weights.records import PLACES, SHIPPED

MODEL = "models/model.pt"
"""Where MONAI's tools look for the network's state."""


LARGE = 1024 * 1024
"""Bytes from which the model zoo wants a file listed in `large_files.yml` instead of committed."""


def bundle_names() -> tuple[str, ...]:
    """Names of the bundles that ship.

    Example:
        >>> bundle_names()
        ('cars_chest_xray',)
    """
    return tuple(sorted({path.parents[1].name for place in PLACES for path in place.glob("*/configs/metadata.json")}))


def bundle_path(name: str) -> Path:
    """The folder of a bundle, in a checkout or in an installed package: ``--bundle_root`` of ``monai.bundle run``.

    Args:
        name: one of `bundle_names`.

    Raises:
        ValueError: no such bundle.

    Example:
        >>> (bundle_path("cars_chest_xray") / "configs" / "inference.json").is_file()
        True
    """
    for place in PLACES:
        if name in bundle_names() and (place / name / "configs" / "metadata.json").is_file():
            return place / name
    raise ValueError(f"no bundle is named {name!r}; there are {', '.join(bundle_names())}.")


def write_bundle(name: str, folder: str | Path, *, url: str | None = None) -> Path:
    """Copy a bundle with `models/model.pt`, which `monai.bundle ckpt_export`, `load` and the model zoo ask for.

    An installed package has the network once, as safetensors; the copy holds the same state twice.

    Args:
        name: one of `bundle_names`.
        folder: of the copies; the bundle becomes a folder of its name in it.
        url: where its large files are published, `url/models/...`; the copy then holds a `large_files.yml` of them with
            their hashes, as a pull request to the model zoo needs it, which leaves the files themselves out.

    Returns:
        The copy.

    Raises:
        ValueError: no such bundle.
        FileExistsError: the copy is there already.
    """
    source, target = bundle_path(name), Path(folder) / name
    if target.exists():
        raise FileExistsError(f"{str(target)!r} is there already; remove it, or choose another folder")
    shutil.copytree(source, target)
    first = json.loads((source / SHIPPED).read_text(encoding="utf-8"))["weights"][0]
    state = io.BytesIO()
    torch.save(load_file(source / first["file"]), state)
    write_atomically(target / MODEL, state.getvalue())
    if url is not None:
        listed = {"large_files": [_listed(path, target, url) for path in sorted(target.rglob("*")) if _is_large(path)]}
        write_atomically(target / "large_files.yml", yaml.safe_dump(listed, sort_keys=False).encode())
    return target


def _is_large(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > LARGE


def _listed(path: Path, bundle: Path, url: str) -> dict[str, str]:
    place = path.relative_to(bundle).as_posix()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"path": place, "url": f"{url.rstrip('/')}/{place}", "hash_val": digest, "hash_type": "sha256"}


def main(arguments: list[str] | None = None) -> None:
    """Print where a bundle lies, or copy it."""
    parser = argparse.ArgumentParser(prog="python -m monai_cars.bundles", description="Find or copy a bundle.")
    parser.add_argument("name", choices=bundle_names())
    parser.add_argument("--write", metavar="FOLDER", help="copy it there, with what MONAI's own tools need")
    parser.add_argument("--url", help="with --write: where its large files are published; writes large_files.yml")
    given = parser.parse_args(arguments)
    copied = given.write is not None
    print(write_bundle(given.name, given.write, url=given.url) if copied else bundle_path(given.name))


if __name__ == "__main__":
    main()
