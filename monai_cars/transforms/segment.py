"""Segment the anatomy of a film, however it lies in its array."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends

from monai_cars.edits.axes import Axes
from monai_cars.files.radiograph import HEADER_POSTFIX, META_KEY, Header, header_of
from monai_cars.loop.claim import NOTED_KEY, step_of
from monai_cars.loop.segmentation import maker_of, segmented, segmenter_on
from monai_cars.loop.state import as_image, current_header
from monai_cars.modality import DEFAULT_ORGAN, Segmenter, modality_named
from monai_cars.weights import WeightsRecord, record_of

__all__ = ["SegmentAnatomy", "SegmentAnatomyD", "SegmentAnatomyDict", "SegmentAnatomyd"]


class SegmentAnatomy(Transform):
    """Segment the structures of an organ in the image's own axes: of a chest film both whole lung fields and the heart.

    Takes what any chain hands over: native values or scaled ones, one channel or three equal ones, transposed, flipped
    and inverted films. What a film's file and affine say of how it lies is held against its anatomy; where nobody says
    anything, the anatomy decides. A film that contradicts what is said, or stays unsure, is refused. It holds names,
    never weights.

    Args:
        segmenter: any callable from an upright film `(1, H, W)`, bright = dense, to masks `(S, H, W)` ordered as the
            organ's `structures`; None is the shipped one.
        axes: "auto", or how the films lie, one of `monai_cars.edits.axes.ORDERS`, with "-inverted" behind it
            where dense tissue is dark. When given, nothing is recognised and nothing is refused.
        weights: of the organ's network, when `segmenter` is None: a shipped name such as "cars_anatomy", "hub", a
            WeightsRecord, "owner/repo/file.safetensors@commit" or a path; see `monai_cars.weights.record_of`. None are
            the shipped ones.
        device: where the shipped segmenter runs; None is the image's.
        organ: name of the modality that the films are of.

    Raises:
        ValueError: `axes` is none of these, no such organ, or no segmenter ships for it.
        WeightsError: `weights` is none of these.

    Example:
        >>> masks = SegmentAnatomy(segmenter=lambda film: film.repeat(3, 1, 1) > 0.5, axes="WH")(torch.rand(1, 80, 70))
        >>> masks.shape, masks.dtype
        (torch.Size([3, 80, 70]), torch.uint8)
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - as MONAI declares it

    def __init__(
        self,
        segmenter: Segmenter | None = None,
        *,
        axes: str = "auto",
        weights: str | Path | WeightsRecord | None = None,
        device: torch.device | str | None = None,
        organ: str = DEFAULT_ORGAN,
    ) -> None:
        modality = modality_named(organ)
        self.organ = organ
        self.segmenter, self.axes, self.device = segmenter, axes, str(device) if device is not None else None
        if axes != "auto":
            Axes.parse(axes)
        if segmenter is None and weights is None and modality.weights is None:
            raise ValueError(f"no segmenter ships for {organ!r}: give segmenter=, any callable of your own")
        self.weights = record_of(weights or str(modality.weights)) if segmenter is None else None
        # In plain attributes, so that a cache keyed on the pickled transform notices other weights.
        self.weights_sha256 = self.weights.sha256 if self.weights else None
        self.weights_revision = self.weights.revision if self.weights else None

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """Masks `(S, H, W)` uint8 with the image's affine and header; see `segment` for the axes too.

        Raises:
            RadiographError: no frontal chest film, or it is unsure how it lies (only with `axes="auto"`).
        """
        return self.segment(image)[0]

    def segment(self, image: torch.Tensor, header: str | None = None) -> tuple[torch.Tensor, Axes]:
        """Masks `(S, H, W)` uint8, and how the film lies in its array.

        Args:
            image: see `__call__`.
            header: JSON of `<key>_header`, for an image that a cache has stripped of its metadata.
        """
        device = image.device if isinstance(image, torch.Tensor) else torch.device("cpu")
        return segmented(
            image, self._segmenter(device), self.axes, modality=self.organ, maker=self.maker, header=header
        )

    @property
    def maker(self) -> str:
        """Who makes the masks, for the record."""
        return maker_of(self.weights or self.segmenter)

    def _segmenter(self, device: torch.device) -> Segmenter:
        if self.segmenter is not None:
            return self.segmenter
        return segmenter_on(self.device or device, self.weights or "", self.organ)


class SegmentAnatomyd(MapTransform):
    """Dictionary form of `SegmentAnatomy`; a header that the image has then says how it lies.

    Args:
        keys: one key of a film.
        anatomy_key: where the masks go.
        segmenter: see `SegmentAnatomy`.
        axes: see `SegmentAnatomy`.
        device: see `SegmentAnatomy`.
        allow_missing_keys: leave out a key that is not there.
        weights: see `SegmentAnatomy`.
        organ: see `SegmentAnatomy`.

    Raises:
        ValueError: more than one key, or `axes` is none of the known ones.

    Example:
        >>> two = SegmentAnatomyd(keys="image", segmenter=lambda film: film.repeat(3, 1, 1) > 0.5, axes="HW")
        >>> two({"image": torch.rand(1, 80, 70)})["anatomy"].shape
        torch.Size([3, 80, 70])
    """

    backend = SegmentAnatomy.backend

    def __init__(
        self,
        keys: KeysCollection = "image",
        anatomy_key: str = "anatomy",
        segmenter: Segmenter | None = None,
        axes: str = "auto",
        device: torch.device | str | None = None,
        allow_missing_keys: bool = False,
        weights: str | Path | WeightsRecord | None = None,
        organ: str = DEFAULT_ORGAN,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(
                f"keys must name one film (got {self.keys}); use one SegmentAnatomyd with its own anatomy_key a film"
            )
        self.anatomy_key = anatomy_key
        self.segmenter = SegmentAnatomy(segmenter, axes=axes, weights=weights, device=device, organ=organ)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the dictionary with the masks added and the axes noted in the image's header."""
        out = dict(data)
        for key in self.key_iterator(out):
            image = as_image(out[key])
            text = out.get(f"{key}{HEADER_POSTFIX}")
            out[self.anatomy_key], axes = self.segmenter.segment(image, text)
            out[key] = _noted(image, axes, self.segmenter.maker)
            if text is not None:
                # The scale at this size: a cache that drops metadata drops the affine that tells it.
                now = current_header(out[key][:1], out[self.anatomy_key], modality=self.segmenter.organ)
                maker = self.segmenter.maker
                noted = replace(
                    Header.from_json(text),
                    axes=str(axes),
                    laterality=axes.laterality,
                    spacing=now.spacing,
                    aspect=now.aspect,
                    segmenter=maker,
                )
                out[f"{key}{HEADER_POSTFIX}"] = noted.to_json()
        return out


def _noted(image: torch.Tensor, axes: Axes, maker: str) -> torch.Tensor:
    """The image with its axes and its masks' maker in its header; without a header the masks tell how it lies."""
    if not isinstance(image, MetaTensor) or META_KEY not in image.meta:
        return image
    noted = MetaTensor(image.as_tensor()).copy_meta_from(image)
    header = header_of(image[:1])
    said = replace(header, axes=str(axes), laterality=axes.laterality, segmenter=maker)
    noted.meta = {**image.meta, META_KEY: said.to_json()}
    if step_of(image) not in (None, "HW"):  # the axes are those that the array has now, not those it was loaded in
        noted.meta[NOTED_KEY] = torch.as_tensor(image.affine).clone()
    return noted


SegmentAnatomyD = SegmentAnatomyDict = SegmentAnatomyd
