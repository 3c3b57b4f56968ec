"""Render what each ready chain hands to training, for the gallery in transforms/README.md.

    python tests/render_gallery.py          # writes transforms/images/*.jpg, from the film that pydicom-data ships

Every picture shows the film as the chain for validation leaves it, then the first accepted counterfactual of each kind,
in the order of their seeds; what was edited is outlined in the lower row, boxes are drawn where the chain gives any.
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
from monai_cars.edits.record import mask_of
from monai_cars.features import load_vocabulary, present_findings

FOLDER = Path(__file__).resolve().parents[1] / "transforms" / "images"
FILM = "RG1_UNCR.dcm"
SHOWN, MOST_SEEDS = 4, 60
SIDE, STRIP = 280, 34
OUTLINE, BOX = (255, 80, 60), (80, 200, 255)
MASS = [1079, 1343, 1272, 1572]  # one of the film's own masses, in native pixels
BOXED, DETERMINISTIC = ("detection", "pseudo_normals"), ("pseudo_normals",)


def main() -> None:
    """Render the chains named on the command line, all without."""
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or chain_names():
        outputs = [(0, output_of(name, 0, part="validation")), *kinds(name)]
        picture = np.concatenate([panel(output) for _, output in outputs], axis=1)
        path = FOLDER / f"{name}.jpg"
        Image.fromarray(picture).save(path, quality=80, optimize=True)
        print(path, f"{path.stat().st_size / 1000:.0f} kB", "seeds", [seed for seed, _ in outputs[1:]])


def output_of(name: str, seed: int, part: str = "train") -> dict[str, Any]:
    """What the chain makes of the film."""
    # The film shows more masses than the one that is boxed: its label stays.
    deletion: dict[str, Any] = {"seed": seed, "complete": False}
    settings = deletion if name in DETERMINISTIC else {"prob": 1.0, "seed_key": "sample_seed"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI warns of a decoder that it did not find
        chain = load_chain(name, part, **settings)
        labels = [0.0] * 14
        labels[4] = 1.0  # the film shows masses
        film = {"image": get_testdata_file(FILM), "findings": labels, "sample_seed": seed}
        return chain({**film, "box": [MASS], "label": [1]} if name in BOXED else film)


def kinds(name: str) -> list[tuple[int, dict[str, Any]]]:
    """The first accepted counterfactual of each kind; of each quarter of the range where severity is the target."""
    found: dict[Any, tuple[int, dict[str, Any]]] = {}
    for seed in range(1 if name in DETERMINISTIC else MOST_SEEDS):
        output = output_of(name, seed)
        edit = json.loads(output["counterfactual"])["edits"][0]
        kind: Any = (edit["operation"], "" if edit["operation"] == "sham" else edit["finding"])
        if edit["accepted"] and "severity" in output:
            kind = int(4 * output["severity"].clamp(0, 0.99))
        if edit["accepted"] and kind not in found:
            found[kind] = (seed, output)
        if len(found) == SHOWN:
            break
    return [found[kind] for kind in sorted(found)] if name == "severity_regression" else list(found.values())


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
    marked = with_boxes(marked, output, film.shape)
    return np.concatenate([words(output), plain, marked])


def with_boxes(marked: np.ndarray, output: dict[str, Any], shape: tuple[int, int]) -> np.ndarray:
    """The picture with the boxes that the chain hands over."""
    picture = Image.fromarray(marked)
    for y0, x0, y1, x1 in output.get("box", torch.zeros(0, 4)).tolist():
        corners = [x0 * SIDE / shape[1], y0 * SIDE / shape[0], x1 * SIDE / shape[1], y1 * SIDE / shape[0]]
        ImageDraw.Draw(picture).rectangle(corners, outline=BOX, width=2)
    return np.asarray(picture)


def lesion_of(output: dict[str, Any], shape: tuple[int, int]) -> np.ndarray:
    """(H, W) bool: the mask that the chain hands over, else the one in the record."""
    if "lesion" in output:
        return output["lesion"][0].as_tensor().numpy() > 0
    lesion = np.zeros(shape, bool)
    for edit in edits_of(output):
        y0, x0, y1, x1 = edit["box"]
        lesion[y0:y1, x0:x1] = mask_of(edit["lesion_rle"], (y1 - y0, x1 - x0)).numpy()
    return lesion


def words(output: dict[str, Any]) -> np.ndarray:
    """(STRIP, SIDE, 3): what was done, and the labels where the chain has any."""
    strip = Image.new("RGB", (SIDE, STRIP), "white")
    edits = edits_of(output)
    lines = [told(edits[0]) if edits else "as it was"]
    if edits and "severity" in output:
        lines.append(f"target: {output['severity']:.2f}")
    if "label" in output:
        lines.append(f"boxes: {len(output['box'])}, classes {output['label'].tolist()}")
    if isinstance(output.get("findings"), torch.Tensor):
        names = present_findings(output["findings"], load_vocabulary("nih-14"))
        unknown = int(output["findings"].isnan().sum())
        lines.append(f"labels: {', '.join(names)}" + (f"; {unknown} unknown" if unknown else ""))
    ImageDraw.Draw(strip).multiline_text((4, 2), "\n".join(lines), fill="black", font=ImageFont.load_default(12))
    return np.asarray(strip)


def edits_of(output: dict[str, Any]) -> list[dict[str, Any]]:
    """The accepted edits of an output; none of a validation chain's."""
    edits = json.loads(output.get("counterfactual", '{"edits": []}'))["edits"]
    return [edit for edit in edits if edit["accepted"]]


def told(edit: dict[str, Any]) -> str:
    """An edit in a few words."""
    if edit["operation"] == "sham":
        return "sham: healthy lung redrawn"
    measured = edit["severity_measured"]
    value, unit = measured["value"], measured["unit"]
    amount = {"mm": f"{value:.0f} mm", "ratio": f"ratio {value:.2f}"}.get(unit, f"{100 * value:.0f} % of the lung")
    return f"{edit['operation']} {edit['finding']}, {amount}"


if __name__ == "__main__":
    main()
