"""RadEdit as an editor: DDPM inversion with an edit mask and a keep mask that is really applied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from monai_cars.chest_xray.editors.diffusion.place import place_of
from monai_cars.chest_xray.editors.diffusion.prompts import prompt
from monai_cars.chest_xray.editors.diffusion.stable_diffusion import proposal_of
from monai_cars.editors.diffusion.ddpm_inversion import masked_edit
from monai_cars.editors.diffusion.pipelines import PipelineError, PipelineSource, identity, optional
from monai_cars.editors.diffusion.window import window_around
from monai_cars.edits.edit import Edit, Proposal
from monai_cars.edits.film import Film
from monai_cars.networks.device import usable_device


@dataclass(frozen=True)
class RadEditEditor:
    """RadEdit (`microsoft/radedit`; gated, research only), or any latent diffusion model of its parts.

    Prompts are label names. The place of the finding is the edit mask; all that lies outside it is the keep mask. The
    text encoder is read as a plain BERT: no code from the Hub is run.

    Args:
        weights_source: "owner/repo@commit" or a folder with `unet`, and with `vae`, `text_encoder` and `tokenizer`
            where the next two do not say otherwise.
        vae: source of the autoencoder (the model card names `stabilityai/sdxl-vae`).
        text_encoder: source of text encoder and tokenizer (`microsoft/BiomedVLP-BioViL-T`).
        steps: of denoising; the model card's 100.
        guidance: the model card's 7.5.
        skip: share of the noisiest steps that are left out; the model card's 0.3.
        size: pixels of the model's image; None takes the model's own.
        whole_film: show it the whole film, as it was trained, instead of a crop.
        device: where it runs.
        dtype: "float32", "float16", "bfloat16"; None is half precision on CUDA.

    Raises:
        PipelineError: a source is neither pinned to a commit nor a folder.
    """

    weights_source: str
    vae: str | None = None
    text_encoder: str | None = None
    steps: int = 100
    guidance: float = 7.5
    skip: float = 0.3
    size: int | None = None
    whole_film: bool = True
    device: str = "cpu"
    dtype: str | None = None
    progress: bool = False

    def __post_init__(self) -> None:
        self.parts  # noqa: B018 - refuses what cannot be loaded now, not at the first film

    @property
    def name(self) -> str:
        """For the record."""
        return "radedit"

    @property
    def weights(self) -> str:
        """Every source with its commit or hash."""
        return ", ".join(dict.fromkeys(identity(part.weights) for part in self.parts))

    @property
    def parts(self) -> tuple[PipelineSource, PipelineSource, PipelineSource]:
        """Sources of UNet, autoencoder and text encoder."""
        unet = PipelineSource(self.weights_source, "UNet2DConditionModel", self.device, self.dtype)
        vae = replace(unet, weights=self.vae or self.weights_source, pipeline="AutoencoderKL")
        return unet, vae, replace(unet, weights=self.text_encoder or self.weights_source, pipeline="text_encoder")

    def propose(self, film: Film, anatomy: torch.Tensor, edit: Edit, generator: torch.Generator) -> Proposal:
        """See :class:`monai_cars.editors.Editor`."""
        place = place_of(film, anatomy, edit, generator)
        native = (film.image[0] - film.unit.zero) / film.unit.value
        model = load_model(self.parts)
        window = window_around(native, place.box, self.size or model.size, whole=self.whole_film)
        full = torch.zeros(native.shape, dtype=torch.bool)
        full[place.box.slices] = place.weight > 0
        before = window.image(native)
        after = self._edited(model, before, window.mask(full), prompt(edit, style="label"), generator)
        # The autoencoder's own error is not an edit: the change is taken against what it makes of the film.
        return proposal_of(window, place, model.decode(model.encode(before)), after)

    def _edited(self, model: _Model, before, mask, text: str, generator: torch.Generator) -> torch.Tensor:
        edit = model.to_latents(mask)
        latents = masked_edit(
            model.encode(before),
            model.denoiser([text, ""], progress=self.progress),
            *model.schedule(self.steps),
            edit=edit,
            keep=1 - edit,
            guidance=self.guidance,
            skip=self.skip,
            generator=generator,
        )
        return model.decode(latents)


class _Model:
    """UNet, autoencoder, text encoder and noise schedule, loaded."""

    def __init__(self, unet: Any, vae: Any, tokenizer: Any, text_encoder: Any) -> None:
        diffusers = optional("diffusers")
        self.unet, self.vae, self.tokenizer, self.text_encoder = unet, vae, tokenizer, text_encoder
        self.scheduler = diffusers.DDIMScheduler(
            beta_schedule="linear",
            clip_sample=False,
            prediction_type="epsilon",
            timestep_spacing="trailing",
            steps_offset=1,
        )
        self.factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self.size = unet.config.sample_size * self.factor

    def schedule(self, steps: int) -> tuple[list[int], list[float]]:
        """Timesteps from the noisiest on, and the cumulative alphas there."""
        self.scheduler.set_timesteps(steps)
        timesteps = [int(t) for t in self.scheduler.timesteps]
        return timesteps, [float(self.scheduler.alphas_cumprod[t]) for t in timesteps]

    def to_latents(self, mask: torch.Tensor) -> torch.Tensor:
        """A mask (1, 1, size, size) on the latents' grid: every cell that it touches."""
        return torch.nn.functional.max_pool2d(mask, self.factor).to(self.unet.device, self.unet.dtype)

    @torch.no_grad()
    def encode(self, image: torch.Tensor) -> torch.Tensor:
        """Latents of an image (1, 3, size, size) in [0, 1]; the mean, so that nothing is drawn."""
        moved = (2 * image - 1).to(self.vae.device, self.vae.dtype)
        return self.vae.encode(moved).latent_dist.mean * self.vae.config.scaling_factor

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Image of latents, in [0, 1], on the CPU."""
        image = self.vae.decode(latents / self.vae.config.scaling_factor).sample
        return ((image.float() + 1) / 2).clamp(0, 1).cpu()

    def denoiser(self, texts: list[str], *, progress: bool):
        """(x, t, conditioned) -> predicted noise, for a prompt and the empty one."""
        asked, empty = (self._embedding(text) for text in texts)
        bar = optional("tqdm").tqdm(disable=not progress, desc="RadEdit", unit="evaluation")

        @torch.no_grad()
        def denoise(x: torch.Tensor, t: int, conditioned: bool) -> torch.Tensor:
            bar.update()
            return self.unet(x, t, encoder_hidden_states=asked if conditioned else empty).sample

        return denoise

    @torch.no_grad()
    def _embedding(self, text: str) -> torch.Tensor:
        length = min(self.tokenizer.model_max_length, self.text_encoder.config.max_position_embeddings, 128)
        tokens = self.tokenizer(text, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        hidden = self.text_encoder(**{k: v.to(self.text_encoder.device) for k, v in tokens.items()})
        return hidden.last_hidden_state.to(self.unet.dtype)


@lru_cache(maxsize=1)
def load_model(parts: tuple[PipelineSource, PipelineSource, PipelineSource]) -> _Model:
    """The parts of RadEdit, loaded once a process.

    Raises:
        PipelineError: a package, a file or access is missing, or there are no safetensors.
        ValueError: there is no such device here.
    """
    diffusers, transformers = optional("diffusers"), optional("transformers")
    unet, vae, text = parts
    usable_device(unet.device)
    return _Model(
        _part(diffusers.UNet2DConditionModel, unet, "unet").to(unet.device),
        _part(diffusers.AutoencoderKL, vae, "vae" if vae.weights == unet.weights else "").to(vae.device),
        _tokenizer(transformers, text, "tokenizer" if text.weights == unet.weights else ""),
        _part(transformers.BertModel, text, "text_encoder" if text.weights == unet.weights else "").to(text.device),
    )


def _part(kind: Any, source: PipelineSource, subfolder: str) -> Any:
    location, options = _located(source, subfolder)
    try:
        return kind.from_pretrained(location, use_safetensors=True, **options).to(source.torch_dtype).eval()
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise PipelineError(
            f"{source.weights!r} could not be loaded as {kind.__name__}: {reason}; a gated repository needs its terms "
            "accepted and HF_TOKEN, a repository without safetensors is not read"
        ) from error


def _tokenizer(transformers: Any, source: PipelineSource, subfolder: str) -> Any:
    location, options = _located(source, subfolder)
    return transformers.BertTokenizer.from_pretrained(location, **options)


def _located(source: PipelineSource, subfolder: str) -> tuple[str, dict[str, str]]:
    options = {"subfolder": subfolder} if subfolder else {}
    if Path(source.weights).is_dir():
        return source.weights, options
    location, _, revision = source.weights.partition("@")
    return location, {**options, "revision": revision}
