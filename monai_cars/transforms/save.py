"""Save an edited radiograph, its masks and its record."""

import json
import os
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends

from monai_cars.files.atomic import write_atomically
from monai_cars.files.deidentification import Deidentification
from monai_cars.files.identity import digest, edits_of
from monai_cars.files.mask_png import mask_png
from monai_cars.files.radiograph import HEADER_POSTFIX, Header, header_of, write_radiograph
from monai_cars.files.writing import ENCODERS
from monai_cars.loop.one_film import require_one_film

__all__ = ["SaveRadiograph", "SaveRadiographD", "SaveRadiographDict", "SaveRadiographd", "output_name"]


class SaveRadiograph(Transform):
    """Write an edited film with its lesion, support and anatomy masks as PNG and its record as JSON.

    Outside the support every native value is the source's own; an image that was rescaled, resized or flipped since
    LoadRadiograph is refused. The files are named after the source and the edit, so the same edit overwrites itself and
    no other.

    Args:
        output_dir: folder, made as needed.
        output_format: ".dcm", ".png", ".nii.gz" or ".nii", see `monai_cars.files.radiograph.write_radiograph`.
        plan: the run plan, JSON-safe; it enters the UIDs of DICOM files, and its "created" gives their dates.
        deidentification: what DICOM files keep of their source's identity; nothing by default.

    Example:
        >>> SaveRadiograph("runs/films", output_format=".png").output_format
        '.png'
    """

    backend = [TransformBackends.NUMPY]  # noqa: RUF012 - as MONAI declares it

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        *,
        output_format: str = ".dcm",
        plan: Mapping[str, Any] | None = None,
        deidentification: Deidentification | None = None,
    ) -> None:
        if output_format not in ENCODERS:
            raise ValueError(
                f"output_format must be one of {tuple(ENCODERS)} (got {output_format!r}); JPEG would change values"
            )
        self.output_dir = os.fspath(output_dir)
        self.output_format = output_format
        self.plan = None if plan is None else dict(plan)
        self.deidentification = deidentification or Deidentification()

    def __call__(
        self,
        image: torch.Tensor,
        support: torch.Tensor | None = None,
        lesion: torch.Tensor | None = None,
        anatomy: torch.Tensor | None = None,
        record: Mapping[str, Any] | str | None = None,
    ) -> torch.Tensor:
        """Write the files and return the image as it is.

        Args:
            image: ``(1, H, W)`` from LoadRadiograph, edited or not.
            support: ``(1, H, W)``, not zero where pixels may differ; None means nowhere.
            lesion: ``(1, H, W)`` mask, or None.
            anatomy: ``(S, H, W)`` masks, or None.
            record: value of the "counterfactual" key, or None.

        Raises:
            RadiographError: when the image is no longer the film outside the support.
        """
        self.save(image, support=support, lesion=lesion, anatomy=anatomy, record=record)
        return image

    def save(
        self,
        image: torch.Tensor,
        *,
        support: torch.Tensor | None = None,
        lesion: torch.Tensor | None = None,
        anatomy: torch.Tensor | None = None,
        record: Mapping[str, Any] | str | None = None,
        header: Header | None = None,
    ) -> dict[str, str]:
        """Write the files and return their paths, keyed by what they hold: "image", "support", "record" ..."""
        header = header or header_of(image)
        name = str(Path(self.output_dir) / output_name(header, record))
        support = torch.zeros_like(torch.as_tensor(image), dtype=torch.uint8) if support is None else support
        paths = {"image": name + self.output_format}
        write_radiograph(
            paths["image"],
            image,
            header=header,
            support=support,
            record=record,
            plan=self.plan,
            deidentification=self.deidentification,
        )
        for kind, mask in (("support", support), ("lesion", lesion), ("anatomy", anatomy)):
            if mask is not None:
                paths[kind] = f"{name}_{kind}.png"
                write_atomically(paths[kind], mask_png(mask))
        paths["record"] = f"{name}.json"
        text = json.dumps({"edits": edits_of(record)}, indent=1)
        write_atomically(paths["record"], text.encode())
        return paths


def output_name(header: Header, record: Mapping[str, Any] | str | None) -> str:
    """Return the name, without suffix, that a film's edit gets: source, edit in words, short hash of both.

    Example:
        >>> header = Header(source="a/film.nii.gz", sha256="ab", format="nifti")
        >>> output_name(header, {"operation": "insert", "finding": "nodule"})[:-8]
        'film_insert-nodule_'
    """
    edits = edits_of(record)
    stem = Path(header.source).name
    stem = stem[:-7] if stem.lower().endswith(".nii.gz") else Path(stem).stem
    said = "-".join(str(edit[key]) for edit in edits for key in ("operation", "finding") if edit.get(key)) or "unedited"
    safe = "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in said)[:60]
    return f"{stem}_{safe}_{digest(header.sha256, edits).hex()[:8]}"


class SaveRadiographd(MapTransform):
    """Dictionary form of `SaveRadiograph`; masks and record are written where their keys are there.

    Args:
        keys: keys of the films.
        output_dir: folder, made as needed.
        output_format: ".dcm", ".png", ".nii.gz" or ".nii".
        support_key: mask outside which nothing may have changed.
        lesion_key: lesion mask.
        anatomy_key: anatomy masks.
        record_key: the record, one JSON string.
        saved_key: receives the paths written, one JSON string ``{key: {"image": path, ...}}``; None to leave it out.
        plan: see `SaveRadiograph`.
        deidentification: see `SaveRadiograph`.
        allow_missing_keys: leave out keys that are not there.

    Example:
        >>> SaveRadiographd(keys="image", output_dir="runs/films").saved_key
        'saved'
    """

    backend = SaveRadiograph.backend

    def __init__(
        self,
        keys: KeysCollection,
        output_dir: str | os.PathLike[str],
        *,
        output_format: str = ".dcm",
        support_key: str = "support",
        lesion_key: str = "lesion",
        anatomy_key: str = "anatomy",
        record_key: str = "counterfactual",
        saved_key: str | None = "saved",
        plan: Mapping[str, Any] | None = None,
        deidentification: Deidentification | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.companions = {
            "support": support_key,
            "lesion": lesion_key,
            "anatomy": anatomy_key,
            "record": record_key,
        }
        self.saved_key = saved_key
        self.saver = SaveRadiograph(
            output_dir, output_format=output_format, plan=plan, deidentification=deidentification
        )

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the files; the dictionary comes back with their paths added."""
        out = dict(data)
        present = {name: out[key] for name, key in self.companions.items() if key in out}
        saved = {}
        for key in self.key_iterator(out):
            self._require_its_own(out, key)
            header = header_of(out[key], out.get(f"{key}{HEADER_POSTFIX}"))
            saved[str(key)] = self.saver.save(out[key], header=header, **present)
        if self.saved_key is not None:
            out[self.saved_key] = json.dumps(saved)
        return out

    def _require_its_own(self, sample: Mapping[Hashable, Any], key: Hashable) -> None:
        """Refuse a record of another film, whose masks would be written beside this one."""
        named = self.companions["record"]
        record = sample.get(named)
        found = json.loads(record) if isinstance(record, str) else record
        if isinstance(found, Mapping) and "edits" in found:
            require_one_film(sample, key, found, named)


SaveRadiographD = SaveRadiographDict = SaveRadiographd
