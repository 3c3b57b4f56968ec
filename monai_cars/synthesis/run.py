"""The run itself: read, segment, edit, gate, write, film by film."""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import monai
import numpy as np
import torch
from tqdm import tqdm

import monai_cars
from monai_cars.chest_xray.anatomy import Segmenter
from monai_cars.chest_xray.gate import default_gate
from monai_cars.editors import Editor
from monai_cars.edits.axes import Axes
from monai_cars.features import Vocabulary, apply_edit, as_vector, load_vocabulary, vector_of
from monai_cars.files.identity import created
from monai_cars.files.radiograph import Header, RadiographError, write_radiograph
from monai_cars.loop.choose_editor import make_editor
from monai_cars.loop.counterfactual import Counterfactual, make_counterfactual
from monai_cars.synthesis.datalist import datalist
from monai_cars.synthesis.film import PreparedFilm, prepare_film, reason_of
from monai_cars.synthesis.folder import DATALIST, RUN, RunFolder
from monai_cars.synthesis.patient import patient_of
from monai_cars.synthesis.plan import PlannedEdit, plan_edits
from monai_cars.synthesis.sources import Source, find_sources
from monai_cars.weights import RECORDS

REFUSED = 3  # exit status of a run that had to skip films


@dataclass
class Synthesis:
    """Counterfactuals of every film of a dataset, each edit in its own copy.

    Args:
        dataset: what :func:`monai_cars.synthesis.find_sources` takes.
        output_dir: folder for films, masks, manifest and datalist.
        edits: rows of the plan, see :func:`monai_cars.synthesis.plan_edits`.
        segmenter: any callable (1, H, W) -> (S, H, W), see ``monai_cars.chest_xray.anatomy``.
        seed: of all rows that name none.
        vocabulary: of the feature vectors: a built-in name or a YAML file.
        image_key: where an item of a datalist has its film.
        axes: how the films lie in their arrays, see :class:`monai_cars.edits.axes.Axes`; ``"auto"`` recognises it, and
            refuses what is no frontal chest film.
        profile: ``"cheap"`` or ``"full"`` gate.
        max_attempts: tries per edit before it abstains.
        created: ISO 8601 time that the written DICOM files carry; none by default, so that the same run gives the same
            bytes whenever it is made.
        editor: "attenuation", "stable_diffusion", "radedit", or an Editor.
        editor_weights: of a diffusion editor, see :func:`monai_cars.editors.make_editor`.
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
    editor: str | Editor = "attenuation"
    editor_weights: str | Path | None = None
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
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts must be at least 1 (got {self.max_attempts})")
        created({"created": self.created})
        sources = find_sources(self.dataset, image_key=self.image_key)
        for source in sources:
            _findings(source, self._vocabulary)
        plan = plan_edits(sources, self.edits, seed=self.seed)
        self._editor = make_editor(self.editor, self.editor_weights)
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

    def _film(self, folder: RunFolder, source: Source, edits: list[PlannedEdit], bar: tqdm[Any]) -> None:
        done = 0
        try:
            film = prepare_film(source, self.segmenter, axes=self.axes)
            shared = {
                "source": folder.relative(source.path),
                "source_name": source.name,
                "source_note": source.note,
                "axes": film.header.axes,
                "patient_id": patient_of(source, film.header),
                "anatomy": folder.write_mask(f"{film.name}-anatomy", film.anatomy.numpy()),
            }
            for planned in edits:
                line = {**shared, **self._edit(folder, film, planned)}
                folder.append(line)
                self.lines.append(line)
                done += 1
                bar.update()
        except RadiographError as refusal:  # one film that cannot be read or written must not end the others' run
            self.skipped.append({"source": source.name, "reason": reason_of(refusal, source)})
            bar.update(len(edits) - done)

    def _edit(self, folder: RunFolder, film: PreparedFilm, planned: PlannedEdit) -> dict[str, Any]:
        edit = planned.edit
        made = make_counterfactual(
            film.image,
            film.anatomy,
            edit,
            header=film.header,
            editor=self._editor,
            gate=default_gate(edit.finding, edit.operation, profile=self.profile),
            segmenter=self.segmenter,
            max_attempts=self.max_attempts,
        )
        name = f"{film.name}-{planned.number:02d}-{edit.operation}-{edit.finding.replace(' ', '_')}"
        before = _findings(planned.source, self._vocabulary)
        return {
            **made.record,
            **_write(folder, name, made, film.header, {"seed": self.seed, "created": self.created}),
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
            "segmenter": type(self.segmenter).__name__,
            "editor": {"name": self._editor.name, "weights": self._editor.weights},
            "weights": {name: record.sha256 for name, record in RECORDS.items()},
            "seed": self.seed,
            "edits": [dict(row) for row in self.edits],
            "gate": self.profile,
            "max_attempts": self.max_attempts,
            "vocabulary": self._vocabulary.name,
            "skipped": self.skipped,
        }


def _write(
    folder: RunFolder, name: str, made: Counterfactual, header: Header, plan: Mapping[str, Any]
) -> dict[str, str | None]:
    if not made.accepted:
        return {"output": None, "output_sha256": None, "lesion": None, "support": None}
    # DICOM holds integers of up to 16 bits; any other film goes into the format that keeps its values.
    target = folder.path / "films" / (f"{name}.dcm" if header.integer and header.bits <= 16 else f"{name}.nii.gz")
    write_radiograph(target, made.image, header=header, support=made.support, record=made.record, plan=plan)
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
