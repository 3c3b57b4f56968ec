"""Insert a finding into a film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import torch
from monai.config import KeysCollection

from monai_cars.edits.edit import Edit, Quantity, severity_of
from monai_cars.loop.counterfactual import Counterfactual
from monai_cars.loop.edit_loop import Earlier, EditLoop
from monai_cars.loop.keys import Sample
from monai_cars.modality import modality_of
from monai_cars.transforms.film_edit import FilmEdit, FilmEditd, split_options
from monai_cars.transforms.options import EditOptions, LoopOptions, showing


class InsertFinding(FilmEdit):
    """Insert a finding; the same film and seed give the same counterfactual.

    Args:
        finding: a key of `monai_cars.findings.SEVERITY`, such as "nodule" or "effusion", or another usual name of one.
        side: the patient's, "left" or "right"; None is either.
        zone: "upper", "middle", "lower", "apex", "costophrenic" or "hilar"; None is anywhere the finding occurs.
        severity: in [0, 1], from the mildest visible finding to the severest, or an amount such as 18 mm: a Quantity
            or {"value": 18, "unit": "mm"}; None lets the editor choose.
        seed: decides every draw of the edit.
        **loop: `editor`, `weights`, `gate`, `segmenter`, `device` and `max_attempts` of
            `monai_cars.loop.edit_loop.EditLoop`.

    Raises:
        ValueError: an unknown finding, side or zone, or a severity out of range.

    Example:
        >>> InsertFinding("effusion", side="left", severity=0.3, seed=7).edit.asked.unit
        'fraction'
    """

    @showing(EditLoop.__init__)
    def __init__(
        self,
        finding: str,
        *,
        side: str | None = None,
        zone: str | None = None,
        severity: float | Quantity | Mapping[str, Any] | None = None,
        seed: int = 0,
        **loop: Unpack[LoopOptions],
    ) -> None:
        self.edit = Edit("insert", finding, side=side, zone=zone, severity=severity_of(severity), seed=seed)
        self.loop = EditLoop(organ=modality_of(finding).name, **loop)

    def counterfactual(
        self,
        img: torch.Tensor,
        anatomy: torch.Tensor | None = None,
        header: str | None = None,
        earlier: Earlier = (),
    ) -> Counterfactual:
        """Edit `img` (1 or 3, H, W) with its `anatomy` (S, H, W); abstain where the gate is not passed."""
        return self.loop(img, anatomy, self.edit, header, earlier)


class InsertFindingd(FilmEditd):
    """Dictionary form of `InsertFinding`.

    Args:
        keys: key of the film.
        finding: see `InsertFinding`, as are `side`, `zone`, `severity` and `seed`.
        **options: keys and labels of `FilmEditd`; `editor`, `weights`, `gate`, `segmenter`, `device`, `max_attempts` of
            `EditLoop`.

    Example:
        >>> InsertFindingd("image", "nodule", severity=0.5).keys
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
        severity: float | Quantity | Mapping[str, Any] | None = None,
        seed: int = 0,
        **options: Unpack[EditOptions],
    ) -> None:
        names, loop = split_options(options)
        super().__init__(keys, **names)
        self.require_term(finding)
        self.insert = InsertFinding(finding, side=side, zone=zone, severity=severity, seed=seed, **loop)

    def edit_film(self, sample: Sample) -> Counterfactual:
        """Insert the finding."""
        names = self.names
        return self.insert.counterfactual(
            sample[names.image], sample.get(names.anatomy), names.header(sample), names.earlier(sample)
        )


InsertFindingD = InsertFindingDict = InsertFindingd
