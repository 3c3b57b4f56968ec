"""What random counterfactuals cost a training loop, printed.

    python tests/benchmarks/online_cost.py                   # the closed-form film
    python tests/benchmarks/online_cost.py --films FOLDER    # real films, segmented once as a cache would
    python tests/benchmarks/online_cost.py --findings "nodule,edema,sham"

Times are processor seconds of one core at 512 x 512, so that a busy machine tells nearly the same as an idle one (its
caches are shared). What depends on the film only (its devices, its contrast unit) is found at the first edit of a film
in a process and remembered: the first line says what that costs, all others are of films that were seen before, as from
the second epoch on with ``persistent_workers=True``.
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

from monai_cars.edits.edit import SEVERITY
from monai_cars.edits.film_memory import MEMORY
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
    parser.add_argument("--findings", default="all", help="comma-separated findings, and sham; default: all")
    parser.add_argument("--draws", type=int, default=100, help="samples that RandCounterfactuald gets")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    samples = real(arguments.films, arguments.number) if arguments.films else made(arguments.number)
    print(f"{len(samples)} films at {SIZE[0]} x {SIZE[1]}, anatomy given; milliseconds of one core, median", flush=True)
    first_use(samples)
    for finding in [*SEVERITY, "sham"] if arguments.findings == "all" else arguments.findings.split(","):
        report(finding, *(edit_of(finding, **options) for options in ({"gate": Gate([])}, {})), samples)
    average(samples, arguments.draws)


def edit_of(finding: str, **options: object) -> object:
    """The transform that inserts a finding, or the sham."""
    if finding == "sham":
        return ShamEditd("image", "nodule", seed=1, **options)
    return InsertFindingd("image", finding, severity=0.3, seed=1, **options)


def first_use(samples: list[dict]) -> None:
    """What the first edit of a film in a process costs more than a later one."""
    edit = edit_of("nodule", gate=Gate([]))
    edit(samples[0])  # imports and tables, which no film pays for
    more = []
    for sample in samples:
        MEMORY.forget()
        more.append(spent(edit, sample)[0] - spent(edit, sample)[0])
    print(f"  first edit of a film: {statistics.median(more):.1f} more, at most {max(more):.1f}", flush=True)
    for sample in samples:
        edit(sample)


def report(name: str, bare: object, gated: object, samples: list[dict]) -> None:
    """One line: an edit without a gate, and what the gate adds (retries of refused attempts included)."""
    edit = statistics.median(spent(bare, sample)[0] for sample in samples)
    times, made = zip(*(spent(gated, sample) for sample in samples), strict=True)
    whole, records = statistics.median(times), [json.loads(sample["counterfactual"])["edits"][0] for sample in made]
    accepted = sum(record["accepted"] for record in records)
    attempts = statistics.mean(record["attempts"] for record in records)
    print(
        f"  {name:26s} edit {edit:6.1f} (target {EDIT_TARGET_MS})   with cheap gate and retries {whole:6.1f}   "
        f"accepted {accepted}/{len(samples)} in {attempts:.1f} attempts",
        flush=True,
    )


def average(samples: list[dict], draws: int) -> None:
    """What the average film of a training loop pays, and how many cores that takes."""
    transform = RandCounterfactuald("image", prob=0.5, seed_key="seed")
    costs = [spent(transform, {**samples[i % len(samples)], "seed": i})[0] for i in range(draws)]
    mean = statistics.mean(costs)
    print(
        f"RandCounterfactuald(prob=0.5), cheap gate, anatomy cached: {mean:.1f} ms a film (target {AVERAGE_TARGET_MS})"
    )
    cores = GPU_FILMS_PER_SECOND * mean / 1000
    print(f"a GPU that trains DenseNet121 at {GPU_FILMS_PER_SECOND} films a second is fed by {cores:.1f} such cores")


def spent(transform: object, sample: dict) -> tuple[float, dict]:
    """Milliseconds of processor time of one call, and what it gave."""
    start = time.process_time()
    made = transform(sample)
    return 1000 * (time.process_time() - start), made


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
