"""The run itself: read, segment, edit, gate, write, film by film."""

from __future__ import annotations

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
from monai_cars.echo import echo, printable
from monai_cars.editors import Editor
from monai_cars.edits.axes import Axes
from monai_cars.features import Vocabulary, load_vocabulary
from monai_cars.files.deidentification import deidentification_of
from monai_cars.files.identity import created
from monai_cars.loop.edit_loop import editor_of
from monai_cars.modality import Modality, Segmenter, shared_modality
from monai_cars.synthesis.datalist import datalist
from monai_cars.synthesis.folder import DATALIST, RUN, RunFolder
from monai_cars.synthesis.plan import PlannedEdit, plan_edits
from monai_cars.synthesis.sources import find_sources
from monai_cars.synthesis.task import Task, Work, findings_of, run_task
from monai_cars.weights import RECORDS

REFUSED = 3  # exit status of a run that had to skip films


@dataclass
class Synthesis:
    """Counterfactuals of every film of a dataset, each edit in its own copy.

    Args:
        dataset: what :func:`monai_cars.synthesis.find_sources` takes.
        output_dir: folder for films, masks, manifest and datalist.
        edits: rows of the plan, see :func:`monai_cars.synthesis.plan_edits`.
        segmenter: any callable (1, H, W) -> (S, H, W), see `monai_cars.modality.Segmenter`.
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
        retain: what written DICOM films keep of their sources' identity, see
            :class:`monai_cars.files.deidentification.Deidentification`; nothing by default.
        uid_key_file: file whose content is the secret key that keeps films of a patient, study and series together.
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
    retain: Sequence[str] = ()
    uid_key_file: str | Path | None = None
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
        if type(self.max_attempts) is not int or self.max_attempts < 1:
            raise ValueError(f"max_attempts must be at least 1 (got {echo(self.max_attempts)})")
        created({"created": self.created})
        self._deidentification = deidentification_of(self.retain, self.uid_key_file)
        sources = find_sources(self.dataset, image_key=self.image_key)
        for source in sources:
            findings_of(source, self._vocabulary)
        plan = plan_edits(sources, self.edits, seed=self.seed)
        organ = shared_modality(planned.edit.finding for planned in plan)
        self._editor = editor_of(organ, self.editor, self.editor_weights)
        for planned in plan:
            organ.gate(planned.edit.operation, planned.edit.finding, self.profile)
            if planned.edit.operation != "sham":
                self._vocabulary.term(planned.edit.finding)
        RunFolder(self.output_dir).refuse_another(self._provenance(organ), {source.name for source in sources})
        return plan

    def run(self) -> Synthesis:
        """Make and write everything; a film that cannot be read or is no frontal chest film is skipped and listed."""
        plan = self.check()
        self.lines, self.skipped = [], []
        folder = RunFolder(self.output_dir).start()
        work = self._work()
        with tqdm(total=len(plan), desc="counterfactuals", unit="edit", disable=not self.progress) as bar:
            for task in tasks(plan):
                done = run_task(task, work, folder)
                for line in done.lines:
                    folder.append(line)
                self.lines += done.lines
                if done.refused:
                    self.skipped.append({"source": task.source.name, "reason": done.refused})
                bar.update(len(task.edits))
        folder.write_json(DATALIST, datalist(self.lines, self._vocabulary))
        organ = shared_modality(planned.edit.finding for planned in plan)
        folder.write_json(RUN, {**self._provenance(organ), "skipped": self.skipped})
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
            print(printable(f"skipped {skip['source']}: {skip['reason']}"), file=sys.stderr)
        if self.skipped:
            raise SystemExit(REFUSED)

    @property
    def _vocabulary(self) -> Vocabulary:
        return self.vocabulary if isinstance(self.vocabulary, Vocabulary) else load_vocabulary(self.vocabulary)

    def _work(self) -> Work:
        return Work(
            segmenter=self.segmenter,
            editor=self._editor,
            vocabulary=self._vocabulary,
            seed=self.seed,
            axes=self.axes,
            profile=self.profile,
            max_attempts=self.max_attempts,
            created=self.created,
            deidentification=self._deidentification,
        )

    def _provenance(self, organ: Modality) -> dict[str, Any]:
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
            "axes": self.axes,
            "created": self.created,
            "retain": list(self._deidentification.retain),
            "uids": "keyed" if self._deidentification.key else "of each file",
            "vocabulary": self._vocabulary.name,
            "organ": organ.name,
            "unit": organ.unit_means,
            "structures": list(organ.structures),
            "colours": {name: list(organ.colours[name]) for name in organ.structures},
        }


def tasks(plan: Sequence[PlannedEdit]) -> list[Task]:
    """A task a film, in the plan's order."""
    groups = groupby(plan, key=lambda planned: planned.source)
    return [Task(source, tuple((each.number, each.edit) for each in edits)) for source, edits in groups]
