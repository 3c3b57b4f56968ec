"""The dictionary side that every edit transform shares: one film, the keys around it, and the edit itself left open."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping
from inspect import signature
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, ensure_tuple

from monai_cars.edits.record import dump_record, read_record
from monai_cars.features import Vocabulary, load_vocabulary
from monai_cars.loop.class_label import class_numbers
from monai_cars.loop.counterfactual import Counterfactual
from monai_cars.loop.keys import EditKeys, Sample
from monai_cars.loop.state import as_image
from monai_cars.transforms.options import LoopOptions

RECORD_KEY = "counterfactual"
"""Key of ``MetaTensor.meta`` of an edited image under which an array transform leaves the record."""


class FilmEdit(Transform):
    """The array side: a call gives the edited image, as a `Compose` of arrays hands it on.

    The image's metadata hold the record under "counterfactual", which a further edit of the chain reads; its entries
    tell lesion and support. `counterfactual`, with the same arguments, gives masks, record and verdict themselves.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - as MONAI declares it

    def __call__(self, data: torch.Tensor, *given: Any, **named: Any) -> torch.Tensor:
        """The edited image, or the image itself where the edit abstains; arguments as `counterfactual`."""
        image = as_image(data)
        said = image.meta.get(RECORD_KEY) if isinstance(image, MetaTensor) else None
        earlier = read_record(said)["edits"] if said else []
        told = signature(self.counterfactual).bind_partial(image, *given, **named).arguments
        named |= {} if "earlier" in told else {"earlier": earlier}
        results = self.results(image, *given, **named)
        edited = results[-1].image
        if isinstance(edited, MetaTensor):
            edited = MetaTensor(edited.as_tensor()).copy_meta_from(edited)  # the caller's own metadata stay as they are
            records = [result.record for result in results if result.record]
            edits = [*told.get("earlier", earlier), *records]
            edited.meta = {**edited.meta, RECORD_KEY: dump_record({"edits": edits})}
        return edited

    def results(self, img: torch.Tensor, *given: Any, **named: Any) -> list[Counterfactual]:
        """What became of each edit, in their order."""
        return [self.counterfactual(img, *given, **named)]

    @abstractmethod
    def counterfactual(self, img: torch.Tensor, *given: Any, **named: Any) -> Any:
        """Image, masks, record and verdict."""


class FilmEditd(MapTransform):
    """Edit the film under one key and keep masks, record and labels in step.

    `lesion`, `support` and `counterfactual` are always written; where the edit abstains they are zeros and a record
    that says why, and image and labels stay what they were. A second edit in a chain adds to them.

    Args:
        keys: key of the film.
        anatomy_key: key of the masks (S, H, W); where it is missing, `segmenter` must be given.
        lesion_key: key of the mask of what was inserted or deleted.
        support_key: key of the mask where pixels may differ.
        record_key: key of the record.
        findings_key: key of a feature vector to keep in step.
        vocabulary: of that vector: "carpa-19", "chexpert-14", "nih-14", or the path of a YAML file.
        label_key: key of a class number, or of a short vector with a place for each class, to keep in step.
        label_of: finding -> class number of that label, such as {"nodule": 1}; "no finding" names the class that films
            without any of them have.
        keep_before: leave the `..._before` keys that ValidityGated reads and removes.
        allow_missing_keys: pass samples without the film on as they are.

    Raises:
        ValueError: more than one key, `findings_key` without `vocabulary`, or one of `label_key` and `label_of` alone.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - as MONAI declares it

    def __init__(
        self,
        keys: KeysCollection,
        *,
        anatomy_key: Hashable = "anatomy",
        lesion_key: Hashable = "lesion",
        support_key: Hashable = "support",
        record_key: Hashable = "counterfactual",
        findings_key: Hashable | None = None,
        vocabulary: str | Vocabulary | None = None,
        label_key: Hashable | None = None,
        label_of: Mapping[str, int] | None = None,
        keep_before: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(
                f"an edit works on one film: give one key (got {ensure_tuple(keys)}); add a transform each."
            )
        if findings_key is not None and vocabulary is None:
            raise ValueError("findings_key needs vocabulary=, its name or the path of a YAML file.")
        if (label_key is None) != (label_of is None):
            raise ValueError("label_key needs label_of=, such as {'nodule': 1}, and label_of needs label_key=.")
        self.names = EditKeys(
            image=self.keys[0],
            anatomy=anatomy_key,
            lesion=lesion_key,
            support=support_key,
            record=record_key,
            findings=findings_key,
            vocabulary=None if vocabulary is None else load_vocabulary(vocabulary),
            label=label_key,
            label_of=None if label_of is None else class_numbers(label_of),
            keep_before=keep_before,
        )

    def __call__(self, data: Mapping[Hashable, Any]) -> Sample:
        """Edit the sample's film."""
        sample = dict(data)
        for _ in self.key_iterator(sample):
            sample = self.names.start(sample)
            sample = self.edited(sample)
        return sample

    def edited(self, sample: Sample) -> Sample:
        """The sample after this transform's edits, one unless a subclass makes several."""
        return self.names.finish(sample, self.edit_film(sample))

    @abstractmethod
    def edit_film(self, sample: Sample) -> Counterfactual:
        """Edit the film of a sample that has every key."""

    def require_term(self, finding: str) -> None:
        """Refuse a finding that the vocabulary cannot name, before any film is read."""
        if self.names.vocabulary is not None:
            self.names.vocabulary.term(finding)


def split_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of `FilmEditd` and of `EditLoop`, from the keyword arguments of an edit transform."""
    loop = {name: value for name, value in options.items() if name in LoopOptions.__annotations__}
    return {name: value for name, value in options.items() if name not in loop}, loop
