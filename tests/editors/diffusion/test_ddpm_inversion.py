import pytest
import torch

from monai_cars.editors.diffusion.ddpm_inversion import ddpm_mean, masked_edit, noise_path

TIMESTEPS = [900, 700, 500, 300, 100]
ALPHAS = [0.05, 0.2, 0.45, 0.7, 0.95]
LATENTS = torch.randn(1, 4, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
ALL, NONE = torch.ones(1, 1, 6, 6), torch.zeros(1, 1, 6, 6)


def model(x, t, conditioned):
    """A model whose answer depends on everything, and on the prompt."""
    return 0.3 * x + 0.001 * t + (0.5 if conditioned else 0.0)


def edited(**options):
    settings = {"edit": ALL, "keep": NONE, "guidance": 3.0, "skip": 0.0, **options}
    generator = torch.Generator().manual_seed(7)
    return masked_edit(LATENTS, model, TIMESTEPS, ALPHAS, generator=generator, **settings)


def test_without_guidance_the_latents_come_back():
    assert torch.allclose(edited(guidance=0.0), LATENTS, atol=1e-9)


def test_an_empty_edit_mask_gives_the_latents_back():
    assert torch.allclose(edited(edit=NONE), LATENTS, atol=1e-9)


def test_what_is_kept_is_kept_exactly_and_the_rest_changes():
    keep = NONE.clone()
    keep[..., :3] = 1
    after = edited(keep=keep)
    assert torch.equal(after[..., :3], LATENTS[..., :3])
    assert (after[..., 3:] - LATENTS[..., 3:]).abs().min() > 0.01


def test_more_skipped_steps_change_less():
    changes = [float((edited(skip=skip) - LATENTS).abs().mean()) for skip in (0.0, 0.4, 0.8)]
    assert changes == sorted(changes, reverse=True)
    assert changes[-1] > 0
    with pytest.raises(ValueError, match=r"skip must be in \[0, 1\) .got 1"):
        edited(skip=1)


def test_a_true_prediction_leads_to_the_clean_latents():
    noise = torch.randn_like(LATENTS)
    for alpha in ALPHAS:
        noisy = alpha**0.5 * LATENTS + (1 - alpha) ** 0.5 * noise
        assert torch.allclose(ddpm_mean(noisy, noise, alpha, 1.0), LATENTS, atol=1e-9)


def test_the_path_has_the_variance_that_the_schedule_says():
    latents = torch.zeros(1, 4, 64, 64)
    for x, alpha in zip(noise_path(latents, ALPHAS, torch.Generator().manual_seed(0)), ALPHAS, strict=True):
        assert float(x.var()) == pytest.approx(1 - alpha, rel=0.05)
