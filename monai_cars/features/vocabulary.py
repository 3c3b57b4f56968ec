"""Named vocabularies of findings, as data: what exists, what implies what, which labels follow by which rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from monai_cars.echo import cut, echo
from monai_cars.features.vocabulary_checks import VocabularyError, check, listed, names_of, report_entries, word_entries
from monai_cars.findings.severity import canonical

BUILT_IN = ("carpa-19", "chexpert-14", "nih-14")
_FOLDER = Path(__file__).parent / "vocabularies"
_KEYS = (
    "name",
    "source",
    "findings",
    "no_finding",
    "beside_no_finding",
    "ancestors",
    "brings",
    "unsettles",
    "edits",
    "labels",
    "other",
    "report",
    "phrases",
    "codes",
)

Rule = str | Mapping[str, list[Any]]

__all__ = ["BUILT_IN", "Rule", "Vocabulary", "VocabularyError", "load_vocabulary"]


@dataclass(frozen=True)
class Vocabulary:
    """An ordered list of findings and what is known about them.

    Attributes:
        name: as people call it.
        findings: their names, in the order of a feature vector.
        no_finding: the finding that says that there is none, or None.
        beside_no_finding: what may be present on a film without findings, such as devices.
        ancestors: finding -> findings that it implies (directly; the chain is followed).
        brings: finding -> findings that the editors draw with it, though in general it does not imply them.
        unsettles: finding -> findings that can no longer be read once it is inserted.
        edits: what the editors call a finding -> what it is called here.
        labels: label -> rule over findings: a finding, {"any": [...]} or {"all": [...]}, nested at will.
        other: the label of a film with findings that no rule covers.
        report: finding -> relation -> concepts of `phrases/findings.yaml`: how report text is read.
        phrases: finding -> further phrases that name it in a report, in the syntax of that file.
        codes: finding -> {scheme: code}, such as {"SNOMED CT": "36118008"}; nothing is computed from them.
        source: where it comes from.

    Example:
        >>> load_vocabulary("chexpert-14").term("effusion")
        'Pleural Effusion'
    """

    name: str
    findings: tuple[str, ...]
    no_finding: str | None = None
    beside_no_finding: tuple[str, ...] = ()
    ancestors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    brings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unsettles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    edits: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Rule] = field(default_factory=dict)
    other: str = "other finding"
    report: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        check(self)

    def __len__(self) -> int:
        return len(self.findings)

    def index(self, finding: str) -> int:
        """Position of a finding in a feature vector.

        Raises:
            VocabularyError: the vocabulary has no such finding.

        Example:
            >>> nih = load_vocabulary("nih-14")
            >>> nih.index("Pleural Thickening") == nih.index("Pleural_Thickening")
            True
        """
        own = self._own(finding)
        if own is None:
            raise VocabularyError(f"{self.name} has no finding {echo(finding)}; it has {listed(self.findings)}.")
        return self.findings.index(own)

    def names(self, finding: str) -> bool:
        """Whether this vocabulary has a word for what the editors (or `ALIASES`) call `finding`.

        Example:
            >>> load_vocabulary("nih-14").names("fracture")
            False
        """
        return self._word(finding) is not None

    def term(self, finding: str) -> str:
        """Name in this vocabulary of what the editors (or `ALIASES`) call `finding`; its own names stay as they are.

        Raises:
            VocabularyError: neither `edits` nor the findings name it.
        """
        word = self._word(finding)
        if word is not None:
            return word
        raise VocabularyError(
            f"{self.name} does not say what {echo(finding)} is called in it: add "
            f"`edits: {{{cut(finding)}: <its name>}}` to a vocabulary file of your own "
            f"and give its path. Known: {listed(tuple(self.edits) or self.findings)}."
        )

    def _word(self, finding: str) -> str | None:
        if finding in self.findings and finding not in self.edits:
            return finding
        return self.edits.get(finding, self.edits.get(canonical(finding))) or self._own(finding)

    def _own(self, finding: str) -> str | None:
        """The vocabulary's own name that a name is, written with blanks, underscores or hyphens, in any case."""
        if finding in self.findings or not isinstance(finding, str):
            return finding if finding in self.findings else None
        alike = [name for name in self.findings if _plain(name) == _plain(finding)]
        return alike[0] if len(alike) == 1 else None

    def implied(self, finding: str) -> tuple[str, ...]:
        """All findings that `finding` implies, nearest first."""
        found: list[str] = []
        queue = list(self.ancestors.get(finding, ()))
        while queue:
            ancestor = queue.pop(0)
            if ancestor not in found:
                found.append(ancestor)
                queue.extend(self.ancestors.get(ancestor, ()))
        return tuple(found)

    def drawn_with(self, finding: str) -> tuple[str, ...]:
        """All findings that are on the film once `finding` is inserted: what it implies, what it brings, and so on.

        Example:
            >>> load_vocabulary("carpa-19").drawn_with("lung collapse")
            ('pleural air', 'absent lung markings')
        """
        found: list[str] = []
        queue = [finding]
        while queue:
            name = queue.pop(0)
            new = [other for other in (*self.implied(name), *self.brings.get(name, ())) if other not in found]
            found.extend(new)
            queue.extend(new)
        return tuple(name for name in found if name != finding)

    def implying(self, finding: str) -> tuple[str, ...]:
        """All findings that imply `finding`."""
        return tuple(name for name in self.findings if finding in self.implied(name))


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


def load_vocabulary(vocabulary: str | Path | Vocabulary) -> Vocabulary:
    """A built-in vocabulary by name, or a user's own from a YAML file.

    Args:
        vocabulary: "carpa-19", "chexpert-14", "nih-14" (hyphens may be left out), a path to a file with `name` and
            `findings` (and, as the built-in files show, `no_finding`, `ancestors`, `unsettles`, `edits`, `labels`,
            `other`, `report`, `phrases`, `codes`), or a Vocabulary.

    Raises:
        VocabularyError: no such name or file, or a file that breaks a rule.

    Example:
        >>> len(load_vocabulary("carpa-19"))
        19
    """
    if isinstance(vocabulary, Vocabulary):
        return vocabulary
    plain = str(vocabulary).lower().replace("-", "")
    if plain in [name.replace("-", "") for name in BUILT_IN]:
        return _read(_FOLDER / f"{plain}.yaml")
    path = Path(vocabulary)
    if path.suffix.lower() not in (".yaml", ".yml") or not path.is_file():
        raise VocabularyError(
            f"No vocabulary {echo(str(vocabulary))}: it is neither built in ({', '.join(BUILT_IN)}) "
            "nor a YAML file that exists."
        )
    return _read(path.resolve())


@cache
def _read(path: Path) -> Vocabulary:
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise VocabularyError(f"{path}: not YAML ({str(error).splitlines()[0]}).") from error
    try:
        return _build(table)
    except VocabularyError as error:
        raise VocabularyError(f"{path}: {error}") from error


def _build(table: Any) -> Vocabulary:
    if not isinstance(table, dict):
        raise VocabularyError(f"a vocabulary is a mapping with `name` and `findings` (got {type(table).__name__}).")
    unknown = [key for key in table if key not in _KEYS]
    if unknown:
        raise VocabularyError(f"unknown entry {echo(unknown[0])}; a vocabulary has {listed(_KEYS)}.")
    for key in ("name", "findings"):
        if not table.get(key):
            raise VocabularyError(f"`{key}` is missing.")
    if not isinstance(table["findings"], list):
        raise VocabularyError(f"`findings` must be a list of names (got {echo(table['findings'])}).")
    for key in ("ancestors", "brings", "unsettles", "edits", "labels", "report", "phrases", "codes"):
        if not isinstance(table.get(key) or {}, dict):
            raise VocabularyError(f"`{key}` must map a name to its entry (got {echo(table[key])}).")
    relations: dict[str, Any] = {
        key: {name: names_of(key, name, others) for name, others in (table.get(key) or {}).items()}
        for key in ("ancestors", "brings", "unsettles")
    }
    if table.get("beside_no_finding"):
        relations["beside_no_finding"] = names_of("beside_no_finding", "findings", table["beside_no_finding"])
    relations["report"] = {name: report_entries(name, entry) for name, entry in (table.get("report") or {}).items()}
    relations["phrases"] = {name: word_entries(name, entry) for name, entry in (table.get("phrases") or {}).items()}
    rest = {key: table[key] for key in ("no_finding", "edits", "labels", "other", "source", "codes") if table.get(key)}
    return Vocabulary(name=table["name"], findings=tuple(table["findings"]), **relations, **rest)
