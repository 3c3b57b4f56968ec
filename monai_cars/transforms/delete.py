"""Delete a finding from a film."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Unpack

import torch
from monai.config import KeysCollection

from monai_cars.edits.edit import Edit, Region
from monai_cars.findings.registry import finding_of
from monai_cars.loop.counterfactual import Counterfactual
from monai_cars.loop.edit_loop import Earlier, EditLoop
from monai_cars.loop.keys import Sample, entry
from monai_cars.modality import modality_of
from monai_cars.transforms.film_edit import FilmEdit, FilmEditd, split_options
from monai_cars.transforms.options import EditOptions, LoopOptions, showing
from monai_cars.transforms.regions import (
    BoxAxes,
    BoxModeLike,
    box_region,
    check_box_axes,
    mask_region,
    point_region,
    standard_boxes,
)


class DeleteFinding(FilmEdit):
    """Delete the finding in a region: the attenuation that it added is removed, the texture that it hid restored.

    Args:
        finding: what lies in the region; an enlarged heart, an enlarged cardiomediastinum and support devices need
            none, since the anatomy shows where they are.
        seed: decides every draw of the edit.
        **loop: `editor`, `weights`, `gate`, `segmenter`, `device` and `max_attempts` of
            `monai_cars.loop.edit_loop.EditLoop`.

    Example:
        >>> DeleteFinding("mass").finding
        'mass'
    """

    @showing(EditLoop.__init__)
    def __init__(self, finding: str, *, seed: int = 0, **loop: Unpack[LoopOptions]) -> None:
        self.finding = Edit("insert", finding).finding  # refuses an unknown one now, not at the first film
        self.seed = seed
        self.loop = EditLoop(organ=modality_of(finding).name, **loop)

    def counterfactual(
        self,
        img: torch.Tensor,
        anatomy: torch.Tensor | None = None,
        region: Region | None = None,
        header: str | None = None,
        earlier: Earlier = (),
    ) -> Counterfactual:
        """Edit `img` (1 or 3, H, W) with its `anatomy` (S, H, W); `region` is in the pixels of `img`.

        Where a region is needed and none is given, the film is returned as it is, flagged.
        """
        if region is None and not finding_of(self.finding).place.shown_by_anatomy:
            return self.abstain(img)
        return self.loop(img, anatomy, Edit("delete", self.finding, seed=self.seed, region=region), header, earlier)

    def abstain(self, img: torch.Tensor) -> Counterfactual:
        """The film as it is: it shows no instance of the finding."""
        return self.loop.abstain(img, "delete", self.finding, self.seed, "no region of the finding on this film")


class DeleteFindingd(FilmEditd):
    """Dictionary form of `DeleteFinding`.

    Where the finding lies is said by exactly one of `mask_key`, `box_key` and `point`. Boxes and points count the
    pixels of the film as it was loaded, first axis first (rows after `LoadRadiographd`, columns after MONAI's own
    DICOM and PIL readers; `box_axes="xy"` the other way round), and are followed through resampling, flips and crops by
    the image's affine.

    The label becomes 0 only when every known instance is gone and `complete` says that the known ones are all;
    else it stays, and the record says `instance_only`. An enlarged heart, an enlarged cardiomediastinum and support
    devices need no place. An accepted deletion of the first two sets the label to 0; with support devices it stays,
    since a faint or wide tube may not have been found.

    Args:
        keys: key of the film.
        finding: what to delete.
        mask_key: key of a mask (1, H, W) with the image's shape.
        box_key: key of one box (4,) or several (N, 4).
        point: a pixel on the finding, (row, column) for a film of `LoadRadiographd`.
        box_mode: MONAI BoxMode of the boxes, such as "xyxy" (default) or "xywh".
        box_axes: which axis they name first: "tensor" as MONAI's boxes (the row of a film of `LoadRadiographd`), or
            "xy" as detectors and their tables do (the column); so does `point`.
        instance: which of several boxes to delete, from 0; None deletes one after another, each with its own record.
        complete: the boxes (or the mask) hold every instance of the finding on the film.
        seed: decides every draw of the edit.
        **options: keys and labels of `FilmEditd`; `editor`, `weights`, `gate`, `segmenter`, `device`, `max_attempts` of
            `EditLoop`.

    Raises:
        ValueError: none (where one is needed) or more than one of `mask_key`, `box_key` and `point`; instance=None
            without `box_key`.

    Example:
        >>> DeleteFindingd("image", "mass", box_key="boxes", box_mode="xywh").box_key
        'boxes'
    """

    @showing(FilmEditd.__init__, EditLoop.__init__)
    def __init__(
        self,
        keys: KeysCollection,
        finding: str,
        *,
        mask_key: Hashable | None = None,
        box_key: Hashable | None = None,
        point: Sequence[float] | None = None,
        box_mode: BoxModeLike = None,
        box_axes: BoxAxes = "tensor",
        instance: int | None = 0,
        complete: bool = False,
        seed: int = 0,
        **options: Unpack[EditOptions],
    ) -> None:
        names, loop = split_options(options)
        super().__init__(keys, **names)
        self.require_term(finding)
        given = [
            name
            for name, value in (("mask_key", mask_key), ("box_key", box_key), ("point", point))
            if value is not None
        ]
        self.delete = DeleteFinding(finding, seed=seed, **loop)
        if len(given) > 1 or (not given and not finding_of(finding).place.shown_by_anatomy):
            raise ValueError(
                f"DeleteFindingd must be told where the {finding} lies by exactly one of mask_key, box_key and point "
                f"(got {', '.join(given) or 'none'}); no localiser ships yet that would find it."
            )
        if instance is None and box_key is None:
            raise ValueError("instance=None deletes one box after another and needs box_key.")
        self.mask_key, self.box_key, self.point = mask_key, box_key, point
        self.box_mode, self.instance, self.complete = box_mode, instance, complete
        check_box_axes(box_axes)
        self.box_axes = box_axes

    def edited(self, sample: Sample) -> Sample:
        """Delete the instance, or one instance after another."""
        for number in self._numbers(sample):
            sample = self.names.finish(sample, self.edit_film(sample, number))
        return sample

    def edit_film(self, sample: Sample, number: int = 0) -> Counterfactual:
        """Delete one instance of the finding where the sample says that it lies."""
        names = self.names
        image, anatomy = sample[names.image], sample.get(names.anatomy)
        header, earlier = names.header(sample), names.earlier(sample)
        if self.point is self.mask_key is self.box_key is None:
            return self.delete.counterfactual(image, anatomy, None, header, earlier)
        region, known = self._region(sample, image, number)
        if region is None:
            return self.delete.abstain(image)
        result = self.delete.counterfactual(image, anatomy, region, header, earlier)
        gone = {
            tuple(edit["box"])
            for edit in earlier
            if edit["accepted"] and (edit["operation"], edit["finding"]) == ("delete", self.delete.finding)
        }
        left = known - len(gone) - 1
        return replace(result, record={**result.record, "instance_only": not self.complete or left > 0})

    def _numbers(self, sample: Sample) -> Iterable[int]:
        if self.instance is not None:
            return (self.instance,)
        boxes = standard_boxes(entry(sample, self.box_key, "box_key"), self.box_mode, self.box_axes)
        return range(max(len(boxes), 1))

    def _region(self, sample: Sample, image: torch.Tensor, number: int) -> tuple[Region | None, int]:
        """The region, and how many instances are known."""
        if self.point is not None:
            return point_region(self.point[::-1] if self.box_axes == "xy" else self.point, image), 1
        if self.mask_key is not None:
            return mask_region(entry(sample, self.mask_key, "mask_key"), image), 1
        boxes = standard_boxes(entry(sample, self.box_key, "box_key"), self.box_mode, self.box_axes)
        return (box_region(boxes[number], image) if number < len(boxes) else None), len(boxes)


DeleteFindingD = DeleteFindingDict = DeleteFindingd
