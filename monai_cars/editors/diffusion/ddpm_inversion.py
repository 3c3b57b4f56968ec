"""Edit-friendly DDPM inversion with an edit mask and a keep mask, the sampler of RadEdit.

Huberman-Spiegelglas et al., "An Edit Friendly DDPM Noise Space" (CVPR 2024); Perez-Garcia et al., "RadEdit" (ECCV
2024).
All latents are `(N, C, h, w)`; `alphas[t]` is the cumulative product of 1 - beta.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

Denoise = Callable[[torch.Tensor, int, bool], torch.Tensor]
"""`(x_t, t, conditioned) -> eps`; not conditioned is the empty prompt."""


def ddpm_mean(x: torch.Tensor, eps: torch.Tensor, alpha: float, alpha_next: float) -> torch.Tensor:
    """Mean of x at the next, less noisy timestep (DDIM with eta = 1, which is DDPM).

    `sqrt(a') x0 + sqrt(1 - a' - s^2) eps` with `s^2 = (1 - a') / (1 - a) (1 - a / a')`.

    Args:
        x: latents at the present timestep.
        eps: predicted noise.
        alpha: a, cumulative alpha at the present timestep.
        alpha_next: a', at the next one; 1 at the end.

    Example:
        >>> clean, noise = torch.ones(1, 1, 1, 1), torch.full((1, 1, 1, 1), 0.5)
        >>> ddpm_mean(0.6 * clean + 0.8 * noise, noise, 0.36, 1.0).item()
        1.0
    """
    variance = (1 - alpha_next) / (1 - alpha) * (1 - alpha / alpha_next)
    clean = (x - (1 - alpha) ** 0.5 * eps) / alpha**0.5
    return alpha_next**0.5 * clean + max(1 - alpha_next - variance, 0.0) ** 0.5 * eps


def noise_path(latents: torch.Tensor, alphas: Sequence[float], generator: torch.Generator) -> list[torch.Tensor]:
    """The latents at every timestep, each with noise of its own: `sqrt(a) x0 + sqrt(1 - a) n`.

    Args:
        latents: x0.
        alphas: cumulative alphas from the noisiest timestep to the last.
        generator: on the CPU.
    """
    path = []
    for alpha in alphas:
        noise = torch.randn(latents.shape, generator=generator).to(latents)
        path.append(alpha**0.5 * latents + (1 - alpha) ** 0.5 * noise)
    return path


def masked_edit(
    latents: torch.Tensor,
    denoise: Denoise,
    timesteps: Sequence[int],
    alphas: Sequence[float],
    *,
    edit: torch.Tensor,
    keep: torch.Tensor,
    guidance: float,
    skip: float,
    generator: torch.Generator,
) -> torch.Tensor:
    """Edit latents within a mask, keep them within another.

    The noise that leads from each inverted latent to the next under the empty prompt is used again under the guided
    one: `eps = m_edit eps_cfg + (1 - m_edit) eps_uncond`, `x' = m_keep x'_inv + (1 - m_keep) x'`. Without guidance, or
    with an empty edit mask, the latents come back as they were.

    Args:
        latents: x0, `(N, C, h, w)`.
        denoise: the model.
        timesteps: from the noisiest to the last.
        alphas: cumulative alpha at each of them.
        edit: `(1, 1, h, w)` in [0, 1].
        keep: `(1, 1, h, w)` in [0, 1].
        guidance: scale of classifier-free guidance.
        skip: share of the noisiest timesteps that are left out, in [0, 1).
        generator: on the CPU.

    Returns:
        The edited latents.

    Raises:
        ValueError: skip leaves no step.
    """
    if not 0 <= skip < 1:
        raise ValueError(f"skip must be in [0, 1) (got {skip}); 1 would leave no step")
    path = [*noise_path(latents, alphas, generator), latents]
    following = [*alphas[1:], 1.0]
    first = int(skip * len(timesteps))
    x = path[first]
    for k in range(first, len(timesteps)):
        t, alpha, alpha_next = timesteps[k], alphas[k], following[k]
        # Standard deviation times the noise of the inversion; the last step has none and takes the rest.
        rest = path[k + 1] - ddpm_mean(path[k], denoise(path[k], t, False), alpha, alpha_next)
        plain = denoise(x, t, False)
        guided = plain + guidance * (denoise(x, t, True) - plain)
        mean = ddpm_mean(x, edit * guided + (1 - edit) * plain, alpha, alpha_next)
        x = keep * path[k + 1] + (1 - keep) * (mean + rest)
    return x
