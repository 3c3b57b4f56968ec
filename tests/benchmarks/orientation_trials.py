"""Where lesions land on real films in all eight orientations, by whatever says how they lie, in chain and run.

    python tests/benchmarks/orientation_trials.py --data ../shared/data

Every film is laid down, told by a source or by none (`tests/orientation_cases.py`), and asked for a nodule in one lung.
A film of which nothing is said and which is mirrored cannot be known but by its heart: such cases are counted apart.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

SEED = 20261128


def films(data: Path, count: int) -> list[Path]:
    """Frontal films in a seeded order."""
    from monai_cars.chest_xray.training.train_orientation import frontal_films

    files, _ = frontal_films(data)
    return pd.Series(files).sample(count, random_state=SEED).tolist()


def trials(files: Iterable[Path], each: int) -> Iterator[tuple[str, str, str]]:
    """(kind, what became of it, the record's laterality) of `each` cases a film, drawn from all by the seed."""
    from orientation_cases import SIDES, cases, try_case

    from monai_cars.chest_xray.anatomy import load_segmenter
    from monai_cars.chest_xray.training.anatomy_films import read_grey

    every, rng, segmenter = list(cases()), np.random.default_rng(SEED), load_segmenter()
    for file in files:
        film = read_grey(file)
        lungs = segmenter(torch.from_numpy(film)[None].float())[:2]
        for number in rng.choice(len(every), each, replace=False):
            case, side = every[number], SIDES[int(rng.integers(2))]
            outcome = try_case(case, film, lungs, side, segmenter)
            kind = "told, or lying as nobody need tell" if case.told else "nothing said of flips, mirrors or turns"
            if outcome.became == "wrong":
                print(f"{file.name}: {case.source}, {case.order}, {case.face}: {outcome.laterality}", file=sys.stderr)
            abstained = outcome.became == "refused" and outcome.laterality not in (None, "doubtful")
            yield kind, "abstained" if abstained else outcome.became, str(outcome.laterality)


def unturned(data: Path) -> Counter:
    """What the rules of orientation say of every real film as it is, with nothing said of it."""
    from monai_cars.chest_xray.modality import CHEST_XRAY
    from monai_cars.chest_xray.training.anatomy_films import read_grey
    from monai_cars.chest_xray.training.train_orientation import frontal_films
    from monai_cars.edits.claim import claim_of_file
    from monai_cars.files.header import RadiographError

    said: Counter = Counter()
    for file in frontal_films(data)[0]:
        image = torch.from_numpy(read_grey(file))[None].float()
        try:
            found = CHEST_XRAY.orient(image, claim_of_file("HW", "assumed"))
        except RadiographError as refusal:
            said["no frontal chest" if "look like a frontal" in str(refusal) else "unsure which way is down"] += 1
            continue
        turned = "read as turned" if found.order != "HW" else ""
        said[turned or ("edits of one side refused" if found.laterality == "doubtful" else "read as it lies")] += 1
    return said


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--films", type=int, default=40)
    parser.add_argument("--cases", type=int, default=10, help="drawn for each film")
    args = parser.parse_args()
    torch.set_num_threads(1)
    told = Counter(trials(films(args.data, args.films), args.cases))
    print(
        f"| {args.films} films, {args.cases} cases each | tried | in the asked lung | refused for its sides | "
        "gate not passed | in the other lung |"
    )
    print("|---|---|---|---|---|---|")
    for kind in sorted({kind for kind, _, _ in told}):
        became = Counter({b: sum(n for (k, o, _), n in told.items() if (k, o) == (kind, b)) for _, b, _ in told})
        counts = [became[name] for name in ("right", "refused", "abstained", "wrong")]
        print(f"| {kind} | {sum(counts)} | {' | '.join(str(count) for count in counts)} |")
    wrong = {laterality: n for (_, became, laterality), n in told.items() if became == "wrong"}
    print(f"\nlaterality in the records of those in the other lung: {wrong or 'none'}\n")
    said = unturned(args.data)
    print("| real films as they are | nothing said of them |\n|---|---|")
    for name, count in said.most_common():
        print(f"| {name} | {count} ({count / sum(said.values()):.2%}) |")


if __name__ == "__main__":
    main()
