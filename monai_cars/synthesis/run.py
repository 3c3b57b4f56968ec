"""The run itself: read, segment, edit, gate, write, film by film."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import monai
import numpy as np
import torch
from tqdm import tqdm

import monai_cars
from monai_cars.echo import cause
from monai_cars.editors import Editor
from monai_cars.edits.axes import Axes
from monai_cars.features import Vocabulary, load_vocabulary
from monai_cars.files.deidentification import deidentification_of
from monai_cars.files.identity import created
from monai_cars.files.spelling import in_one_line
from monai_cars.loop.edit_loop import editor_of
from monai_cars.modality import Modality, Segmenter, shared_modality
from monai_cars.synthesis import naming, settings
from monai_cars.synthesis.datalist import datalist
from monai_cars.synthesis.earlier import Within, set_aside
from monai_cars.synthesis.folder import DATALIST, RUN, RunFolder
from monai_cars.synthesis.plan import PlannedEdit, plan_edits
from monai_cars.synthesis.source import Source
from monai_cars.synthesis.sources import find_sources, left_out
from monai_cars.synthesis.task import Task, Work, findings_of, run_task
from monai_cars.weights import RECORDS

REFUSED = 3  # exit status of a run that had to skip films
MOST_NAMED = 20  # files that are no films; run.json names all

Page = Callable[
    [Path, Sequence[Mapping[str, Any]], Mapping[str, Any], Mapping[str, Path]], tuple[bytes, dict[str, str]]
]
"""Draws a page about a run: (folder, lines of the manifest, content of run.json, film of each line's `source`) -> the
page's bytes, and why a film's pictures are missing, by `source_name`."""


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
        uid_key_file: file whose content is the secret key that keeps films of a patient, study and series together; it
            may not lie in the output folder.
        progress: show a progress bar.
        synthetic_sources: edit films that are marked as synthetic, or that an earlier run made, too.
        names: ``"kept"``, or ``"pseudonymised"``: manifest, datalist, report and file names tell keyed hashes instead
            of names of files and folders and of identifiers of patients.
        names_key: file that holds the key of the pseudonyms, made where there is none; it may not lie in the output
            folder. None takes a random key and forgets it, so that nobody can find the films again.
        pages: file name -> what draws it; they are written before the run counts as finished.
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
    synthetic_sources: bool = False
    names: str = naming.KEPT
    names_key: str | Path | None = None
    pages: Mapping[str, Page] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list, init=False)
    skipped: list[dict[str, str]] = field(default_factory=list, init=False)
    _aside: list[dict[str, str]] = field(default_factory=list, init=False, repr=False)
    _called: list[str] = field(default_factory=list, init=False, repr=False)
    _key: str | None = field(default=None, init=False, repr=False)
    left_out: list[str] = field(default_factory=list, init=False)

    def check(self) -> list[PlannedEdit]:
        """The plan, after every input was checked and before anything is written.

        Raises:
            ValueError: no films, a malformed datalist, plan, vocabulary or findings; the message names it.
            FileExistsError: the output folder holds something that no run made.
        """
        self._check_settings()
        if self.uid_key_file is not None:
            self._outside("uid_key_file", self.uid_key_file)
        RunFolder(self.output_dir)
        self._deidentification = deidentification_of(self.retain, self.uid_key_file)
        sources, self._aside = self._sources()
        for source in sources:
            findings_of(source, self._vocabulary)
        plan = plan_edits(sources, self.edits, seed=self.seed)
        organ = shared_modality(planned.edit.finding for planned in plan)
        self._editor = editor_of(organ, self.editor, self.editor_weights)
        for planned in plan:
            organ.gate(planned.edit.operation, planned.edit.finding, self.profile)
            if planned.edit.operation != "sham":
                self._vocabulary.term(planned.edit.finding)
        self._called = [source.name for source in sources]
        RunFolder(self.output_dir).refuse_another(self._provenance(organ), self._called)
        return plan

    def _check_settings(self) -> None:
        settings.place("dataset_dir", self.dataset)
        settings.place("output_dir", self.output_dir)
        settings.whole("seed", self.seed, 0, settings.MOST_SEED)
        settings.whole("max_attempts", self.max_attempts, 1, settings.MOST_ATTEMPTS)
        settings.one_of("names", self.names, naming.NAMES)
        self.progress = settings.truth("progress", self.progress)
        self.synthetic_sources = settings.truth("synthetic_sources", self.synthetic_sources)
        settings.text("image_key", self.image_key)
        settings.text("gate", self.profile)
        if not isinstance(self.axes, Axes) and settings.text("axes", self.axes) != "auto":
            Axes.parse(self.axes)
        if not isinstance(self.vocabulary, Vocabulary):
            settings.place("vocabulary", self.vocabulary)
        if not hasattr(self.editor, "propose"):
            settings.text("editor", self.editor)
        if self.editor_weights is not None:
            settings.place("editor_weights", self.editor_weights)
        if self.created is not None:
            settings.text("created", self.created)
        created({"created": self.created})

    def _sources(self) -> tuple[list[Source], list[dict[str, str]]]:
        """The films to edit under the names that may be told, and {source, reason} of those that runs made."""
        self._key = self._names_key()
        found = find_sources(self.dataset, image_key=self.image_key)
        found = found if self._key is None else naming.pseudonymised(found, self._key)
        output = Path(self.output_dir)
        taken, aside = set_aside(found, Path(self.dataset), output, synthetic=self.synthetic_sources)
        return naming.told_apart(taken), aside

    def _left_out(self) -> list[str]:
        """Files of the dataset that are no films, under the names that may be told; none of what runs write."""
        folder, within = Path(self.dataset), Within(Path(self.output_dir))
        names = [name for name in left_out(self.dataset) if not within(folder / name)]
        return names if self._key is None else [naming.pseudonym(name, self._key) for name in names]

    def _names_key(self) -> str | None:
        """The key of the pseudonyms; a new one is kept in its file when the run starts."""
        if self.names == naming.KEPT:
            if self.names_key is not None:
                raise settings.SettingError("names_key is for names 'pseudonymised', got names 'kept'; leave it out")
            return None
        if self.names_key is None:
            return self._key or naming.new_key()
        path = self._outside("names_key", self.names_key)
        return naming.read_key(path) or self._key or naming.new_key()

    def _outside(self, name: str, key: str | Path) -> Path:
        """The path of a secret, which never lies in what is given away."""
        path = Path(settings.place(name, key))
        output = Path(os.path.realpath(self.output_dir))
        if Within(output)(path) or output in Path(os.path.realpath(path)).parents:
            raise settings.SettingError(
                f"{name} {str(path)!r} must lie outside output_dir, which is what may be given away; choose another"
            )
        return path

    def run(self) -> Synthesis:
        """Make and write everything; a film that cannot be read or is no frontal chest film is skipped and listed.

        Raises:
            ValueError, FileExistsError: as `check` does, or another run is writing into the folder.
            CannotWriteError: the disk is full; the run is unfinished, and the same again finishes it.
        """
        plan = self.check()
        self.lines, self.skipped, self.left_out = [], list(self._aside), self._left_out()
        provenance = self._provenance(shared_modality(planned.edit.finding for planned in plan))
        with RunFolder(self.output_dir).start() as folder:
            folder.refuse_another(provenance, self._called)  # one may have finished since `check`
            self._keep_key()
            folder.write_json(RUN, provenance)  # so that an interrupted run says what it was
            films = self._edit(plan, folder)
            folder.refuse_fewer(self.lines)
            self._draw(folder, provenance, films)
            folder.write_json(DATALIST, datalist(self.lines, self._vocabulary))
            folder.write_json(RUN, {**provenance, "skipped": self.skipped, "left_out": self.left_out})
            folder.finish()
        return self

    def _keep_key(self) -> None:
        path = None if self.names_key is None else Path(self.names_key)
        if path is not None and self._key is not None and not path.exists():
            naming.keep_key(path, self._key)

    def _edit(self, plan: Sequence[PlannedEdit], folder: RunFolder) -> dict[str, Path]:
        """Do every task; where the films lie that its lines tell of, by their `source`."""
        work, films = self._work(), {}
        with tqdm(total=len(plan), desc="counterfactuals", unit="edit", disable=not self.progress) as bar:
            for task in tasks(plan):
                done = run_task(task, work, folder)
                for line in done.lines:
                    folder.append(line)
                    films[str(line["source"])] = task.source.path
                self.lines += done.lines
                if done.refused:
                    self.skipped.append({"source": task.source.name, "reason": done.refused})
                bar.update(len(task.edits))
        return films

    def _draw(self, folder: RunFolder, provenance: Mapping[str, Any], films: Mapping[str, Path]) -> None:
        """Draw the pages; a film that is gone by now is listed, and a page that cannot be drawn, too."""
        for name, draw in self.pages.items():
            told = {**provenance, "skipped": self.skipped, "left_out": self.left_out}
            try:
                content, missing = draw(folder.path, self.lines, told, films)
            except Exception as error:  # hours of work must not wait for a picture
                self._skip(name, f"it could not be drawn: {cause(error)}")
                continue
            for film, reason in missing.items():
                self._skip(film, reason)
            folder.stage(name, content)

    def _skip(self, source: str, reason: str) -> None:
        if all(skip["source"] != source for skip in self.skipped):
            self.skipped.append({"source": source, "reason": reason})

    def finish(self) -> None:
        """Say what was made; end the process with status 3 when films were skipped.

        Raises:
            SystemExit: films were skipped.
        """
        accepted = sum(line["accepted"] for line in self.lines)
        print(f"{accepted} of {len(self.lines)} edits accepted; written to {in_one_line(str(self.output_dir))}")
        for skip in self.skipped:
            print(in_one_line(f"skipped {skip['source']}: {skip['reason']}"), file=sys.stderr)
        if self.left_out:
            named = ", ".join(self.left_out[:MOST_NAMED]) + ", ..." * (len(self.left_out) > MOST_NAMED)
            print(
                in_one_line(f"left out, no films by name or content ({len(self.left_out)}): {named}"), file=sys.stderr
            )
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
            synthetic=self.synthetic_sources,
            names_key=self._key,
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
            # Said where it is not as ever, so that runs of before can be made again.
            **({"synthetic_sources": True} if self.synthetic_sources else {}),
            **({} if self._key is None else {"names": f"{self.names}, key {naming.fingerprint(self._key)}"}),
        }


def tasks(plan: Sequence[PlannedEdit]) -> list[Task]:
    """A task a film, in the plan's order."""
    groups = groupby(plan, key=lambda planned: planned.source)
    return [Task(source, tuple((each.number, each.edit) for each in edits)) for source, edits in groups]
