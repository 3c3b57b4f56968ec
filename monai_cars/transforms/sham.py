"""Redraw healthy lung as if a finding had been edited: the control for every claim about edits."""

from __future__ import annotations

from typing import Unpack

import torch
from monai.config import KeysCollection

from monai_cars.edits.edit import Edit
from monai_cars.loop.counterfactual import Counterfactual
from monai_cars.loop.edit_loop import Earlier, EditLoop
from monai_cars.loop.keys import Sample
from monai_cars.modality import modality_of
from monai_cars.transforms.film_edit import FilmEdit, FilmEditd, split_options
from monai_cars.transforms.options import EditOptions, LoopOptions, showing


class ShamEdit(FilmEdit):
    """Rewrite healthy lung with density preserved, where the finding might have been; labels never change.

    Args:
        finding: the finding whose place and gate the sham takes.
        side: the patient's, "left" or "right"; None is either.
        zone: as for `InsertFinding`.
        seed: decides every draw of the edit.
        **loop: `editor`, `weights`, `gate`, `segmenter`, `device` and `max_attempts` of
            `monai_cars.loop.edit_loop.EditLoop`.

    Example:
        >>> ShamEdit("nodule").edit.operation
        'sham'
    """

    @showing(EditLoop.__init__)
    def __init__(
        self,
        finding: str,
        *,
        side: str | None = None,
        zone: str | None = None,
        seed: int = 0,
        **loop: Unpack[LoopOptions],
    ) -> None:
        self.edit = Edit("sham", finding, side=side, zone=zone, seed=seed)
        self.loop = EditLoop(organ=modality_of(finding).name, **loop)

    def counterfactual(
        self,
        img: torch.Tensor,
        anatomy: torch.Tensor | None = None,
        header: str | None = None,
        earlier: Earlier = (),
    ) -> Counterfactual:
        """Redraw lung of `img` (1 or 3, H, W) with its `anatomy` (S, H, W); abstain where the gate is not passed."""
        return self.loop(img, anatomy, self.edit, header, earlier)


class ShamEditd(FilmEditd):
    """Dictionary form of `ShamEdit`.

    Args:
        keys: key of the film.
        finding: see `ShamEdit`, as are `side`, `zone` and `seed`.
        **options: keys and labels of `FilmEditd`; `editor`, `weights`, `gate`, `segmenter`, `device`, `max_attempts` of
            `EditLoop`.

    Example:
        >>> ShamEditd("image", "nodule", seed=3).keys
        ('image',)
    """

    @showing(FilmEditd.__init__, EditLoop.__init__)
    def __init__(
        self,
        keys: KeysCollection,
        finding: str,
        *,
        side: str | None = None,
        zone: str | None = None,
        seed: int = 0,
        **options: Unpack[EditOptions],
    ) -> None:
        names, loop = split_options(options)
        super().__init__(keys, **names)
        self.sham = ShamEdit(finding, side=side, zone=zone, seed=seed, **loop)

    def edit_film(self, sample: Sample) -> Counterfactual:
        """Redraw healthy lung."""
        names = self.names
        return self.sham.counterfactual(
            sample[names.image], sample.get(names.anatomy), names.header(sample), names.earlier(sample)
        )


ShamEditD = ShamEditDict = ShamEditd
