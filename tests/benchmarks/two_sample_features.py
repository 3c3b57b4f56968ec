"""What forensic detectors of altered images look at: noise residuals in the middle of a crop and around it.

Local energies of high-pass residuals (Mahdian and Saic, Image and Vision Computing 2009), co-occurrences of quantised
residuals (Fridrich and Kodovsky, "Rich models for steganalysis", IEEE TIFS 2012) and copies of the film's own texture.
A crop is compared with itself, so that a film's own noise and sharpness tell nothing.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

KERNELS = (
    np.array([[0, 0, 0], [0, -1, 1], [0, 0, 0]], np.float32),
    np.array([[0, 0, 0], [1, -2, 1], [0, 0, 0]], np.float32),
    np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]], np.float32) / 4,
)
RADII = (16, 32, 56, 90)  # pixels around the middle of the crop, where the support lies
BLOCK = 8  # pixels, that of JPEG
CLIP, STEP = 2, 1.0  # of quantised residuals, grey values
SHIFTS = tuple(range(24, 57, 4))  # vertical, pixels: where a copied patch may have come from


def features_of(crop: np.ndarray) -> np.ndarray:
    """Features (F,) of a crop (256, 256) of grey values.

    Example:
        >>> grain = np.random.default_rng(0).integers(0, 255, (256, 256))
        >>> bool(np.isfinite(features_of(grain)).all())
        True
    """
    crop = crop.astype(np.float32)
    y, x = np.indices(crop.shape) - (np.array(crop.shape)[:, None, None] - 1) / 2
    ring = np.digitize(np.hypot(y, x), RADII)
    found: list[float] = []
    for level in (crop, ndi.gaussian_filter(crop, 1.0), ndi.gaussian_filter(crop, 2.0)):
        for kernel in KERNELS:
            for turned in (kernel, kernel.T):
                found += _energies(ndi.convolve(level, turned, mode="reflect"), ring)
    for kernel in KERNELS[:2]:
        for turned in (kernel, kernel.T):
            found += _cooccurrences(ndi.convolve(crop, turned, mode="reflect"), ring)
    return np.array(found + _edges(crop, ring) + _copies(crop, ring), np.float32)


def _energies(residual: np.ndarray, ring: np.ndarray) -> list[float]:
    """Log energy of each ring over that of the outermost, and extremes of 8-pixel blocks of the middle over it."""
    log = np.log(ndi.uniform_filter(residual**2, BLOCK) + 1e-3)
    around = float(np.median(log[ring == len(RADII)]))
    means = [float(log[ring == k].mean()) - around for k in range(len(RADII))]
    middle = log[ring <= 1] - around
    return [*means, *np.percentile(middle, [1, 10, 50, 90, 99]).tolist(), float(middle.std())]


def _cooccurrences(residual: np.ndarray, ring: np.ndarray) -> list[float]:
    """How often neighbouring quantised residuals meet, in the middle less around it."""
    steps = np.clip(np.rint(residual / STEP), -CLIP, CLIP).astype(int) + CLIP
    pair = steps[:, :-1] * (2 * CLIP + 1) + steps[:, 1:]
    bins = (2 * CLIP + 1) ** 2
    shares = [np.bincount(pair[where], minlength=bins) / max(where.sum(), 1) for where in _places(ring[:, :-1])]
    return [*(shares[0] - shares[1]).tolist(), *(shares[0] - shares[2]).tolist()]


def _places(ring: np.ndarray) -> list[np.ndarray]:
    return [ring <= 1, ring == 2, ring >= 3]


def _edges(crop: np.ndarray, ring: np.ndarray) -> list[float]:
    """Steep gradients of the middle over those around it: a hard border is steeper than anatomy."""
    steep = ndi.gaussian_gradient_magnitude(crop, 0.7)
    usual = float(np.percentile(steep[ring >= 3], 99)) + 1e-3
    return [float(np.percentile(steep[where], q)) / usual for where in _places(ring)[:2] for q in (90, 99, 99.9)]


def _copies(crop: np.ndarray, ring: np.ndarray) -> list[float]:
    """Largest local correlation of the middle's detail with detail above and below."""
    detail = crop - ndi.gaussian_filter(crop, 2.0)
    detail = detail / np.sqrt(ndi.uniform_filter(detail**2, 24) + 1e-3)
    best = []
    for shift in SHIFTS:
        for sign in (-1, 1):
            for fine in range(-2, 2):
                alike = ndi.uniform_filter(detail * np.roll(detail, sign * (shift + fine), axis=0), 12)
                best.append(float(alike[ring <= 1].max()))
    return [max(best), float(np.mean(best))]


def fitted(features: np.ndarray, labels: np.ndarray, held: np.ndarray, seed: int) -> np.ndarray:
    """Scores of held-out crops: the mean probability of a linear model, boosted trees and random trees."""
    models = (
        make_pipeline(
            QuantileTransformer(n_quantiles=min(50, len(labels)), output_distribution="normal", random_state=seed),
            LogisticRegression(C=1e-3, max_iter=2000, random_state=seed),
        ),
        HistGradientBoostingClassifier(max_iter=150, learning_rate=0.06, max_leaf_nodes=8, random_state=seed),
        ExtraTreesClassifier(400, min_samples_leaf=2, random_state=seed),
    )
    scores = [model.fit(features, labels).predict_proba(held)[:, 1] for model in models]
    return np.mean(scores, axis=0)
