"""Does the fixed descriptor put blurred and pasted regions farther from real opacities than real ones are?

    python tests/benchmarks/descriptor_hint.py [--data ../shared/data] [--films 20]

A hint on a handful of films, no measurement: boxed opacities of NIH films, one a film. Each is scored among those of
the other films; so is the same box blurred (sigma 3 mm), and with the next film's box pasted into it, hard.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from film_sets import anatomy_of, boxed_films, corners
from scipy import ndimage as ndi
from torch.nn import functional

from monai_cars.chest_xray.teacher.descriptor import FixedDescriptor, pixels_per_mm
from monai_cars.edits.edit import Box
from monai_cars.files.radiograph import read_radiograph
from monai_cars.gates.checks.realistic import p_value
from monai_cars.teachers.bank import Bank, embed_region

BLUR_MM = 3.0
NEIGHBOURS = 3


def blurred(image: torch.Tensor, box: Box, mm: float) -> torch.Tensor:
    """The film with its box low-passed, with a hard border."""
    changed = image.clone()
    changed[0][box.slices] = torch.from_numpy(ndi.gaussian_filter(image[0].numpy(), BLUR_MM * mm)[box.slices])
    return changed


def pasted(image: torch.Tensor, box: Box, patch: torch.Tensor) -> torch.Tensor:
    """The film with another's patch in its box, resized, with a hard border."""
    changed = image.clone()
    size = [box.y1 - box.y0, box.x1 - box.x0]
    changed[0][box.slices] = functional.interpolate(patch[None], size=size, mode="bilinear", antialias=True)[0, 0]
    return changed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--films", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    films = []
    for row in boxed_films(options.data, options.films).itertuples():
        path = options.data / row.folder / "images" / row.image
        image = read_radiograph(path).image
        films.append((image, anatomy_of(path, image), Box(*(int(edge) for edge in corners(row))), row.image[:8]))
    describe, kinds = FixedDescriptor(), {"real": [], "blurred": [], "hard paste": []}
    for number, (image, anatomy, box, _) in enumerate(films):
        other, _, place, _ = films[(number + 1) % len(films)]
        changed = (
            image,
            blurred(image, box, pixels_per_mm(anatomy)),
            pasted(image, box, other[(slice(None), *place.slices)]),
        )
        for kind, film in zip(kinds, changed, strict=True):
            kinds[kind].append(embed_region(describe, film, anatomy, box))
    patients = [patient for *_, patient in films]
    for kind, vectors in kinds.items():
        found = []
        for number, vector in enumerate(vectors):
            others = [i for i, patient in enumerate(patients) if patient != patients[number]]
            real = torch.stack([kinds["real"][i] for i in others])
            found.append(p_value(Bank(describe.name, real, tuple(patients[i] for i in others)), vector, NEIGHBOURS))
        p, ratio = np.array(found).T
        print(f"{kind}, {len(p)} regions: p median {np.median(p):.2f}, at most 0.10 in {np.mean(p <= 0.1):.0%}; "
              f"distance {np.median(ratio):.2f} of the real ones'")  # fmt: skip


if __name__ == "__main__":
    main()
