"""Pixels that diffusion editors change outside the support, beside diffusers' pipeline used directly.

    python tests/benchmarks/diffusion_outside.py [--edits 50] [--weights owner/repo@commit]

Without ``--weights`` the pipelines are tiny and randomly initialised, of the same classes: what is counted does not
depend on what a model has learned. Films are the closed-form phantom of the tests, 16 seeds, 512 x 512, 12 bits.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> None:
    """Print one row an editor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=50)
    parser.add_argument("--weights", default=None)
    args = parser.parse_args()
    torch.set_num_threads(1)
    from tiny_diffusion import tiny_pipeline, tiny_radedit

    from monai_cars.chest_xray.editors.diffusion.radedit import RadEditEditor
    from monai_cars.chest_xray.editors.diffusion.stable_diffusion import StableDiffusionEditor

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        inpainting = args.weights or str(tiny_pipeline(folder / "nine", channels=9))
        plain = args.weights or str(tiny_pipeline(folder / "four", channels=4))
        editors = {
            "inpainting pipeline": StableDiffusionEditor(inpainting, steps=3),
            "plain Stable Diffusion, masked denoising": StableDiffusionEditor(plain, steps=3, strength=0.8),
            "RadEdit": RadEditEditor(str(tiny_radedit(folder / "radedit")), steps=4),
        }
        print("| editor | edits | pixels changed outside the support | median changed inside |\n|---|---|---|---|")
        for name, editor in editors.items():
            print(f"| {name} | {' | '.join(map(str, _ours(editor, args.edits)))} |", flush=True)
        print(f"| diffusers' pipeline used directly | {' | '.join(map(str, _direct(editors, args.edits)))} |")


def _films(count: int):
    from phantom import phantom

    from monai_cars.edits.edit import Edit

    films = [phantom(size=(512, 512), seed=seed) for seed in range(16)]
    for k in range(count):
        yield films[k % 16], Edit("insert", ("nodule", "effusion", "consolidation")[k % 3], severity=0.5, seed=k)


def _ours(editor, count: int) -> tuple[int, int, float]:
    from monai_cars.gates import Gate, OutsideUnchanged
    from monai_cars.loop.counterfactual import make_counterfactual

    outside, inside, made = 0, [], 0
    for film, edit in _films(count):
        result = make_counterfactual(
            film.image,
            film.anatomy,
            edit,
            editor=editor,
            gate=Gate([OutsideUnchanged()], advisory=("outside_unchanged",)),
        )
        changed = result.image != film.image
        outside += int(changed[result.support == 0].sum())
        inside.append(float(changed[result.support > 0].sum()))
        made += result.accepted
    return made, outside, float(torch.tensor(inside).median())


def _direct(editors, count: int) -> tuple[int, str, str]:
    from monai_cars.chest_xray.editors.diffusion.place import place_of
    from monai_cars.editors.diffusion.pipelines import load_pipeline
    from monai_cars.editors.diffusion.window import window_around

    editor = editors["inpainting pipeline"]
    pipeline = load_pipeline(editor.source)
    pipeline.set_progress_bar_config(disable=True)
    outside, largest = [], 0.0
    for film, edit in _films(count):
        from monai_cars.chest_xray.anatomy import contrast_unit
        from monai_cars.edits.film import Film, Scale
        from monai_cars.files.radiograph import header_of

        seen = Film(
            film.image,
            film.anatomy,
            header_of(film.image),
            contrast_unit(film.image, film.anatomy),
            Scale(film.spacing),
        )
        generator = torch.Generator().manual_seed(edit.seed)
        place = place_of(seen, film.anatomy, edit, generator)
        native = (film.image[0] - seen.unit.aerated) / seen.unit.value
        size = pipeline.unet.config.sample_size * pipeline.vae_scale_factor
        window = window_around(native, place.box, size, whole=True)
        full = torch.zeros(native.shape, dtype=torch.bool)
        full[place.box.slices] = place.weight > 0
        before, mask = window.image(native), window.mask(full)
        after = editor._repaint(pipeline, before, mask, edit, generator)
        levels = (255 * (after.mean(1) - before.mean(1)).abs()).round()[mask[:, 0] == 0]
        outside.append(float((levels > 0).float().mean()))
        largest = max(largest, float(levels.max()))
    share = f"{100 * torch.tensor(outside).mean():.0f} % of the pixels outside, up to {largest:.0f} of 255 levels"
    return count, share, "-"


if __name__ == "__main__":
    main()
