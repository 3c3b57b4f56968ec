"""Boxes and classes of what was inserted, beside the boxes that the film has anyway: targets of a detector."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends
from skimage.measure import label, regionprops

from monai_cars.echo import echo
from monai_cars.edits.axes import from_standard
from monai_cars.edits.box import Box
from monai_cars.edits.edit import SEVERITY
from monai_cars.edits.record import film_mask, read_record
from monai_cars.features import Vocabulary, load_vocabulary
from monai_cars.findings.severity import canonical
from monai_cars.loop.keys import Sample, entry
from monai_cars.loop.one_film import require_one_film
from monai_cars.loop.state import plain_tensor
from monai_cars.modality import modality_of
from monai_cars.transforms.regions import BoxAxes, BoxModeLike, box_region, check_box_axes, standard_boxes

LEAST_SHARE = 0.02  # of the largest part: smaller ones are crumbs that no reader boxes
GONE = 0.3  # share of a box under the lesion of a deletion from which the box goes; an ellipse fills 0.79 of its own


class LesionToBoxes(Transform):
    """Boxes of the connected parts of a lesion mask.

    Args:
        least_share: parts smaller than this share of the largest one get no box.

    Example:
        >>> mask = torch.zeros(1, 8, 8)
        >>> mask[0, 2:4, 1:6] = 1
        >>> LesionToBoxes()(mask)
        tensor([[2., 1., 4., 6.]])
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - as MONAI declares it

    def __init__(self, least_share: float = LEAST_SHARE) -> None:
        self.least_share = least_share

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """Boxes (N, 4) float32 of a mask (1, H, W): first row, first column, last row, last column; half open.

        Of a mask (1, D, H, W) they are (N, 6).
        """
        mask = plain_tensor(torch.as_tensor(img))[0].cpu().numpy() > 0
        parts = regionprops(label(mask, connectivity=mask.ndim))
        largest = max((part.area for part in parts), default=0)
        boxes = [part.bbox for part in parts if part.area >= self.least_share * largest]
        return torch.tensor(boxes, dtype=torch.float32).reshape(-1, 2 * mask.ndim)


class LesionToBoxesd(MapTransform):
    """Dictionary form of `LesionToBoxes`: `box` (N, 4) and `label` (N,), as MONAI's RetinaNet takes them.

    Boxes that the sample has count the pixels of the film as it was loaded and follow what resampling, flips and crops
    did since; those of findings that were deleted go. What was inserted adds its own, a box for each connected part of
    each edit's lesion. Both tensors are there, empty (0, 4) and (0,), where there is nothing. Put it behind the edits
    and their gate, and before spatial transforms that do not move boxes.

    Args:
        keys: key of the film.
        classes: findings in the order of the class numbers; or
        vocabulary: whose findings they are (a built-in name, the path of a YAML file, a Vocabulary), as in
            `datalist_of`: its places are the class numbers.
        box_key: key of the boxes, read where the sample has it, and written.
        label_key: key of their class numbers (int64), read and written.
        box_mode: MONAI BoxMode of the sample's boxes; those written are in MONAI's standard mode, "xyxy".
        box_axes: which axis the sample's boxes name first: "tensor" as MONAI's (the row of a film of
            `LoadRadiographd`), or "xy" as detectors and their tables do (the column); those written are as MONAI's.
        anatomy_key: as the edits before it, as is `record_key`.
        least_share: see `LesionToBoxes`.
        allow_missing_keys: pass samples without the film on as they are.

    Raises:
        ValueError: more than one key, none or both of classes and vocabulary, an unknown class; in use, an inserted
            finding that is no class, boxes and class numbers of different lengths, or a film that was resized since it
            was edited.

    Example:
        >>> LesionToBoxesd("image", ["nodule", "Pleural Effusion"]).classes
        {'nodule': 0, 'effusion': 1}
    """

    backend = LesionToBoxes.backend

    def __init__(
        self,
        keys: KeysCollection,
        classes: Sequence[str] | None = None,
        *,
        vocabulary: str | Vocabulary | None = None,
        box_key: Hashable = "box",
        label_key: Hashable = "label",
        box_mode: BoxModeLike = None,
        box_axes: BoxAxes = "tensor",
        anatomy_key: Hashable = "anatomy",
        record_key: Hashable = "counterfactual",
        least_share: float = LEAST_SHARE,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"LesionToBoxesd works on one film: give one key (got {self.keys}).")
        if (classes is None) == (vocabulary is None):
            raise ValueError("LesionToBoxesd needs the findings that are classes: give one of classes and vocabulary.")
        self.classes = _numbers(classes) if classes is not None else _numbers_in(load_vocabulary(vocabulary or ""))
        self.box_key, self.label_key, self.box_mode = box_key, label_key, box_mode
        check_box_axes(box_axes)
        self.box_axes = box_axes
        self.anatomy_key, self.record_key = anatomy_key, record_key
        self.boxes = LesionToBoxes(least_share)

    def __call__(self, data: Mapping[Hashable, Any]) -> Sample:
        """The sample with boxes and class numbers."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            boxes, labels = self._own(sample, sample[key])
            record = read_record(sample[self.record_key]) if self.record_key in sample else {"edits": []}
            require_one_film(sample, key, record, str(self.record_key))
            edits = record["edits"]
            for edit in (edit for edit in edits if edit["accepted"]):
                boxes, labels = self._after(sample, sample[key], edit, boxes, labels)
            sample[self.box_key], sample[self.label_key] = boxes, labels
        return sample

    def _own(self, sample: Sample, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The sample's boxes in the pixels of the image as it stands, without those that lie outside it."""
        given = sample.get(self.box_key)
        corners = standard_boxes(given, self.box_mode, self.box_axes) if given is not None else np.zeros((0, 4))
        labels = torch.as_tensor(sample.get(self.label_key, []), dtype=torch.int64).reshape(-1)
        if len(corners) != len(labels):
            raise ValueError(
                f"{self.box_key!r} holds {len(corners)} boxes and {self.label_key!r} {len(labels)} class numbers; "
                "every box needs one."
            )
        regions = [box_region(corner, image) for corner in corners.tolist()]
        inside = [number for number, region in enumerate(regions) if region is not None]
        moved = [region.box for region in regions if region is not None]
        return torch.tensor(moved, dtype=torch.float32).reshape(-1, 2 * (image.ndim - 1)), labels[inside]

    def _after(
        self, sample: Sample, image: torch.Tensor, edit: Mapping[str, Any], boxes: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if edit["operation"] == "sham":
            return boxes, labels
        lesion = self._lesion(sample, image, edit)
        if edit["operation"] == "delete":
            left = [number for number, box in enumerate(boxes.tolist()) if _covered(box, lesion) < GONE]
            return boxes[left], labels[left]
        if edit["finding"] not in self.classes:
            raise ValueError(
                f"{echo(edit['finding'])} was inserted and is none of the classes {', '.join(self.classes)}: without a "
                "box it would count as background; add it to classes=, or do not insert it."
            )
        added = self.boxes(lesion)
        number = torch.full((len(added),), self.classes[edit["finding"]], dtype=torch.int64)
        return torch.cat([boxes, added]), torch.cat([labels, number])

    def _lesion(self, sample: Sample, image: torch.Tensor, edit: Mapping[str, Any]) -> torch.Tensor:
        """The edit's lesion (1, H, W) bool in the axes of the image: the record keeps it upright."""
        masks = entry(sample, self.anatomy_key, "anatomy_key")
        axes = modality_of(edit["finding"]).lies(masks, "HW")
        lesion = from_standard(film_mask(edit, "lesion")[None], axes)
        if lesion.shape[1:] != image.shape[1:]:
            raise ValueError(
                f"the film was resized since it was edited ({tuple(lesion.shape[1:])} then, {tuple(image.shape[1:])} "
                "now): put LesionToBoxesd right behind the edits and their gate."
            )
        return lesion


def _numbers(classes: Sequence[str]) -> dict[str, int]:
    numbers = {canonical(name): number for number, name in enumerate(classes)}
    if not numbers or not set(numbers) <= set(SEVERITY):
        raise ValueError(f"classes must be findings of {', '.join(SEVERITY)} (got {list(classes)}).")
    return numbers


def _numbers_in(vocabulary: Vocabulary) -> dict[str, int]:
    return {name: vocabulary.index(vocabulary.term(name)) for name in SEVERITY if vocabulary.names(name)}


def _covered(box: Sequence[float], lesion: torch.Tensor) -> float:
    """Share of a box under a lesion."""
    part = lesion[0][Box(*(max(round(edge), 0) for edge in box)).slices]
    return float(part.float().mean()) if part.numel() else 0.0


LesionToBoxesD = LesionToBoxesDict = LesionToBoxesd
