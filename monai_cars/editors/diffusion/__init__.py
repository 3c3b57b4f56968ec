"""Editors that repaint with a diffusion model of the user's choice; they need the extra `diffusers`."""
