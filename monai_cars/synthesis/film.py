"""One film of a run, read and segmented, or refused with a reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import torch
from monai.data import MetaTensor

from monai_cars.echo import echo, printable
from monai_cars.edits.axes import Axes
from monai_cars.files.radiograph import Header, Radiograph, RadiographError, read_radiograph
from monai_cars.loop.segmentation import maker_of, segmented
from monai_cars.modality import Modality, Segmenter
from monai_cars.synthesis.sources import Source


@dataclass(frozen=True)
class PreparedFilm:
    """A film as the edits take it.

    Args:
        source: where it comes from.
        image: (1, H, W) float32, native values.
        header: what is known of it, with how it lies.
        anatomy: (S, H, W) uint8 masks in the film's own axes.
    """

    source: Source
    image: torch.Tensor
    header: Header
    anatomy: torch.Tensor

    @property
    def name(self) -> str:
        """Name for its files: no person can be told from it, and it stays when films are added to the folder."""
        return hashlib.sha256(f"{self.source.name}\0{self.header.sha256}".encode()).hexdigest()[:12]


def prepare_film(source: Source, segmenter: Segmenter, *, axes: str = "auto", modality: Modality) -> PreparedFilm:
    """Read a film, find out how it lies, segment it.

    Args:
        source: the film.
        segmenter: sees it upright and bright = dense.
        axes: how it lies, or ``"auto"``: what its anatomy shows, else what its file says.
        modality: the organ that it shows.

    Raises:
        RadiographError: it cannot be read, is no frontal chest film, or its box does not fit.
    """
    radiograph = read_radiograph(source.path, spacing=source.spacing)
    _check_box(source, radiograph.image)
    found = _recognised(modality, radiograph, source.name) if axes == "auto" else Axes.parse(axes)
    anatomy, _ = segmented(radiograph.image, segmenter, str(found), modality=modality)
    masks = (anatomy.as_tensor() if isinstance(anatomy, MetaTensor) else anatomy)[: len(modality.structures)]
    header = replace(radiograph.header, axes=str(found), segmenter=maker_of(segmenter))
    return PreparedFilm(source, radiograph.image, header, masks)


def reason_of(refusal: RadiographError, source: Source) -> str:
    """The message without the film's place on this machine, which the list of skipped films need not tell."""
    shown, name = printable(str(source.path)), printable(source.name)
    return str(refusal).replace(shown, name).removeprefix(f"{name}: ")


def _recognised(modality: Modality, radiograph: Radiograph, name: str) -> Axes:
    modality.screen(radiograph.image, name)
    try:
        return modality.orient(radiograph.image)
    except RadiographError:  # unsure; files hold films upright far more often than not
        return Axes.parse(radiograph.header.axes)


def _check_box(source: Source, image: torch.Tensor) -> None:
    height, width = image.shape[-2:]
    if source.box is not None and (source.box[2] > height or source.box[3] > width):
        raise RadiographError(
            f"{source.name}: box must lie inside the film of {height} x {width} pixels (got {echo(list(source.box))}); "
            "give it in native pixels, rows first"
        )
