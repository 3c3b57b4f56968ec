"""One film of a run, read and segmented, or refused with a reason."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from monai.data import MetaTensor

from monai_cars.echo import cause, echo, printable
from monai_cars.edits.axes import Axes, to_standard
from monai_cars.edits.claim import claim_of_file
from monai_cars.files.padding import without_padding
from monai_cars.files.radiograph import Header, Radiograph, RadiographError, read_radiograph
from monai_cars.files.spelling import in_one_line
from monai_cars.files.synthetic import says_synthetic
from monai_cars.loop.segmentation import maker_of, segmented
from monai_cars.modality import Modality, Segmenter
from monai_cars.synthesis.source import Source


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
        said = [self.source.name, self.header.sha256, *([self.source.item] if self.source.item else [])]
        return hashlib.sha256("\0".join(said).encode()).hexdigest()[:12]


def prepare_film(
    source: Source, segmenter: Segmenter, *, axes: str = "auto", modality: Modality, synthetic: bool = False
) -> PreparedFilm:
    """Read a film, find out how it lies, segment it.

    Args:
        source: the film.
        segmenter: sees it upright and bright = dense.
        axes: how it lies, or ``"auto"``: what its file says, held against what its anatomy shows.
        modality: the organ that it shows.
        synthetic: films that are marked as synthetic were asked for.

    Raises:
        RadiographError: it cannot be read, is no frontal chest film, lies as nobody can tell or otherwise than its
            file says, is marked as synthetic, or its box does not fit.
    """
    radiograph = read_radiograph(source.path, spacing=source.spacing)
    # A datalist that passes the film's record on asks for it.
    if not synthetic and not source.earlier and says_synthetic(source.path):
        raise RadiographError(
            f"{source.name}: a film must be real (got one that is marked as synthetic); counterfactuals are edited "
            "again only when that is asked for: --synthetic_sources True"
        )
    _check_box(source, radiograph.image)
    seen = replace(radiograph, image=without_padding(radiograph.image, radiograph.header)[0])
    found = _recognised(modality, seen, source.name) if axes == "auto" else Axes.parse(axes)
    anatomy, _ = segmented(seen.image, segmenter, str(found), modality=modality)
    masks = (anatomy.as_tensor() if isinstance(anatomy, MetaTensor) else anatomy)[: len(modality.structures)]
    if axes == "auto":
        modality.screen_masks(to_standard(masks, found), source.name)
    maker = maker_of(segmenter)
    header = replace(radiograph.header, axes=str(found), laterality=found.laterality, segmenter=maker)
    return PreparedFilm(source, radiograph.image, header, masks)


def reason_of(error: Exception, source: Source, output: Path | None = None) -> str:
    r"""Why a film was left out, in one line, without its place on this machine and without what its name stands for.

    Args:
        error: what stopped it. Only refusals speak for themselves; of any other, no value that it quotes is told.
        source: the film.
        output: folder of the run, which messages about its files name.

    Example:
        >>> reason_of(KeyError("a\nb"), Source(Path("/data/a.png"), "a.png"))
        'it could not be worked on: KeyError; report it if the film is sound'
    """
    text = str(error)
    if output is not None:
        text = text.replace(f"{output}{os.sep}", "")
    for said in (str(source.path), *source.hides):
        text = text.replace(said, source.name).replace(printable(said), source.name)  # as messages show it, too
    if not isinstance(error, RadiographError):
        text = f"it could not be worked on: {cause(error)}; report it if the film is sound"
    return in_one_line(text).removeprefix(f"{source.name}: ")


def _recognised(modality: Modality, radiograph: Radiograph, name: str) -> Axes:
    header = radiograph.header
    return modality.orient(radiograph.image, claim_of_file(header.axes, header.laterality), name)


def _check_box(source: Source, image: torch.Tensor) -> None:
    height, width = image.shape[-2:]
    if source.box is not None and (source.box[2] > height or source.box[3] > width):
        raise RadiographError(
            f"{source.name}: box must lie inside the film of {height} x {width} pixels (got {echo(list(source.box))}); "
            "give it in native pixels, rows first"
        )
