"""What an edit of each finding costs, by stage, at 512 x 512 and 1955 x 1841; beside it a step of a diffusion editor.

    OMP_NUM_THREADS=2 python tests/benchmarks/finding_cost.py [--findings all] [--diffusion]

Medians of ``--repeats`` runs. *propose* is the editor, *compose* writes the pixels, *gate* is the cheap profile with
the measurement of severity. Segmentation is once a film, printed apart. With ``--diffusion`` one denoising step of a
UNet of Stable Diffusion 1.5's inpainting size (9 input channels, 64 x 64 latents, random weights, batch 1, no
guidance) is timed in the same run: for scale only, an image takes 20 to 50 of them, twice that with guidance.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace

import torch
from pydicom.data import get_testdata_file
from torch.nn import functional

SEVERITY_ASKED = 0.4
STEPS = 50


def main() -> None:
    """Print one table row a finding and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--findings", default="all")
    parser.add_argument("--diffusion", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    from monai_cars.findings.severity import SEVERITY

    findings = list(SEVERITY) if args.findings == "all" else args.findings.split(",")
    films = [_film((512, 512)), _film(None)]
    sizes = ", ".join(f"{tuple(image.shape[1:])}: {seconds * 1e3:.0f} ms" for image, _, _, seconds in films)
    print(f"segmentation, once a film: {sizes}; {args.threads} threads\n")
    print("| finding | 512 x 512: propose + compose + gate = ms | 1955 x 1841: propose + compose + gate = ms |")
    print("|---|---|---|")
    for finding in findings:
        print(f"| {finding} | {' | '.join(_stages(film, finding, args.repeats) for film in films)} |", flush=True)
    if args.diffusion:
        print("\n" + _diffusion_step(args.repeats))


def _film(size: tuple[int, int] | None):
    """Image, header, anatomy, and the seconds that its segmentation took."""
    from monai_cars.chest_xray.anatomy import load_segmenter
    from monai_cars.files.radiograph import read_radiograph

    film = read_radiograph(get_testdata_file("RG1_UNCR.dcm"))
    image, header = film.image, replace(film.header, position="erect", view="PA")
    if size is not None:
        image = functional.interpolate(image[None], size, mode="area")[0].round()
        header = replace(header, spacing=None)
    segment = load_segmenter()
    anatomy, seconds = segment(image), _median(lambda: segment(image), 3)
    return image, header, anatomy, seconds


def _median(call, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _stages(film, finding: str, repeats: int) -> str:
    from monai_cars.chest_xray.editors.attenuation import AttenuationEditor
    from monai_cars.edits.edit import Edit
    from monai_cars.loop import counterfactual as loop

    image, header, anatomy, _ = film
    spent = {"propose": 0.0, "compose": 0.0, "gate": 0.0}
    rows, accepted = [], 0
    for seed in range(repeats):
        edit = Edit("insert", finding, severity=SEVERITY_ASKED, seed=seed)
        made, spent = _timed_edit(loop, AttenuationEditor(), image, anatomy, edit, header)
        if made.record["attempts"] and made.record["checks"]:
            rows.append({stage: seconds / made.record["attempts"] for stage, seconds in spent.items()})
            accepted += made.accepted
    if not rows:
        return f"abstains: {made.record['reason'][:60]}"
    middle = {stage: 1e3 * statistics.median(row[stage] for row in rows) for stage in spent}
    parts = " + ".join(f"{ms:.0f}" for ms in middle.values())
    return f"{parts} = {sum(middle.values()):.0f} ({accepted} of {repeats} accepted)"


def _timed_edit(loop, editor, image, anatomy, edit, header):
    """One edit with the clock around its stages."""
    spent = dict.fromkeys(("propose", "compose", "gate"), 0.0)

    def clocked(stage, call):
        def run(*args, **kwargs):
            start = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                spent[stage] += time.perf_counter() - start

        return run

    class Clocked:
        name, weights = editor.name, editor.weights
        propose = staticmethod(clocked("propose", editor.propose))

    from monai_cars.chest_xray.gate import default_gate
    from monai_cars.gates import Gate

    class TimedGate(Gate):
        __call__ = clocked("gate", Gate.__call__)

    compose, context = loop.compose, loop._context
    loop.compose, loop._context = clocked("compose", compose), clocked("gate", context)
    try:
        gate = TimedGate(**vars(default_gate(edit.finding, edit.operation)))
        return loop.make_counterfactual(image, anatomy, edit, header=header, editor=Clocked(), gate=gate), spent
    finally:
        loop.compose, loop._context = compose, context


def _diffusion_step(repeats: int) -> str:
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        unet = UNet2DConditionModel(in_channels=9, sample_size=64, cross_attention_dim=768, attention_head_dim=8)
    unet = unet.to_empty(device="cpu").eval()
    for parameter in unet.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    latents, text = torch.randn(1, 9, 64, 64), torch.randn(1, 77, 768)
    with torch.no_grad():
        seconds = _median(lambda: unet(latents, 10, text), max(2, repeats // 2))
    size = sum(p.numel() for p in unet.parameters()) / 1e6
    return (
        f"one denoising step of a Stable-Diffusion-1.5-sized inpainting UNet ({size:.0f} M parameters, 512 x 512): "
        f"{seconds:.1f} s; {STEPS} steps: {STEPS * seconds / 60:.1f} minutes"
    )


if __name__ == "__main__":
    main()
