"""A run's work as a pure function: one film and its edits in, the manifest's lines out.

Nothing is shared between two tasks: a serial loop, several processes or a cluster call the same function, in any order,
and get the same lines and the same files.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from monai_cars.editors.contract import Editor
from monai_cars.editors.diffusion.pipelines import PipelineError
from monai_cars.edits.edit import Edit
from monai_cars.features import Vocabulary, as_vector, vector_of
from monai_cars.files.atomic import CannotWriteError
from monai_cars.files.deidentification import Deidentification
from monai_cars.files.radiograph import Header, write_radiograph
from monai_cars.loop.counterfactual import Counterfactual, make_counterfactual
from monai_cars.loop.labels import labels_after
from monai_cars.modality import Segmenter, modality_of
from monai_cars.synthesis.film import PreparedFilm, prepare_film, reason_of
from monai_cars.synthesis.folder import RunFolder
from monai_cars.synthesis.patient import patient_of
from monai_cars.synthesis.source import Source
from monai_cars.weights import WeightsError

DICOM_BITS = 16


@dataclass(frozen=True)
class Task:
    """One film and the edits to be made of it, each in a copy of its own.

    Args:
        source: the film.
        edits: (place of the edit in the plan, the edit).
    """

    source: Source
    edits: tuple[tuple[int, Edit], ...]


@dataclass(frozen=True)
class Work:
    """What all tasks of a run are done with.

    Args:
        segmenter: places the edits, and measures the anatomy after them.
        editor: proposes.
        vocabulary: of the feature vectors.
        seed: of the run, for the identifiers of what is written.
        axes: how the films lie in their arrays, or "auto".
        profile: "cheap" or "full" gate.
        max_attempts: tries per edit before it abstains.
        created: ISO 8601 time that the written DICOM files carry, None for none.
        synthetic: films that are marked as synthetic were asked for.
        names_key: of the pseudonyms that stand for names, None where names are kept.
        deidentification: what they keep of their sources' identity.
    """

    segmenter: Segmenter
    editor: Editor
    vocabulary: Vocabulary
    seed: int = 0
    axes: str = "auto"
    profile: str = "cheap"
    max_attempts: int = 4
    created: str | None = None
    synthetic: bool = False
    names_key: str | None = None
    deidentification: Deidentification = Deidentification()  # noqa: RUF009 - it is frozen


@dataclass(frozen=True)
class Done:
    """What became of a task.

    Args:
        lines: of the manifest, one an edit, in the task's order.
        refused: why the film, or the rest of its edits, was left out; empty when nothing was.
    """

    lines: tuple[dict[str, Any], ...]
    refused: str = ""


def run_task(task: Task, work: Work, folder: RunFolder) -> Done:
    """Read, segment, edit, gate and write one film's counterfactuals.

    Every file is written whole or not at all, under a name that the film and the edit decide.

    Args:
        task: the film and its edits.
        work: what they are made with.
        folder: where films and masks go.

    Returns:
        The lines; whatever is wrong with a film ends its own task only.

    Raises:
        CannotWriteError: the disk is full: no film's fault, and every further one would meet it.
        WeightsError, PipelineError, ImportError: what the work needs is not there; likewise.
    """
    lines: list[dict[str, Any]] = []
    try:
        organ = modality_of(task.edits[0][1].finding)
        film = prepare_film(task.source, work.segmenter, axes=work.axes, modality=organ, synthetic=work.synthetic)
        shared = {
            # Of a pseudonym nothing is told but itself: a path would tell the rest.
            "source": folder.relative(task.source.path) if work.names_key is None else task.source.name,
            "source_name": task.source.name,
            "source_note": "; ".join(note for note in (task.source.note, *film.header.notes) if note),
            "axes": film.header.axes,
            "patient_id": patient_of(task.source, film.header, key=work.names_key),
            "anatomy": folder.write_mask(f"{film.name}-anatomy", film.anatomy.numpy()),
        }
        for number, edit in task.edits:
            lines.append({**shared, **_line(folder, film, number, edit, work)})
    except (CannotWriteError, WeightsError, PipelineError, ImportError):
        raise
    except Exception as error:  # the run goes on with the next film, and lists this one
        return Done(tuple(lines), reason_of(error, task.source, folder.path))
    return Done(tuple(lines))


def findings_of(source: Source, vocabulary: Vocabulary) -> torch.Tensor:
    """The feature vector of what is known of a film.

    Raises:
        VocabularyError: a finding that the vocabulary does not name.
    """
    findings = {} if source.findings is None else source.findings
    if isinstance(findings, Mapping):
        findings = {vocabulary.term(name): value for name, value in findings.items()}
        return vector_of(findings, vocabulary)
    return as_vector(findings, vocabulary)


def _line(folder: RunFolder, film: PreparedFilm, number: int, edit: Edit, work: Work) -> dict[str, Any]:
    made = make_counterfactual(
        film.image,
        film.anatomy,
        edit,
        header=film.header,
        editor=work.editor,
        gate=modality_of(edit.finding).gate(edit.operation, edit.finding, work.profile),
        segmenter=work.segmenter,
        shared_model=True,
        max_attempts=work.max_attempts,
        earlier=film.source.earlier,
    )
    name = f"{film.name}-{number:02d}-{edit.operation}-{edit.finding.replace(' ', '_')}"
    before = findings_of(film.source, work.vocabulary)
    earlier = film.source.earlier
    after = labels_after(before, work.vocabulary, made.record, earlier) if made.accepted else before
    return {
        **made.record,
        **_written(folder, name, made, film.header, work),
        "findings_before": _known(before, work.vocabulary),
        "findings": _known(after, work.vocabulary),
    }


def _known(vector: torch.Tensor, vocabulary: Vocabulary) -> dict[str, float]:
    """Only what is known: NaN has no place in strict JSON."""
    values = zip(vocabulary.findings, vector.tolist(), strict=True)
    return {name: round(value, 4) for name, value in values if not math.isnan(value)}


def _written(folder: RunFolder, name: str, made: Counterfactual, header: Header, work: Work) -> dict[str, str | None]:
    if not made.accepted:
        return {"output": None, "output_sha256": None, "lesion": None, "support": None}
    # DICOM holds integers of up to 16 bits; any other film goes into the format that keeps its values.
    suffix = ".dcm" if header.integer and header.bits <= DICOM_BITS else ".nii.gz"
    target = folder.path / "films" / f"{name}{suffix}"
    write_radiograph(
        target,
        made.image,
        header=header,
        support=made.support,
        record=made.record,
        plan={"seed": work.seed, "created": work.created},
        deidentification=work.deidentification,
    )
    return {
        "output": target.relative_to(folder.path).as_posix(),
        "output_sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "lesion": folder.write_mask(f"{name}-lesion", made.lesion[0].numpy()),
        "support": folder.write_mask(f"{name}-support", made.support[0].numpy()),
    }
