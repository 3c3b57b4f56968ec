"""What random counterfactuals cost a training loop, printed.

    python tests/benchmarks/online_cost.py                   # the closed-form film
    python tests/benchmarks/online_cost.py --films FOLDER    # real films, segmented once as a cache would

Times are processor seconds of one core at 512 x 512, so that a busy machine tells the same as an idle one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch
from monai.transforms import Resize

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from phantom import phantom

from monai_cars.edit import SEVERITY
from monai_cars.gates import Gate
from monai_cars.transforms import InsertFindingd, LoadRadiograph, RandCounterfactuald, SegmentAnatomyd, ShamEditd

SIZE = (512, 512)
GPU_FILMS_PER_SECOND = 300  # a data-centre GPU that trains DenseNet121 at 512 x 512
EDIT_TARGET_MS, AVERAGE_TARGET_MS = 60, 40


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=Path, help="folder of films; default: the closed-form film")
    parser.add_argument("--number", type=int, default=12, help="films to use")
    parser.add_argument("--draws", type=int, default=100, help="samples that RandCounterfactuald gets")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    samples = real(arguments.films, arguments.number) if arguments.films else made(arguments.number)
    print(f"{len(samples)} films at {SIZE[0]} x {SIZE[1]}, anatomy given; milliseconds of one core, median")
    for finding in SEVERITY:
        insertions = [InsertFindingd("image", finding, severity=0.3, seed=1, **o) for o in ({"gate": Gate([])}, {})]
        report(f"insert {finding}", *insertions, samples)
    report("sham", *(ShamEditd("image", "nodule", seed=1, **o) for o in ({"gate": Gate([])}, {})), samples)
    average(samples, arguments.draws)


def report(name: str, bare: object, gated: object, samples: list[dict]) -> None:
    """One line: an edit without a gate, and what the gate adds (retries of refused attempts included)."""
    edit, whole = (statistics.median(spent(transform, sample) for sample in samples) for transform in (bare, gated))
    records = [json.loads(gated(sample)["counterfactual"])["edits"][0] for sample in samples]
    accepted = sum(record["accepted"] for record in records)
    attempts = statistics.mean(record["attempts"] for record in records)
    print(
        f"  {name:22s} edit {edit:6.1f} (target {EDIT_TARGET_MS})   with cheap gate and retries {whole:6.1f}   "
        f"accepted {accepted}/{len(samples)} in {attempts:.1f} attempts"
    )


def average(samples: list[dict], draws: int) -> None:
    """What the average film of a training loop pays, and how many cores that takes."""
    transform = RandCounterfactuald("image", prob=0.5, seed_key="seed")
    costs = [spent(transform, {**samples[i % len(samples)], "seed": i}) for i in range(draws)]
    mean = statistics.mean(costs)
    print(
        f"RandCounterfactuald(prob=0.5), cheap gate, anatomy cached: {mean:.1f} ms a film (target {AVERAGE_TARGET_MS})"
    )
    cores = GPU_FILMS_PER_SECOND * mean / 1000
    print(f"a GPU that trains DenseNet121 at {GPU_FILMS_PER_SECOND} films a second is fed by {cores:.1f} such cores")


def spent(transform: object, sample: dict) -> float:
    """Milliseconds of processor time of one call."""
    start = time.process_time()
    transform(sample)
    return 1000 * (time.process_time() - start)


def made(number: int) -> list[dict]:
    """Closed-form films."""
    films = (phantom(size=SIZE, seed=seed) for seed in range(number))
    return [{"image": film.image, "anatomy": film.anatomy} for film in films]


def real(folder: Path, number: int) -> list[dict]:
    """Real films, resized and segmented."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".png", ".jpg", ".dcm"))[:number]
    segment = SegmentAnatomyd("image", axes="HW")
    return [segment({"image": Resize(SIZE, mode="area")(LoadRadiograph()(path))}) for path in paths]


if __name__ == "__main__":
    main()
