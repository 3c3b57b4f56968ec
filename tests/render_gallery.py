"""Render what each ready chain hands to training, for the gallery in transforms/README.md.

    python tests/render_gallery.py          # writes transforms/images/*.jpg, from the film that pydicom-data ships

Every picture shows the film as the chain leaves it when nothing is drawn, then the first accepted counterfactual of
each kind, in the order of their seeds; what was inserted is outlined in the lower row.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from pydicom.data import get_testdata_file
from scipy import ndimage

from monai_cars.chains import chain_names, load_chain
from monai_cars.features import load_vocabulary, present_findings
from monai_cars.record import mask_of

FOLDER = Path(__file__).resolve().parents[1] / "transforms" / "images"
FILM = "RG1_UNCR.dcm"
SHOWN, MOST_SEEDS = 4, 60
SIDE, STRIP = 280, 34
OUTLINE = (255, 80, 60)


def main() -> None:
    """Render the chains named on the command line, all without."""
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or chain_names():
        outputs = [(seed, output_of(name, 0.0, seed)) for seed in (0,)] + kinds(name)
        picture = np.concatenate([panel(output) for _, output in outputs], axis=1)
        path = FOLDER / f"{name}.jpg"
        Image.fromarray(picture).save(path, quality=80, optimize=True)
        print(path, f"{path.stat().st_size / 1000:.0f} kB", "seeds", [seed for seed, _ in outputs[1:]])


def output_of(name: str, prob: float, seed: int) -> dict[str, Any]:
    """What the chain makes of the film."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI warns of a decoder that it did not find
        chain = load_chain(name, prob=prob, seed_key="sample_seed")
        labels = [0.0] * 14
        labels[4] = 1.0  # the film shows masses
        return chain({"image": get_testdata_file(FILM), "findings": labels, "sample_seed": seed})


def kinds(name: str) -> list[tuple[int, dict[str, Any]]]:
    """The first accepted counterfactual of each kind."""
    found: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
    for seed in range(MOST_SEEDS):
        output = output_of(name, 1.0, seed)
        (edit,) = json.loads(output["counterfactual"])["edits"]
        kind = (edit["operation"], "" if edit["operation"] == "sham" else edit["finding"])
        if edit["accepted"] and kind not in found:
            found[kind] = (seed, output)
        if len(found) == SHOWN:
            break
    return list(found.values())


def panel(output: dict[str, Any]) -> np.ndarray:
    """(h, SIDE, 3): a strip of words, the film, the film with what was inserted outlined."""
    film = output["image"][0].as_tensor().float().numpy()
    low, high = np.percentile(film, [0.5, 99.5])
    grey = (np.clip((film - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    plain = np.asarray(Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    plain = np.repeat(plain[..., None], 3, 2)
    marked, lesion = plain.copy(), lesion_of(output, film.shape)
    small = np.asarray(Image.fromarray(lesion).resize((SIDE, SIDE))) > 0
    marked[ndimage.binary_dilation(small, iterations=2) & ~small] = OUTLINE
    return np.concatenate([words(output), plain, marked])


def lesion_of(output: dict[str, Any], shape: tuple[int, int]) -> np.ndarray:
    """(H, W) bool: the mask that the chain hands over, else the one in the record."""
    if "lesion" in output:
        return output["lesion"][0].as_tensor().numpy() > 0
    lesion = np.zeros(shape, bool)
    for edit in json.loads(output["counterfactual"])["edits"]:
        y0, x0, y1, x1 = edit["box"]
        lesion[y0:y1, x0:x1] = mask_of(edit["lesion_rle"], (y1 - y0, x1 - x0)).numpy()
    return lesion


def words(output: dict[str, Any]) -> np.ndarray:
    """(STRIP, SIDE, 3): what was done, and the labels where the chain has any."""
    strip = Image.new("RGB", (SIDE, STRIP), "white")
    edits = json.loads(output["counterfactual"])["edits"]
    lines = [told(edits[0]) if edits else "as it was"]
    if isinstance(output.get("findings"), torch.Tensor):
        names = present_findings(output["findings"], load_vocabulary("nih-14"))
        unknown = int(output["findings"].isnan().sum())
        lines.append(f"labels: {', '.join(names)}" + (f"; {unknown} unknown" if unknown else ""))
    ImageDraw.Draw(strip).multiline_text((4, 2), "\n".join(lines), fill="black", font=ImageFont.load_default(12))
    return np.asarray(strip)


def told(edit: dict[str, Any]) -> str:
    """An edit in a few words."""
    if edit["operation"] == "sham":
        return "sham: healthy lung redrawn"
    measured = edit["severity_measured"]
    amount = (
        f"{measured['value']:.0f} mm" if measured["unit"] == "mm" else f"{100 * measured['value']:.0f} % of the lung"
    )
    return f"{edit['operation']} {edit['finding']}, {amount}"


if __name__ == "__main__":
    main()
