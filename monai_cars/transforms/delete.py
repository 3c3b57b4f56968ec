"""Delete a finding from a film."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import Transform

from monai_cars.counterfactual import Counterfactual
from monai_cars.edit import Edit, Region
from monai_cars.transforms.edit import FilmEditd, split_options
from monai_cars.transforms.keys import Sample, entry, read_record
from monai_cars.transforms.loop import Earlier, EditLoop
from monai_cars.transforms.regions import BoxModeLike, box_region, mask_region, point_region, standard_boxes


class DeleteFinding(Transform):
    """Delete the finding in a region: the attenuation that it added is removed, the texture that it hid restored.

    Args:
        finding: what lies in the region.
        seed: decides every draw of the edit.
        **loop: `editor`, `gate`, `segmenter`, `device` and `max_attempts` of `monai_cars.transforms.loop.EditLoop`.

    Example:
        >>> DeleteFinding("mass").finding
        'mass'
    """

    backend = FilmEditd.backend

    def __init__(self, finding: str, *, seed: int = 0, **loop: Any) -> None:
        Edit("insert", finding)  # refuses an unknown finding now, not at the first film
        self.finding = finding
        self.seed = seed
        self.loop = EditLoop(**loop)

    def __call__(
        self,
        img: torch.Tensor,
        anatomy: torch.Tensor | None = None,
        region: Region | None = None,
        header: str | None = None,
        earlier: Earlier = (),
    ) -> Counterfactual:
        """Edit `img` (1 or 3, H, W) with its `anatomy` (S, H, W); `region` is in the pixels of `img`.

        Without a region the film is returned as it is, flagged.
        """
        if region is None:
            return self.loop.abstain(img, "delete", self.finding, self.seed, "no region of the finding on this film")
        return self.loop(img, anatomy, Edit("delete", self.finding, seed=self.seed, region=region), header, earlier)


class DeleteFindingd(FilmEditd):
    """Dictionary form of `DeleteFinding`.

    Where the finding lies is said by exactly one of `mask_key`, `box_key` and `point`. Boxes and points count the
    pixels of the film as it was loaded, first axis first (rows after `LoadRadiographd`, columns after MONAI's own
    DICOM and PIL readers), and are followed through resampling, flips and crops by the image's affine.

    The label becomes 0 only when every known instance is gone and `complete` says that the known ones are all;
    else it stays, and the record says `instance_only`.

    Args:
        keys: key of the film.
        finding: what to delete.
        mask_key: key of a mask (1, H, W) with the image's shape.
        box_key: key of one box (4,) or several (N, 4).
        point: a pixel on the finding, (row, column) for a film of `LoadRadiographd`.
        box_mode: MONAI BoxMode of the boxes, such as "xyxy" (default) or "xywh".
        instance: which of several boxes to delete, from 0.
        complete: the boxes (or the mask) hold every instance of the finding on the film.
        seed: decides every draw of the edit.
        **options: keys and labels of `FilmEditd`; `editor`, `gate`, `segmenter`, `device`, `max_attempts` of
            `EditLoop`.

    Raises:
        ValueError: none or more than one of `mask_key`, `box_key` and `point`.

    Example:
        >>> DeleteFindingd("image", "mass", box_key="boxes", box_mode="xywh").box_key
        'boxes'
    """

    def __init__(
        self,
        keys: KeysCollection,
        finding: str,
        *,
        mask_key: Hashable | None = None,
        box_key: Hashable | None = None,
        point: Sequence[float] | None = None,
        box_mode: BoxModeLike = None,
        instance: int = 0,
        complete: bool = False,
        seed: int = 0,
        **options: Any,
    ) -> None:
        names, loop = split_options(options)
        super().__init__(keys, **names)
        self.require_term(finding)
        given = [
            name
            for name, value in (("mask_key", mask_key), ("box_key", box_key), ("point", point))
            if value is not None
        ]
        if len(given) != 1:
            raise ValueError(
                f"DeleteFindingd must be told where the {finding} lies by exactly one of mask_key, box_key and point "
                f"(got {', '.join(given) or 'none'}); no localiser ships yet that would find it."
            )
        self.mask_key, self.box_key, self.point = mask_key, box_key, point
        self.box_mode, self.instance, self.complete = box_mode, instance, complete
        self.delete = DeleteFinding(finding, seed=seed, **loop)

    def edit_film(self, sample: Sample) -> Counterfactual:
        """Delete the finding where the sample says that it lies."""
        image = sample[self.names.image]
        region, known = self._region(sample, image)
        names = self.names
        result = self.delete(
            image, sample.get(names.anatomy), region, names.header(sample), earlier=names.earlier(sample)
        )
        earlier = {
            tuple(edit["box"])
            for edit in read_record(sample[self.names.record])["edits"]
            if edit["accepted"] and (edit["operation"], edit["finding"]) == ("delete", self.delete.finding)
        }
        left = known - len(earlier) - 1
        return replace(result, record={**result.record, "instance_only": not self.complete or left > 0})

    def _region(self, sample: Sample, image: torch.Tensor) -> tuple[Region | None, int]:
        """The region, and how many instances are known."""
        if self.point is not None:
            return point_region(self.point, image), 1
        if self.mask_key is not None:
            return mask_region(entry(sample, self.mask_key, "mask_key"), image), 1
        boxes = standard_boxes(entry(sample, self.box_key, "box_key"), self.box_mode)
        return (box_region(boxes[self.instance], image) if self.instance < len(boxes) else None), len(boxes)


DeleteFindingD = DeleteFindingDict = DeleteFindingd
