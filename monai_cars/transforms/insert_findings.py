"""Insert several findings into one film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

import torch
from monai.config import KeysCollection

from monai_cars.echo import echo
from monai_cars.edits.edit import Edit, severity_of
from monai_cars.edits.sample_seed import derive_seed
from monai_cars.features import check_combination
from monai_cars.findings.severity import canonical
from monai_cars.loop.counterfactual import Counterfactual
from monai_cars.loop.edit_loop import Earlier, EditLoop
from monai_cars.loop.keys import Sample
from monai_cars.modality import shared_modality
from monai_cars.transforms.film_edit import FilmEdit, FilmEditd, split_options
from monai_cars.transforms.options import EditOptions, LoopOptions, showing

Wanted = str | Mapping[str, Any]
FIELDS = ("finding", "side", "zone", "severity", "seed")


class InsertFindings(FilmEdit):
    """Insert several findings, one after another in the order given; each has a record and a seed of its own.

    An editor sees what lies on the film already: fluid below pleural air of the same side makes an air-fluid level.

    Args:
        findings: each a name, or a mapping with `finding` and, as `InsertFinding` takes them, `side`, `zone`,
            `severity` (a number, a Quantity or {"value": 18, "unit": "mm"}) and `seed`.
        seed: of the findings that name none: each derives its own from it, its place in the list and its name.
        all_or_none: give the film back as it was when one of them cannot be inserted; else that one alone is left out.
        **loop: `editor`, `gate`, `segmenter`, `device` and `max_attempts` of `monai_cars.loop.edit_loop.EditLoop`.

    Raises:
        TypeError: a finding that is neither.
        ValueError: no finding, an unknown field or finding, a normal film together with a finding, or the same finding
            at the same place with the same seed twice.

    Example:
        >>> both = InsertFindings(["pneumothorax", {"finding": "effusion", "side": "left", "severity": 0.4}], seed=7)
        >>> [edit.finding for edit in both.edits]
        ['pleural air', 'effusion']
    """

    @showing(EditLoop.__init__)
    def __init__(
        self, findings: Sequence[Wanted], *, seed: int = 0, all_or_none: bool = False, **loop: Unpack[LoopOptions]
    ) -> None:
        self.edits = _edits(findings, seed)
        self.all_or_none = all_or_none
        self.loop = EditLoop(organ=shared_modality(edit.finding for edit in self.edits).name, **loop)

    def counterfactual(
        self,
        img: torch.Tensor,
        anatomy: torch.Tensor | None = None,
        header: str | None = None,
        earlier: Earlier = (),
    ) -> list[Counterfactual]:
        """Edit `img` (1 or 3, H, W) with its `anatomy` (S, H, W); a result a finding, the last one holds the film."""
        results: list[Counterfactual] = []
        known = list(earlier)
        for edit in self.edits:
            results.append(self.loop(results[-1].image if results else img, anatomy, edit, header, known))
            known.append(results[-1].record)
        failed = next((result.record for result in results if not result.accepted), None)
        return [self._withdrawn(img, result, failed) for result in results] if self.all_or_none and failed else results

    def results(self, img: torch.Tensor, *given: Any, **named: Any) -> list[Counterfactual]:
        """What became of each finding."""
        return self.counterfactual(img, *given, **named)

    def _withdrawn(self, img: torch.Tensor, result: Counterfactual, failed: Mapping[str, Any]) -> Counterfactual:
        reason = f"the combination is not complete: {failed['finding']}: {failed['reason']}"
        record = {**result.record, "accepted": False, "reason": reason if result.accepted else result.record["reason"]}
        return replace(self.loop.untouched(img), record=record)


class InsertFindingsd(FilmEditd):
    """Dictionary form of `InsertFindings`.

    Args:
        keys: key of the film.
        findings: see `InsertFindings`, as are `seed` and `all_or_none`.
        **options: keys and labels of `FilmEditd`; `editor`, `gate`, `segmenter`, `device`, `max_attempts` of
            `EditLoop`.

    Example:
        >>> len(InsertFindingsd("image", ["nodule", "nodule", "cardiomegaly"]).insert.edits)
        3
    """

    @showing(FilmEditd.__init__, EditLoop.__init__)
    def __init__(
        self,
        keys: KeysCollection,
        findings: Sequence[Wanted],
        *,
        seed: int = 0,
        all_or_none: bool = False,
        **options: Unpack[EditOptions],
    ) -> None:
        names, loop = split_options(options)
        super().__init__(keys, **names)
        self.insert = InsertFindings(findings, seed=seed, all_or_none=all_or_none, **loop)
        for edit in self.insert.edits:
            self.require_term(edit.finding)

    def edited(self, sample: Sample) -> Sample:
        """Insert the findings, each kept in step with masks, labels and record."""
        for result in self._results(sample):
            sample = self.names.finish(sample, result)
        return sample

    def edit_film(self, sample: Sample) -> Counterfactual:
        """The last of the edits; its image carries them all."""
        return self._results(sample)[-1]

    def _results(self, sample: Sample) -> list[Counterfactual]:
        names = self.names
        header, earlier = names.header(sample), names.earlier(sample)
        return self.insert.counterfactual(sample[names.image], sample.get(names.anatomy), header, earlier)


def _edits(findings: Sequence[Wanted], seed: int) -> list[Edit]:
    if isinstance(findings, str | Mapping) or not findings:
        raise ValueError(f"findings must be a list with at least one finding (got {echo(findings)}).")
    for number, wanted in enumerate(findings):
        if not isinstance(wanted, str | Mapping):
            raise TypeError(f"findings[{number}] must be a name, or a mapping with 'finding' (got {echo(wanted)}).")
    rows = [{"finding": wanted} if isinstance(wanted, str) else dict(wanted) for wanted in findings]
    for number, row in enumerate(rows):
        unknown = [name for name in row if name not in FIELDS]
        if unknown or "finding" not in row:
            what = f"has the unknown field {echo(unknown[0])}" if unknown else "names no finding"
            raise ValueError(f"findings[{number}] {what}; it may hold {', '.join(FIELDS)} (got {echo(row)}).")
    check_combination([row["finding"] for row in rows])
    edits = [_edit(number, row, seed) for number, row in enumerate(rows)]
    places = [(edit.finding, edit.side, edit.zone, edit.seed) for edit in edits]
    twice = next((number for number, place in enumerate(places) if place in places[:number]), None)
    if twice is not None:
        first = places.index(places[twice])
        raise ValueError(
            f"findings[{twice}] asks for the {edits[twice].finding} of findings[{first}] again, at the same place with "
            "the same seed; give it another seed or side."
        )
    return edits


def _edit(number: int, row: dict[str, Any], seed: int) -> Edit:
    row.setdefault("seed", derive_seed(seed, number, canonical(row["finding"])))
    try:
        return Edit("insert", **{**row, "severity": severity_of(row.get("severity"))})
    except (TypeError, ValueError) as error:
        raise ValueError(f"findings[{number}]: {error}") from error


InsertFindingsD = InsertFindingsDict = InsertFindingsd
