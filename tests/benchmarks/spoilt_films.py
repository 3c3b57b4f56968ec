"""Are spoilt chest films refused, and films as people have them not?

    python tests/benchmarks/spoilt_films.py --data ../shared/data
    python tests/benchmarks/spoilt_films.py --data ../shared/data --folds runs/orientation/fold_{fold}.safetensors

Real films are turned, cut, shuffled, blurred and put beside each other at their own size, by other code than the
training's. The second form judges every film by the network whose training left its patient out.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from scipy import ndimage

from monai_cars.chest_xray.anatomy.orientation_network import NOT_FRONTAL, class_log_probabilities, orientation_network
from monai_cars.chest_xray.anatomy.segmenter import load_segmenter
from monai_cars.chest_xray.orientation import FRONTAL_LOG_ODDS, ORIENTATION_WEIGHTS
from monai_cars.chest_xray.screening import implausible
from monai_cars.chest_xray.sharpness import LEAST_DETAIL, fine_detail
from monai_cars.chest_xray.training.anatomy_films import read_grey
from monai_cars.chest_xray.training.train_orientation import FOLDS, fold_of, frontal_films
from monai_cars.weights import load_state

Draw = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray | None]
LOST, KEPT = 0.6, 0.9  # of a lung's area: what a spoilt crop has at most of one, and a mild one at least of both


def turned(film: np.ndarray, masks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By 30 to 135 degrees either way, at least 27 from any right angle: those are other orders of the array."""
    while True:
        angle = rng.uniform(30, 135)
        if abs((angle + 45) % 90 - 45) >= 27:
            break
    angle *= rng.choice((-1, 1))
    mode = rng.choice(("constant", "nearest"))
    return ndimage.rotate(film, angle, reshape=bool(rng.integers(2)), order=1, mode=str(mode))


def tilted(film: np.ndarray, masks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By up to 15 degrees."""
    return ndimage.rotate(film, rng.uniform(-15, 15), reshape=False, order=1, mode="constant")


def _window(film: np.ndarray, masks: np.ndarray, rng: np.random.Generator, good: Callable[[float], bool]):
    height, width = film.shape
    area = masks[:2].sum((1, 2)).clip(1)
    for _ in range(200):
        high, wide = (int(rng.uniform(0.35, 0.98) * side) for side in (height, width))
        top, left = int(rng.integers(height - high + 1)), int(rng.integers(width - wide + 1))
        inside = masks[:2, top : top + high, left : left + wide].sum((1, 2)) / area
        if min(high, wide) >= 128 and good(float(inside.min())):
            return film[top : top + high, left : left + wide]
    return None


def cut(film: np.ndarray, masks: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """A window that has lost a good part of a lung."""
    return _window(film, masks, rng, lambda share: share <= LOST)


def tight(film: np.ndarray, masks: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """A window that keeps nearly all of both lungs."""
    return _window(film, masks, rng, lambda share: share >= KEPT)


def shuffled(film: np.ndarray, masks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Tiles of a grid of 2 x 2 to 6 x 6, none of them in its place."""
    n = int(rng.integers(2, 7))
    high, wide = film.shape[0] // n, film.shape[1] // n
    order = np.roll(rng.permutation(n * n), 1)
    while (order == np.arange(n * n)).any():
        order = rng.permutation(n * n)
    out = np.zeros((n * high, n * wide), film.dtype)
    for place, tile in enumerate(order):
        (y, x), (v, u) = divmod(place, n), divmod(int(tile), n)
        out[y * high : (y + 1) * high, x * wide : (x + 1) * wide] = film[v * high : (v + 1) * high, u * wide :][
            :, :wide
        ]
    return out


def blurred(film: np.ndarray, masks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A Gaussian of 40 pixels a side of 1,024 or twice that."""
    width = rng.choice((40, 80)) * min(film.shape) / 1024
    return ndimage.gaussian_filter(film.astype(np.float32), width)


def doubled(film: np.ndarray, masks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The film beside a copy of itself, which a reader makes of a study's page."""
    other = film if rng.integers(2) else ndimage.gaussian_filter(film, 1)
    return np.concatenate([film, other], int(rng.random() < 0.7))


SPOILT: dict[str, Draw] = {"turned": turned, "cut": cut, "shuffled": shuffled, "blurred": blurred, "doubled": doubled}
FINE: dict[str, Draw] = {"as they are": lambda film, masks, rng: film, "tilted": tilted, "tight": tight}


def networks(pattern: str | None) -> dict[int, torch.nn.Module]:
    """The network that judges each fold."""
    found = {}
    for fold in range(FOLDS):
        state = load_file(pattern.format(fold=fold)) if pattern else load_state(ORIENTATION_WEIGHTS)
        found[fold] = orientation_network().eval()
        found[fold].load_state_dict({name: value.float() for name, value in state.items()})
    return found


def as_image(film: np.ndarray) -> torch.Tensor:
    """The film `(1, H, W)`."""
    return torch.from_numpy(np.ascontiguousarray(film))[None].float()


def odds(network: torch.nn.Module, film: np.ndarray) -> float:
    """Log-odds of a frontal chest film."""
    logs = class_log_probabilities(network, as_image(film))
    return float(logs[:NOT_FRONTAL].logsumexp(0) - logs[NOT_FRONTAL])


def sound(image: torch.Tensor, segment: Callable[[torch.Tensor], torch.Tensor]) -> bool:
    """Whether a film has detail, and masks of a whole chest."""
    return not fine_detail(image) < LEAST_DETAIL and implausible(segment(image)) is None


def drawn(args: argparse.Namespace) -> Iterator[tuple[str, float, bool]]:
    """Kind and log-odds of every picture, and whether detail and masks are those of a whole chest."""
    files, who = frontal_films(args.data)
    judges, segment = networks(args.folds), load_segmenter()
    chosen = np.random.default_rng(args.seed).permutation(len(files))[: args.films or len(files)]
    for number in sorted(chosen.tolist()):
        rng = np.random.default_rng((args.seed, number))
        film = read_grey(files[number])
        masks = segment(as_image(film)).numpy()
        for kind, draw in (FINE | SPOILT).items():
            picture = draw(film, masks, rng)
            if picture is not None:
                score = odds(judges[fold_of(who[number])], picture)
                whole = score < args.least or sound(as_image(picture), segment)
                yield kind, score, whole


def main() -> None:
    """Print, for each kind, how many pictures were taken for a frontal film."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--folds", help="weights of each fold, with {fold} in the name")
    parser.add_argument("--films", type=int, default=0, help="0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--least", type=float, default=FRONTAL_LOG_ODDS, help="log-odds that are needed")
    parser.add_argument("--scores", type=Path, help="where to write every score")
    args = parser.parse_args()
    scores, taken = defaultdict(list), defaultdict(int)
    for kind, score, whole in drawn(args):
        scores[kind].append(score)
        taken[kind] += score >= args.least and whole
    if args.scores:
        np.savez(args.scores, **{kind.replace(" ", "_"): np.array(each) for kind, each in scores.items()})
    print("| kind | pictures | refused by the network | refused by their form | taken |\n|---|---|---|---|---|")
    for kind, each in scores.items():
        below = sum(score < args.least for score in each)
        print(f"| {kind} | {len(each)} | {below} | {len(each) - below - taken[kind]} | {taken[kind]} |")
    spoilt = sum(len(scores[kind]) for kind in SPOILT)
    print(f"taken of {spoilt} spoilt pictures: {sum(taken[kind] for kind in SPOILT)}")


if __name__ == "__main__":
    main()
