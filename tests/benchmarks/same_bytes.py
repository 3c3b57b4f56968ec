"""Whether two versions of the library make the same bytes: the demo, every ready chain, and edits of real films.

    python tests/benchmarks/same_bytes.py --data ../shared/data --write runs/bytes-before.json
    python tests/benchmarks/same_bytes.py --compare runs/bytes-before.json runs/bytes-after.json

The first form is run once with each version (in a worktree of the older commit with a copy of this script).
What is compared: the hashes of image, lesion and support of each edit, of the files of the demo, and the record field
by field.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import warnings
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from outside_unchanged import edits as kinds
from outside_unchanged import films

ROOT = Path(__file__).resolve().parents[2]
LOCATED = ("enlarged heart", "enlarged cardiomediastinum", "support devices")  # deleted without a region


def digest(values: Any) -> str:
    """SHA-256 of a tensor's type, shape and bytes."""
    array = np.ascontiguousarray(torch.as_tensor(values).detach().cpu().numpy())
    return hashlib.sha256(f"{array.dtype}|{array.shape}|".encode() + array.tobytes()).hexdigest()[:16]


def entry(made: Any) -> dict[str, Any]:
    """What is compared of one counterfactual."""
    masks = {"image": digest(made.image), "lesion": digest(made.lesion), "support": digest(made.support)}
    return {**masks, "record": json.loads(json.dumps(made.record))}


def of_demo() -> dict[str, Any]:
    """Every file of a run of the bundle: its own bytes, of DICOM its pixels, of the manifest its lines."""
    import pydicom

    bundle = ROOT / "bundles" / "cars_chest_xray"
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(bundle / "configs/inference.json")]
        command += ["--bundle_root", str(bundle), "--output_dir", folder, "--progress", "False"]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
            name = f"demo/{path.relative_to(folder).as_posix()}"
            if path.suffix == ".dcm":
                found[name] = {"pixels": hashlib.sha256(pydicom.dcmread(path).PixelData).hexdigest()[:16]}
            elif path.suffix == ".png":
                found[name] = {"bytes": hashlib.sha256(path.read_bytes()).hexdigest()[:16]}
        for line in (Path(folder) / "manifest.jsonl").read_text().splitlines():
            row = json.loads(line)
            found[f"demo/line/{row['operation']} {row['finding']}"] = {"record": row}
    return found


def of_chains(data: Path) -> dict[str, Any]:
    """Every chain on four real films, each sample's tensors."""
    from monai_cars.chains import chain_names, load_chain

    names = [0.0] * 14
    found: dict[str, Any] = {}
    for name in chain_names():
        for number, path in enumerate(films(data, 4)[-4:]):
            settings = {} if name == "pseudo_normals" else {"prob": 1.0, "seed_key": "sample_seed"}
            sample = {"image": str(path), "findings": names, "sample_seed": number, "label": [], "box": []}
            if name == "pseudo_normals":
                sample |= {"box": [[150, 120, 220, 190]], "findings": [1.0] * 14}
            if name == "detection":
                sample["box"], sample["label"] = [[100, 60, 160, 140]], [1]
            chain = load_chain(name, **settings)
            chain.set_random_state(seed=number)  # of the augmentations that a chain ends with
            out = chain(sample)
            kept = {str(key): digest(value) for key, value in out.items() if isinstance(value, torch.Tensor)}
            if "counterfactual" in out:
                kept["record"] = json.loads(out["counterfactual"])
            found[f"chain/{name}/{number}"] = kept
    return found


def of_edits(data: Path, count: int) -> dict[str, Any]:
    """The edits of `outside_unchanged.py`, then every finding that there is on six films."""
    # By the names that were always documented: a copy of this script runs with earlier versions too.
    from monai_cars.anatomy import load_segmenter
    from monai_cars.counterfactual import make_counterfactual
    from monai_cars.edit import SEVERITY, Edit, Region
    from monai_cars.radiograph import read_radiograph

    segmenter = load_segmenter()
    found: dict[str, Any] = {}
    accepted = 0
    for seed, path in enumerate(cycle(films(data, count))):
        film = read_radiograph(path)
        anatomy = segmenter(film.image)
        asked = kinds(seed)
        if seed < 6:
            box = Region(
                box=tuple(share * film.image.shape[1 + k % 2] for k, share in enumerate((0.4, 0.2, 0.55, 0.35)))
            )
            asked += [Edit("insert", finding, severity=0.3, seed=seed) for finding in SEVERITY]
            asked += [
                Edit("delete", finding, seed=seed, region=None if finding in LOCATED else box) for finding in SEVERITY
            ]
        for number, edit in enumerate(asked):
            made = make_counterfactual(film.image, anatomy, edit, header=film.header)
            found[f"edit/{path.name}/{seed}/{number} {edit.operation} {edit.finding}"] = entry(made)
            accepted += made.accepted and number < 5
        if accepted >= count:
            return found
    return found


def compare(before: dict[str, Any], after: dict[str, Any]) -> int:
    """Print what differs; returns the number of entries whose pixels or masks differ."""
    print(f"{len(before)} entries before, {len(after)} after; missing {sorted(set(before) ^ set(after))}")
    pixels, fields = 0, {}
    for name in sorted(set(before) & set(after)):
        one, other = dict(before[name]), dict(after[name])
        old, new = one.pop("record", {}), other.pop("record", {})
        if one != other:
            pixels += 1
            print(f"differs: {name}: {[key for key in one if one[key] != other.get(key)]}")
        for key, values in differences(old, new):
            fields.setdefault(key, []).append((name, *values))
    for key, cases in sorted(fields.items()):
        print(f"record {key}: {len(cases)} differ, such as {cases[0]}")
    print(f"{pixels} entries differ in pixels or masks")
    return pixels


def differences(one: Any, other: Any, key: str = "") -> list[tuple[str, tuple[Any, Any]]]:
    """Paths at which two JSON values differ; positions in lists are not told apart."""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = [differences(one.get(name), other.get(name), f"{key}.{name}") for name in sorted({*one, *other})]
        return [pair for found in pairs for pair in found]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [pair for a, b in zip(one, other, strict=True) for pair in differences(a, b, f"{key}[]")]
    return [] if one == other else [(key, (one, other))]


def main() -> None:
    """Write the hashes of this version, or compare two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--edits", type=int, default=203, help="accepted edits to collect")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--compare", type=Path, nargs=2)
    args = parser.parse_args()
    if args.compare:
        before, after = (json.loads(path.read_text()) for path in args.compare)
        raise SystemExit(compare(before, after) > 0)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found = {**of_demo(), **of_chains(args.data), **of_edits(args.data, args.edits)}
    args.write.parent.mkdir(parents=True, exist_ok=True)
    args.write.write_text(json.dumps(found))
    print(f"{len(found)} entries written to {args.write}")


if __name__ == "__main__":
    main()
