"""The run itself: read, segment, edit, gate, write, film by film."""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import monai
import numpy as np
import torch
from tqdm import tqdm

import monai_cars
from monai_cars.anatomy import Segmenter
from monai_cars.axes import Axes, from_standard, recognise_axes, to_standard
from monai_cars.counterfactual import Counterfactual, make_counterfactual
from monai_cars.features import Vocabulary, apply_edit, as_vector, load_vocabulary, vector_of
from monai_cars.gates import default_gate
from monai_cars.radiograph import Radiograph, RadiographError, read_radiograph, write_radiograph
from monai_cars.screening import require_frontal
from monai_cars.synthesis.datalist import datalist
from monai_cars.synthesis.folder import DATALIST, RUN, RunFolder
from monai_cars.synthesis.patient import patient_of
from monai_cars.synthesis.plan import PlannedEdit, plan_edits
from monai_cars.synthesis.sources import Source, find_sources

REFUSED = 3  # exit status of a run that had to skip films


@dataclass
class Synthesis:
    """Counterfactuals of every film of a dataset, each edit in its own copy.

    Args:
        dataset: what :func:`monai_cars.synthesis.find_sources` takes.
        output_dir: folder for films, masks, manifest and datalist.
        edits: rows of the plan, see :func:`monai_cars.synthesis.plan_edits`.
        segmenter: any callable (1, H, W) -> (S, H, W), see ``monai_cars.anatomy``.
        seed: of all rows that name none.
        vocabulary: of the feature vectors: a built-in name or a YAML file.
        image_key: where an item of a datalist has its film.
        axes: how the films lie in their arrays, see :class:`monai_cars.axes.Axes`; ``"auto"`` recognises it, and
            refuses what is no frontal chest film.
        profile: ``"cheap"`` or ``"full"`` gate.
        max_attempts: tries per edit before it abstains.
        created: ISO 8601 time that the written DICOM files carry; none by default, so that the same run gives the same
            bytes whenever it is made.
        progress: show a progress bar.
    """

    dataset: str | Path
    output_dir: str | Path
    edits: Sequence[Mapping[str, Any]]
    segmenter: Segmenter
    seed: int = 0
    vocabulary: str | Path | Vocabulary = "carpa-19"
    image_key: str = "image"
    axes: str = "auto"
    profile: str = "cheap"
    max_attempts: int = 4
    created: str | None = None
    progress: bool = True
    lines: list[dict[str, Any]] = field(default_factory=list, init=False)
    skipped: list[dict[str, str]] = field(default_factory=list, init=False)

    def check(self) -> list[PlannedEdit]:
        """The plan, after every input was checked and before anything is written.

        Raises:
            ValueError: no films, a malformed datalist, plan, vocabulary or findings; the message names it.
            FileExistsError: the output folder holds something that no run made.
        """
        RunFolder(self.output_dir)
        if self.axes != "auto":
            Axes.parse(self.axes)
        sources = find_sources(self.dataset, image_key=self.image_key)
        for source in sources:
            _findings(source, self._vocabulary)
        plan = plan_edits(sources, self.edits, seed=self.seed)
        for planned in plan:
            default_gate(planned.edit.finding, planned.edit.operation, profile=self.profile)
        return plan

    def run(self) -> Synthesis:
        """Make and write everything; a film that cannot be read or is no frontal chest film is skipped and listed."""
        plan = self.check()
        self.lines, self.skipped = [], []
        folder = RunFolder(self.output_dir).start()
        with tqdm(total=len(plan), desc="counterfactuals", unit="edit", disable=not self.progress) as bar:
            for source, edits in groupby(plan, key=lambda planned: planned.source):
                self._film(folder, source, list(edits), bar)
        folder.write_json(DATALIST, datalist(self.lines, self._vocabulary))
        folder.write_json(RUN, self._provenance())
        folder.finish()
        return self

    def finish(self) -> None:
        """Say what was made; end the process with status 3 when films were skipped.

        Raises:
            SystemExit: films were skipped.
        """
        accepted = sum(line["accepted"] for line in self.lines)
        print(f"{accepted} of {len(self.lines)} edits accepted; written to {self.output_dir}")
        for skip in self.skipped:
            print(f"skipped {skip['source']}: {skip['reason']}", file=sys.stderr)
        if self.skipped:
            raise SystemExit(REFUSED)

    @property
    def _vocabulary(self) -> Vocabulary:
        return self.vocabulary if isinstance(self.vocabulary, Vocabulary) else load_vocabulary(self.vocabulary)

    def _film(self, folder: RunFolder, source: Source, edits: list[PlannedEdit], bar: tqdm) -> None:
        try:
            radiograph = self._read(source)
            anatomy = _segment(self.segmenter, radiograph)
        except RadiographError as refusal:
            self.skipped.append({"source": source.name, "reason": _reason(refusal, source)})
            bar.update(len(edits))
            return
        name = _name(source, radiograph.header.sha256)
        shared = {
            "source": folder.relative(source.path),
            "source_name": source.name,
            "source_note": source.note,
            "axes": radiograph.header.axes,
            "patient_id": patient_of(source, radiograph.header),
            "anatomy": folder.write_mask(f"{name}-anatomy", anatomy.numpy()),
        }
        for planned in edits:
            line = {**shared, **self._edit(folder, name, planned, radiograph, anatomy)}
            folder.append(line)
            self.lines.append(line)
            bar.update()

    def _read(self, source: Source) -> Radiograph:
        radiograph = read_radiograph(source.path, spacing=source.spacing)
        _check_box(source, radiograph.image)
        axes = _axes(radiograph, source.name) if self.axes == "auto" else Axes.parse(self.axes)
        return replace(radiograph, header=replace(radiograph.header, axes=str(axes)))

    def _edit(
        self, folder: RunFolder, film: str, planned: PlannedEdit, radiograph: Radiograph, anatomy: torch.Tensor
    ) -> dict[str, Any]:
        edit = planned.edit
        made = make_counterfactual(
            radiograph.image,
            anatomy,
            edit,
            header=radiograph.header,
            gate=default_gate(edit.finding, edit.operation, profile=self.profile),
            segmenter=self.segmenter,
            max_attempts=self.max_attempts,
        )
        name = f"{film}-{planned.number:02d}-{edit.operation}-{edit.finding}"
        before = _findings(planned.source, self._vocabulary)
        return {
            **made.record,
            **_write(folder, name, made, radiograph, {"seed": self.seed, "created": self.created}),
            "findings_before": self._known(before),
            "findings": self._known(self._after(before, made)),
        }

    def _after(self, before: torch.Tensor, made: Counterfactual) -> torch.Tensor:
        if not made.accepted:
            return before
        finding, operation = made.record["finding"], made.record["operation"]
        return apply_edit(before, self._vocabulary, finding, operation, instance_only=made.record["instance_only"])

    def _known(self, vector: torch.Tensor) -> dict[str, float]:
        """Only what is known: NaN has no place in strict JSON."""
        values = zip(self._vocabulary.findings, vector.tolist(), strict=True)
        return {name: round(value, 4) for name, value in values if not math.isnan(value)}

    def _provenance(self) -> dict[str, Any]:
        return {
            "notice": "SYNTHETIC - NOT FOR DIAGNOSIS",
            "versions": {
                "monai_cars": monai_cars.__version__,
                "monai": monai.__version__,
                "torch": torch.__version__,
                "numpy": np.__version__,
            },
            "seed": self.seed,
            "edits": [dict(row) for row in self.edits],
            "gate": self.profile,
            "max_attempts": self.max_attempts,
            "vocabulary": self._vocabulary.name,
            "skipped": self.skipped,
        }


def _reason(refusal: RadiographError, source: Source) -> str:
    """The message without the film's place on this machine, which the list of skipped films need not tell."""
    return str(refusal).replace(str(source.path), source.name).removeprefix(f"{source.name}: ")


def _check_box(source: Source, image: torch.Tensor) -> None:
    height, width = image.shape[-2:]
    if source.box is not None and (source.box[2] > height or source.box[3] > width):
        raise RadiographError(
            f"{source.name}: box must lie inside the film of {height} x {width} pixels (got {list(source.box)}); "
            "give it in native pixels, rows first"
        )


def _axes(radiograph: Radiograph, name: str) -> Axes:
    """How a film lies: what its anatomy shows, else what its file says. No frontal chest film is refused."""
    require_frontal(radiograph.image, source=name)
    try:
        return recognise_axes(radiograph.image)
    except RadiographError:  # unsure; files hold films upright far more often than not
        return Axes.parse(radiograph.header.axes)


def _segment(segmenter: Segmenter, radiograph: Radiograph) -> torch.Tensor:
    """Masks (S, H, W) in the film's own axes; the segmenter sees it upright and bright = dense."""
    axes = Axes.parse(radiograph.header.axes)
    upright = to_standard(radiograph.image, axes).contiguous()
    return from_standard(segmenter(-upright if axes.inverted else upright), axes).contiguous()


def _name(source: Source, sha256: str) -> str:
    """Names no person can be told from, stable when films are added to the folder."""
    return hashlib.sha256(f"{source.name}\0{sha256}".encode()).hexdigest()[:12]


def _write(
    folder: RunFolder, name: str, made: Counterfactual, radiograph: Radiograph, plan: Mapping[str, Any]
) -> dict[str, str | None]:
    if not made.accepted:
        return {"output": None, "output_sha256": None, "lesion": None, "support": None}
    # DICOM holds integers only; a film of real numbers goes into the format that keeps them.
    target = folder.path / "films" / (f"{name}.dcm" if radiograph.header.integer else f"{name}.nii.gz")
    write_radiograph(target, made.image, header=radiograph.header, support=made.support, record=made.record, plan=plan)
    return {
        "output": target.relative_to(folder.path).as_posix(),
        "output_sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "lesion": folder.write_mask(f"{name}-lesion", made.lesion[0].numpy()),
        "support": folder.write_mask(f"{name}-support", made.support[0].numpy()),
    }


def _findings(source: Source, vocabulary: Vocabulary) -> torch.Tensor:
    findings = {} if source.findings is None else source.findings
    if isinstance(findings, Mapping):
        findings = {vocabulary.term(name): value for name, value in findings.items()}
        return vector_of(findings, vocabulary)
    return as_vector(findings, vocabulary)
