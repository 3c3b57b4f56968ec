"""Perturb a feature vector: what a film could have shown instead, as the condition of a generator or a plan."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils import TransformBackends

from monai_cars.echo import echo
from monai_cars.edits.sample_seed import current_sample_seed, derive_seed
from monai_cars.features import FeatureVector, Vocabulary, load_vocabulary
from monai_cars.features.perturbations import KINDS, Plausible, TooFewPerturbationsError, perturbations
from monai_cars.loop.keys import entry
from monai_cars.transforms.choice import pick


class PerturbFeatures(RandomizableTransform):
    """Change a feature vector as CARPA does, with probability `prob`; the film is not touched.

    The kind is drawn by weight among those that the vector allows (a film without a finding has none to delete), the
    vector uniformly among all perturbations of that kind.

    Args:
        vocabulary: of the vector: a built-in name, the path of a YAML file or a Vocabulary.
        kinds: kind -> weight, of `monai_cars.features.perturbations.KINDS`; None weighs all alike.
        prob: of changing it at all.
        plausible: keeps only vectors that it is true of, such as `co_occurring(vectors of real films)`.

    Raises:
        ValueError: an unknown kind, or weights that are no weights.

    Example:
        >>> shown = [0.0] * 13 + [1.0]
        >>> changed, kind = PerturbFeatures("nih-14", {"deletion": 1})(shown)
        >>> changed.sum().item(), kind
        (0.0, 'deletion')
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - as MONAI declares it

    def __init__(
        self,
        vocabulary: str | Path | Vocabulary,
        kinds: Mapping[str, float] | None = None,
        prob: float = 1.0,
        *,
        plausible: Plausible | None = None,
    ) -> None:
        RandomizableTransform.__init__(self, prob)
        self.vocabulary = load_vocabulary(vocabulary)
        self.kinds = dict(kinds) if kinds is not None else dict.fromkeys(KINDS, 1.0)
        self.plausible = plausible
        self.drawn = (0.0, 0)
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown:
            raise ValueError(f"kinds names {echo(unknown[0])}; known are {', '.join(KINDS)}.")
        weights = self.kinds.values()
        if any(not math.isfinite(weight) or weight < 0 for weight in weights) or not any(weights):
            raise ValueError(f"kinds must be weights >= 0, at least one of them > 0 (got {self.kinds}).")

    def randomize(self, data: Any = None) -> None:
        """Draw whether to change a vector, a place among the kinds and a seed."""
        super().randomize(None)
        self.drawn = (float(self.R.rand()), int(self.R.randint(2**31)))

    def __call__(self, vector: Any, randomize: bool = True) -> tuple[torch.Tensor, str]:
        """The vector (V,) float32, perturbed, and the kind of perturbation ("" when it was left alone)."""
        if randomize:
            self.randomize()
        features = FeatureVector(vector, self.vocabulary)
        if not self._do_transform:
            return features.tensor, ""
        position, seed = self.drawn
        weights = {kind: weight for kind, weight in self.kinds.items() if weight > 0}
        while weights:
            kind = pick(weights, position)
            try:
                return perturbations(features, kind, 1, seed, plausible=self.plausible)[0].tensor, kind
            except TooFewPerturbationsError:
                del weights[kind]
        return features.tensor, ""


class PerturbFeaturesd(RandomizableTransform, MapTransform):
    """Dictionary form of `PerturbFeatures`.

    Args:
        keys: keys of feature vectors; each is drawn for itself.
        vocabulary: see `PerturbFeatures`, as are `kinds`, `prob` and `plausible`.
        seed_key: key of a per-sample seed that alone decides the draws, usually "sample_seed".
        kind_postfix: `<key>_<kind_postfix>` is written: the kind of perturbation, "" when it was left alone.
        allow_missing_keys: pass samples without the vector on as they are.

    Example:
        >>> sample = PerturbFeaturesd("findings", "nih-14", {"insertion": 1})({"findings": [0.0] * 14})
        >>> sample["findings"].sum().item(), sample["findings_perturbation"]
        (1.0, 'insertion')
    """

    backend = PerturbFeatures.backend

    def __init__(
        self,
        keys: KeysCollection,
        vocabulary: str | Path | Vocabulary,
        kinds: Mapping[str, float] | None = None,
        prob: float = 1.0,
        *,
        plausible: Plausible | None = None,
        seed_key: Hashable | None = None,
        kind_postfix: str = "perturbation",
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, 1.0)
        self.perturb = PerturbFeatures(vocabulary, kinds, prob, plausible=plausible)
        self.seed_key, self.kind_postfix = seed_key, kind_postfix

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> PerturbFeaturesd:
        """Seed this transform and the array transform inside it."""
        super().set_random_state(seed, state)
        self.perturb.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Perturb the sample's vectors."""
        sample = dict(data)
        for number, key in enumerate(self.key_iterator(sample)):
            if self.seed_key is not None:
                seed = current_sample_seed() if self.seed_key not in sample else None
                value = seed if seed is not None else entry(sample, self.seed_key, "seed_key")
                value = value.item() if hasattr(value, "item") else value
                self.perturb.set_random_state(derive_seed(value, "perturbation", number) % 2**32)
            sample[key], sample[f"{key}_{self.kind_postfix}"] = self.perturb(sample[key])
        return sample


PerturbFeaturesD = PerturbFeaturesDict = PerturbFeaturesd
