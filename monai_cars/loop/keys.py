"""The keys that the edits read and write in a sample, the same for every edit transform."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from monai.data import MetaTensor

from monai_cars.edits.record import dump_record, read_record
from monai_cars.features import Vocabulary, as_vector
from monai_cars.files.radiograph import HEADER_POSTFIX
from monai_cars.loop.class_label import label_after, warn_of_labels
from monai_cars.loop.counterfactual import Counterfactual
from monai_cars.loop.labels import labels_after
from monai_cars.loop.one_film import IMAGE_KEY, require_one_film, require_own_masks
from monai_cars.loop.state import as_image, like, plain_tensor

Sample = dict[Hashable, Any]


@dataclass(frozen=True)
class EditKeys:
    """Names of what an edit reads and writes.

    Args:
        image: the film.
        anatomy: masks (S, H, W).
        lesion: written, (1, H, W) uint8: the union of what was inserted or deleted.
        support: written, (1, H, W) uint8: where pixels may differ.
        record: written, one JSON string with `edits`.
        findings: feature vector to keep in step, None when there is none.
        vocabulary: of that vector.
        label: class number, or short vector, to keep in step, None when there is none.
        label_of: finding -> class number of that label.
        keep_before: leave `<image>_before`, `<anatomy>_before` and `<findings>_before` for ValidityGated.
    """

    image: Hashable
    anatomy: Hashable = "anatomy"
    lesion: Hashable = "lesion"
    support: Hashable = "support"
    record: Hashable = "counterfactual"
    findings: Hashable | None = None
    vocabulary: Vocabulary | None = None
    label: Hashable | None = None
    label_of: Mapping[str, int] | None = None
    keep_before: bool = True

    def header(self, sample: Mapping[Hashable, Any]) -> str | None:
        """The header that `LoadRadiographd` leaves beside the film, since some caches drop metadata."""
        return sample.get(f"{self.image}{HEADER_POSTFIX}")

    def earlier(self, sample: Mapping[Hashable, Any]) -> list[dict[str, Any]]:
        """Entries of the record of edits that the film already carries."""
        return read_record(sample[self.record])["edits"] if self.record in sample else []

    def before(self, key: Hashable) -> str:
        """Key under which the state before the first edit is left."""
        return f"{key}_before"

    def start(self, data: Mapping[Hashable, Any]) -> Sample:
        """A copy of the sample in which every key that edits write is present: zeros and an empty record at first.

        Raises:
            ValueError: a key to write is in use for something else or for another film, or a record is no JSON object.
        """
        sample = dict(data)
        image = sample[self.image] = as_image(sample[self.image])
        require_own_masks(sample, self.image, self.anatomy)
        if self.findings is not None:
            sample[self.findings] = as_vector(entry(sample, self.findings, "findings_key"), self._vocabulary)
        if self.label is not None:
            entry(sample, self.label, "label_key")
        if self.record in sample:
            require_one_film(sample, self.image, read_record(sample[self.record]), str(self.record))
        else:
            self._refuse_taken(sample)
        if self.keep_before:
            for key in (self.image, self.anatomy, self.findings, self.label):
                if key is not None and key in sample:
                    sample.setdefault(self.before(key), sample[key])
        if self.record not in sample:
            empty = torch.zeros((1, *image.shape[1:]), dtype=torch.uint8, device=image.device)
            sample[self.lesion], sample[self.support] = like(empty, image), like(empty.clone(), image)
            sample[self.record] = dump_record({"edits": []})
        labels = {"findings_key": self.findings, "label_key": self.label}
        told = {name: str(key) for name, key in labels.items() if key is not None}
        if told:
            # ValidityGated reads there which labels go back with the film.
            sample[self.record] = dump_record({**read_record(sample[self.record]), **told})
        return sample

    def finish(self, sample: Sample, result: Counterfactual) -> Sample:
        """The sample after one edit: pixels, masks, labels and record together; an abstention only adds its record."""
        record = read_record(sample[self.record])
        record["edits"].append(result.record)
        record[IMAGE_KEY] = str(self.image)
        sample = {**sample, self.record: dump_record(record)}
        if not result.accepted:
            return sample
        sample[self.image] = result.image
        for key, mask in ((self.lesion, result.lesion), (self.support, result.support)):
            sample[key] = self._union(key, sample[key], mask)
        if self.findings is not None:
            *earlier, made = record["edits"]
            sample[self.findings] = labels_after(sample[self.findings], self._vocabulary, made, earlier)
        if self.label is not None:
            sample[self.label] = label_after(sample[self.label], self.label_of or {}, result.record)
        warn_of_labels(sample, (self.findings, self.label), result.record)
        return sample

    def count_draw(self, sample: Sample) -> Sample:
        """The sample after one random edit decided what to do with it, be it nothing."""
        record = read_record(sample[self.record])
        return {**sample, self.record: dump_record({**record, "draws": record.get("draws", 0) + 1})}

    @property
    def _vocabulary(self) -> Vocabulary:
        if self.vocabulary is None:
            raise ValueError("findings_key needs vocabulary=, its name or the path of a YAML file.")
        return self.vocabulary

    def _refuse_taken(self, sample: Mapping[Hashable, Any]) -> None:
        for argument, key in (("lesion_key", self.lesion), ("support_key", self.support)):
            if key in sample:
                raise ValueError(
                    f"the sample has an entry {key!r} of its own, which the edit would overwrite; give the edit "
                    f"another name, {argument}='edited_{key}'."
                )
        for key in (self.image, self.anatomy, self.findings, self.label) if self.keep_before else ():
            if key is not None and self.before(key) in sample:
                raise ValueError(
                    f"the sample has an entry {self.before(key)!r} of its own, or of another film's edit, where this "
                    f"edit keeps what {key!r} was: give that entry another name, or the edit keep_before=False."
                )

    def _union(self, key: Hashable, so_far: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if so_far.shape != mask.shape:
            raise ValueError(
                f"{key!r} of an earlier edit has shape {tuple(so_far.shape)}, the image now gives {tuple(mask.shape)}; "
                f"give spatial transforms between two edits the keys [{self.image!r}, {self.anatomy!r}, "
                f"{self.lesion!r}, {self.support!r}]."
            )
        joined = plain_tensor(so_far).to(mask.device, torch.uint8) | plain_tensor(mask)
        return like(joined, so_far, history=True) if isinstance(so_far, MetaTensor) else joined


def entry(sample: Mapping[Hashable, Any], key: Hashable, argument: str) -> Any:
    """What the sample has under a key.

    Raises:
        KeyError: nothing; the message names the argument and what there is.
    """
    if key not in sample:
        raise KeyError(
            f"{argument}={key!r} names no entry of the sample (it has {', '.join(sorted(map(str, sample)))})."
        )
    return sample[key]
