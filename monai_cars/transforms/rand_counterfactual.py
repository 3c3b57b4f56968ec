"""Turn a film into a random counterfactual of itself, with a probability."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Hashable, Mapping
from typing import Any, Unpack

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import RandomizableTransform
from torch.utils.data import get_worker_info

from monai_cars.edits.edit import Edit, Region
from monai_cars.edits.record import read_record
from monai_cars.edits.sample_seed import current_sample_seed, derive_seed
from monai_cars.findings.registry import finding_of, of_organ
from monai_cars.findings.severity import canonical
from monai_cars.loop.counterfactual import Counterfactual
from monai_cars.loop.edit_loop import Earlier, EditLoop
from monai_cars.loop.keys import Sample
from monai_cars.modality import DEFAULT_ORGAN, shared_modality
from monai_cars.transforms.choice import Choices, Draw, Weighed, draw, weights_of
from monai_cars.transforms.film_edit import FilmEdit, FilmEditd, split_options
from monai_cars.transforms.options import EditOptions, LoopOptions, showing
from monai_cars.transforms.regions import BoxAxes, BoxModeLike, check_box_axes, known_regions


class RandCounterfactual(RandomizableTransform, FilmEdit):
    """Insert or delete a finding, chosen at random, with probability `prob`.

    Args:
        findings: finding -> weight, or a list that weighs all alike; None weighs all alike (of those that the
            vocabulary, if any, has a word for).
        operations: "insert", "delete", "sham" -> weight, or a list. Only findings whose region is known, or that the
            anatomy shows (an enlarged heart or cardiomediastinum, devices), can be deleted: elsewhere the other
            operations share the weight.
        prob: of editing at all.
        severity: range (low, high) in [0, 1] of insertions, drawn uniformly.
        **loop: `editor`, `weights`, `gate`, `segmenter`, `device` and `max_attempts` of
            `monai_cars.loop.edit_loop.EditLoop`.

    Raises:
        ValueError: unknown names, weights that are no weights, or a severity out of range.

    Example:
        >>> RandCounterfactual({"nodule": 2, "effusion": 1}, prob=0.5).prob
        0.5
    """

    @showing(EditLoop.__init__)
    def __init__(
        self,
        findings: Weighed | None = None,
        operations: Weighed | None = None,
        prob: float = 0.1,
        *,
        severity: tuple[float, float] = (0.0, 1.0),
        **loop: Unpack[LoopOptions],
    ) -> None:
        RandomizableTransform.__init__(self, prob)
        self.choices = Choices(
            weights_of("findings", findings)
            if findings is not None
            else dict.fromkeys((finding.name for finding in of_organ(DEFAULT_ORGAN)), 1.0),
            weights_of("operations", operations) if operations is not None else {"insert": 1.0},
            (float(severity[0]), float(severity[1])),
        )
        self.loop = EditLoop(organ=shared_modality(self.choices.findings).name, **loop)
        self.drawn: Draw | None = None

    def randomize(self, data: Any = None) -> None:
        """Draw whether to edit, and what."""
        super().randomize(None)
        self.drawn = draw(self.R)

    def counterfactual(
        self,
        img: torch.Tensor,
        anatomy: torch.Tensor | None = None,
        regions: Mapping[str, Region] | None = None,
        randomize: bool = True,
        header: str | None = None,
        earlier: Earlier = (),
        absent: Collection[str] = (),
    ) -> Counterfactual:
        """Edit `img` (1 or 3, H, W) with its `anatomy` (S, H, W).

        Args:
            img: the film.
            anatomy: its masks.
            regions: finding -> where it lies in the pixels of `img`: what may be deleted.
            randomize: draw anew; False repeats the last draw.
            header: JSON of the film's header, where `img` has lost its metadata.
            earlier: entries of the record of edits that the film already carries.
            absent: findings that the film is known not to show: they are not deleted.

        Returns:
            The counterfactual; with an empty record where the draw says to leave the film alone.
        """
        if randomize:
            self.randomize()
        if not self._do_transform:
            return self.loop.untouched(img)
        if self.drawn is None:
            raise RuntimeError("nothing was drawn yet: call randomize() first, or leave randomize=True.")
        known = {canonical(finding): region for finding, region in (regions or {}).items()}
        deletable = {*known, *self._shown()} - {canonical(finding) for finding in absent}
        chosen = self.choices.choose(self.drawn, deletable=deletable)
        if chosen is None:
            first = next(iter(self.choices.findings))
            return self.loop.abstain(img, "delete", first, self.drawn.seed, "no region of a finding on this film")
        region = known.get(chosen.finding) if chosen.operation == "delete" else None
        edit = Edit(chosen.operation, chosen.finding, severity=chosen.severity, seed=chosen.seed, region=region)
        return self.loop(img, anatomy, edit, header, earlier)

    def _shown(self) -> tuple[str, ...]:
        """Findings of the organ that its anatomy shows, so that a deletion needs no region."""
        return tuple(finding.name for finding in of_organ(self.loop.organ) if finding.place.shown_by_anatomy)


class RandCounterfactuald(RandomizableTransform, FilmEditd):
    """Dictionary form of `RandCounterfactual`; keeps masks, record and findings in step.

    With `seed_key`, what is drawn depends on that key and nothing else: neither on workers, nor order, nor
    interruption. A `SampleSeedDataset` around the dataset supplies it. Without, draws come from MONAI's `self.R`.

    Args:
        keys: key of the film.
        findings: see `RandCounterfactual`, as are `operations`, `prob` and `severity`.
        seed_key: key of a per-sample seed (int or string), usually "sample_seed".
        mask_keys: finding -> key of a mask (1, H, W) that shows where it lies.
        box_keys: finding -> key of its boxes, in native pixels as for `DeleteFindingd`; the first one is deleted.
        box_mode: MONAI BoxMode of the boxes.
        box_axes: which axis they name first: "tensor" as MONAI's boxes (the row of a film of `LoadRadiographd`), or
            "xy" as detectors and their tables do (the column).
        **options: keys and labels of `FilmEditd`; `editor`, `weights`, `gate`, `segmenter`, `device`, `max_attempts` of
            `EditLoop`.

    Raises:
        ValueError: as `RandCounterfactual`; or deletions without `mask_keys` or `box_keys` of findings that need them.

    Example:
        >>> RandCounterfactuald("image", {"nodule": 1}, prob=0.5, seed_key="sample_seed").prob
        0.5
    """

    @showing(FilmEditd.__init__, EditLoop.__init__)
    def __init__(
        self,
        keys: KeysCollection,
        findings: Weighed | None = None,
        operations: Weighed | None = None,
        prob: float = 0.1,
        *,
        severity: tuple[float, float] = (0.0, 1.0),
        seed_key: Hashable | None = None,
        mask_keys: Mapping[str, Hashable] | None = None,
        box_keys: Mapping[str, Hashable] | None = None,
        box_mode: BoxModeLike = None,
        box_axes: BoxAxes = "tensor",
        **options: Unpack[EditOptions],
    ) -> None:
        names, loop = split_options(options)
        FilmEditd.__init__(self, keys, **names)
        named = {} if findings is None else weights_of("findings", findings)
        if findings is None and self.names.vocabulary is not None:
            findings = {one.name: 1.0 for one in of_organ(DEFAULT_ORGAN) if self.names.vocabulary.names(one.name)}
        RandomizableTransform.__init__(self, prob)
        self.rand_counterfactual = RandCounterfactual(findings, operations, 1.0, severity=severity, **loop)
        self.seed_key = seed_key
        self.mask_keys, self.box_keys, self.box_mode = dict(mask_keys or {}), dict(box_keys or {}), box_mode
        check_box_axes(box_axes)
        self.box_axes = box_axes
        choices = self.rand_counterfactual.choices
        located = [finding for finding in named if named[finding] > 0 and finding_of(finding).place.shown_by_anatomy]
        if choices.operations.get("delete", 0) > 0 and not (self.mask_keys or self.box_keys or located):
            raise ValueError(
                "deletions must be told where findings lie: give mask_keys or box_keys, such as "
                "box_keys={'consolidation': 'boxes'} (got neither); no localiser ships yet that would find them."
            )
        for finding in choices.findings:
            self.require_term(finding)
        self._seeded_by = 0  # process in which set_random_state was last called

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> RandCounterfactuald:
        """Seed this transform and the array transform inside it."""
        super().set_random_state(seed, state)
        self.rand_counterfactual.set_random_state(seed, state)
        self._seeded_by = os.getpid()
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> Sample:
        """Perhaps edit the sample's film."""
        sample = dict(data)
        if self.first_key(sample) == ():
            return sample  # no film, and missing keys are allowed
        sample = self.names.start(sample)
        self.randomize(sample)
        if not self._do_transform:
            return self.names.count_draw(sample)
        return self.names.count_draw(self.names.finish(sample, self.edit_film(sample)))

    def randomize(self, data: Sample) -> None:
        """Draw from the sample's seed where there is one, else from `self.R`."""
        state = self._sample_state(data)
        if state is None:
            self._warn_of_repeated_draws()
            super().randomize(None)
            self.rand_counterfactual.randomize()
        else:
            self._do_transform = state.rand() < self.prob
            self.rand_counterfactual.drawn = draw(state)

    def edit_film(self, sample: Sample) -> Counterfactual:
        """The edit that was drawn."""
        image, masks = sample[self.names.image], sample.get(self.names.anatomy)
        header = self.names.header(sample)
        earlier = self.names.earlier(sample)
        return self.rand_counterfactual.counterfactual(
            image,
            masks,
            known_regions(sample, image, self.box_keys, self.mask_keys, self.box_mode, self.box_axes),
            randomize=False,
            header=header,
            earlier=earlier,
            absent=self._absent(sample),
        )

    def _sample_state(self, sample: Sample) -> np.random.RandomState | None:
        if self.seed_key is None:
            return None
        seed = sample.get(self.seed_key, current_sample_seed())
        if seed is None:
            raise KeyError(
                f"seed_key={self.seed_key!r} names no entry of the sample, and no SampleSeedDataset supplies one; "
                "wrap the outermost dataset in monai_cars.edits.sample_seed.SampleSeedDataset, or leave seed_key=None."
            )
        seed = seed.item() if hasattr(seed, "item") else seed
        # A second random edit in a chain must not repeat the first one's draws.
        draws = read_record(sample[self.names.record]).get("draws", 0)
        return np.random.RandomState(derive_seed(seed, draws) % 2**32)

    def _absent(self, sample: Sample) -> list[str]:
        """Findings that the anatomy would show and the labels deny."""
        vocabulary, key = self.names.vocabulary, self.names.findings
        if vocabulary is None or key is None:
            return []
        named = [finding for finding in self.rand_counterfactual._shown() if vocabulary.names(finding)]
        return [finding for finding in named if sample[key][vocabulary.index(vocabulary.term(finding))] == 0]

    def _warn_of_repeated_draws(self) -> None:
        if get_worker_info() is not None and self._seeded_by != os.getpid():
            warnings.warn(
                "RandCounterfactuald was not seeded in this worker: under a plain torch DataLoader all workers "
                "repeat the same draws. Use monai.data.DataLoader, or seed_key with SampleSeedDataset.",
                stacklevel=3,
            )
            self._seeded_by = os.getpid()


RandCounterfactualD = RandCounterfactualDict = RandCounterfactuald
