"""What a gate costs, check by check: the cheap profile at 512 x 512, the full one at native size (1955 x 1841).

    OMP_NUM_THREADS=2 python tests/benchmarks/gate_cost.py [--findings nodule,effusion] [--repeats 5]

Medians in milliseconds of judging one proposal that the editor made. What checks share (the film segmented again, what
a network answered) is counted with the first check that asks; the measurement of severity is a row of its own. At the
end: the checks of the shipped network on 32 edits, one by one and by `judge_many`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import starmap
from unittest import mock

import torch
from finding_cost import _film

from monai_cars.chest_xray.anatomy import load_segmenter
from monai_cars.chest_xray.gate import default_gate, shipped_models
from monai_cars.edits.edit import Edit
from monai_cars.gates import Gate, judge_many
from monai_cars.loop import counterfactual as loop

FINDINGS = ("nodule", "mass", "consolidation", "opacities", "effusion", "pleural air", "enlarged heart")
TARGETS = {"cheap": 50, "full": 500}
MEASURE = "measurement of severity"


def judged(film, finding: str, profile: str, repeats: int) -> dict[str, float]:
    """Check -> median milliseconds; empty when the editor abstains."""
    image, header, anatomy, _ = film
    spent: dict[str, list[float]] = defaultdict(list)
    segmenter = load_segmenter() if profile == "full" else None
    gate = default_gate(finding, "insert", profile)
    gate = Gate([Clocked(check, spent) for check in gate.checks], gate.advisory)
    with mock.patch.object(loop, "measure", clocked(loop.measure, spent[MEASURE])):
        for _ in range(repeats + 1):
            edit = Edit("insert", finding, severity=0.5, seed=1)
            options = {"header": header, "gate": gate, "segmenter": segmenter, "max_attempts": 1}
            loop.make_counterfactual(image.float(), anatomy, edit, **options)
    # The first run loads weights and warms caches.
    return {name: 1e3 * statistics.median(seconds[1:]) for name, seconds in spent.items() if len(seconds) > 1}


def together(film, count: int = 32) -> str:
    """Milliseconds an edit of the checks that ask the shipped network, alone and in batches."""
    image, header, anatomy, _ = film
    kept: list = []

    class Keep(Gate):
        def __call__(self, before, after, context):
            kept.append((before, after, context))
            return super().__call__(before, after, context)

    gate = default_gate("opacities", "insert", "full")
    asking = Gate([c for c in gate.checks if c.name in ("target_moved", "off_target_stable", "condition_met")])
    for seed in range(count):
        edit = Edit("insert", "opacities", severity=0.5, seed=seed)
        loop.make_counterfactual(image.float(), anatomy, edit, header=header, gate=Keep([]), max_attempts=1)
    told = []
    for name, judge in (("one by one", partial(starmap, asking)), ("judge_many", partial(judge_many, asking))):
        edits = [(before, after, replace(context, _made={})) for before, after, context in kept]
        start = time.perf_counter()
        list(judge(edits))
        told.append(f"{name} {1e3 * (time.perf_counter() - start) / len(edits):.1f}")
    return ", ".join(told)


def clocked(call: Callable, times: list[float]) -> Callable:
    """The call with its seconds appended to a list."""

    def run(*args, **kwargs):
        start = time.perf_counter()
        try:
            return call(*args, **kwargs)
        finally:
            times.append(time.perf_counter() - start)

    return run


class Clocked:
    """A check with the clock around it."""

    def __init__(self, check, spent: dict[str, list[float]]) -> None:
        self.name = check.name
        self.call = clocked(check, spent[check.name])

    def __call__(self, before, after, context):
        return self.call(before, after, context)


def main() -> None:
    """Print one table a profile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", default=",".join(FINDINGS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    models = shipped_models()
    print(f"{args.threads} threads; shipped teacher: {models.teacher.name if models.teacher else 'none'}")
    for profile, size in (("cheap", (512, 512)), ("full", None)):
        film = _film(size)
        found = {name: judged(film, name, profile, args.repeats) for name in args.findings.split(",")}
        made = {name: costs for name, costs in found.items() if costs}
        print(f"\n{profile}, {tuple(film[0].shape[1:])}, milliseconds; target {TARGETS[profile]}\n")
        print("| check | " + " | ".join(made) + " |\n" + "|---" * (len(made) + 1) + "|")
        for check in dict.fromkeys(check for costs in made.values() for check in costs):
            cells = (f"{costs[check]:.1f}" if check in costs else "-" for costs in made.values())
            print(f"| {check} | " + " | ".join(cells) + " |")
        print("| **together** | " + " | ".join(f"**{sum(costs.values()):.0f}**" for costs in made.values()) + " |")
        print("".join(f"\n{name}: the editor abstains" for name in found if name not in made))
    print(f"checks of the network, milliseconds an edit at 512 x 512: {together(_film((512, 512)))}")


if __name__ == "__main__":
    main()
