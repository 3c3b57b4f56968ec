"""Any Stable Diffusion pipeline as an editor: it repaints the place of a finding, and only its change is kept."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from monai_cars.chest_xray.editors.diffusion.place import Place, place_of
from monai_cars.chest_xray.editors.diffusion.prompts import prompt
from monai_cars.editors.diffusion.pipelines import PipelineSource, identity, load_pipeline
from monai_cars.editors.diffusion.window import Window, window_around
from monai_cars.edits.edit import OPACIFIED, Edit, Proposal
from monai_cars.edits.film import Film


@dataclass(frozen=True)
class StableDiffusionEditor:
    """Repaints a support with a Stable Diffusion inpainting pipeline, or with plain Stable Diffusion.

    A UNet of nine input channels inpaints; one of four denoises under the mask, its surroundings renewed from the film
    at every step. The model sees a crop or the whole film at its own size and gives a residual: outside the support,
    and in what is finer than the model's pixels, the film stays what it is. It holds names, never weights.

    Args:
        weights_source: "owner/repo@commit" on the Hub, or a folder in diffusers' layout.
        steps: of denoising.
        guidance: scale of classifier-free guidance; 1 is none.
        strength: share of the noise that is added, in (0, 1]; 1 repaints from noise.
        size: pixels of the model's image; None takes the model's own.
        whole_film: show it the whole film instead of a crop.
        style: of the prompts, "sentence" or "label".
        demographics: words about the patient, left out unless given.
        device: where it runs.
        dtype: "float32", "float16", "bfloat16"; None is half precision on CUDA.
        offload: CPU offload, left to diffusers.
        progress: show diffusers' progress bar.

    Raises:
        PipelineError: the weights are neither pinned to a commit nor a folder.
    """

    weights_source: str
    steps: int = 50
    guidance: float = 7.5
    strength: float = 1.0
    size: int | None = None
    whole_film: bool = False
    style: str = "sentence"
    demographics: str = ""
    device: str = "cpu"
    dtype: str | None = None
    offload: bool = False
    progress: bool = False

    def __post_init__(self) -> None:
        self.source  # noqa: B018 - refuses what cannot be loaded now, not at the first film

    @property
    def name(self) -> str:
        """For the record."""
        return "stable_diffusion"

    @property
    def weights(self) -> str:
        """The pinned commit, or the SHA-256 over a folder's files."""
        return identity(self.weights_source)

    @property
    def source(self) -> PipelineSource:
        """What is loaded."""
        return PipelineSource(
            self.weights_source, "StableDiffusionInpaintPipeline", self.device, self.dtype, self.offload
        )

    def propose(self, film: Film, anatomy: torch.Tensor, edit: Edit, generator: torch.Generator) -> Proposal:
        """See :class:`monai_cars.editors.Editor`."""
        place = place_of(film, anatomy, edit, generator)
        native = (film.image[0] - film.unit.zero) / film.unit.value
        pipeline = load_pipeline(self.source)
        size = self.size or pipeline.unet.config.sample_size * pipeline.vae_scale_factor
        window = window_around(native, place.box, size, whole=self.whole_film)
        before = window.image(native)
        after = self._repaint(pipeline, before, window.mask(_full(place, native)), edit, generator)
        return proposal_of(window, place, before, after)

    def _repaint(self, pipeline, before, mask, edit: Edit, generator: torch.Generator) -> torch.Tensor:
        pipeline.set_progress_bar_config(disable=not self.progress)
        result = pipeline(
            prompt=prompt(edit, style=self.style, demographics=self.demographics),
            image=before,
            mask_image=mask,
            height=before.shape[-2],
            width=before.shape[-1],
            num_inference_steps=self.steps,
            guidance_scale=self.guidance,
            strength=self.strength,
            generator=generator,
            output_type="pt",
        )
        return result.images.float().cpu()


def _full(place: Place, like: torch.Tensor) -> torch.Tensor:
    full = torch.zeros(like.shape, dtype=torch.bool)
    full[place.box.slices] = place.weight > 0
    return full


def proposal_of(window: Window, place: Place, before: torch.Tensor, after: torch.Tensor) -> Proposal:
    """The proposal of a repainted window: its change within the place, weighted by the place's ramp."""
    rows = slice(place.box.y0 - window.box.y0, place.box.y1 - window.box.y0)
    columns = slice(place.box.x0 - window.box.x0, place.box.x1 - window.box.x0)
    residual = window.residual(before, after)[rows, columns] * place.weight
    support = place.weight > 0
    visible = (residual.abs() > OPACIFIED) & place.lesion
    lesion = visible if bool(visible.any()) else place.lesion & support
    return Proposal(place.box, residual, support, lesion, place.asked)
