"""A feature vector that is read by name."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from monai_cars.features.labels import label_names, to_labels
from monai_cars.features.vectors import as_vector, present_findings
from monai_cars.features.vocabulary import Vocabulary, VocabularyError, load_vocabulary


class UnknownFindingError(VocabularyError, KeyError):
    """A feature vector was asked for a finding that its vocabulary does not name."""

    __str__ = Exception.__str__  # KeyError would show the message in quotes


@dataclass(frozen=True, init=False, eq=False, repr=False)
class FeatureVector(Mapping[str, float]):
    """What is known of a film: 1 present, 0 absent, NaN unknown, soft values in between; read by name.

    A finding is asked for by the vocabulary's name, by what the editors call it, or by another usual name of that.

    Args:
        values: V numbers in [0, 1] or NaN, or a mapping of findings to values that leaves the others unknown.
        vocabulary: whose findings they are: a Vocabulary, a built-in name or the path of a YAML file.
        uncertain: findings that somebody mentioned and left in doubt (-1 in CheXpert's tables), whatever value they are
            given. An unknown finding that is not among them is one that nobody mentioned.

    Attributes:
        vocabulary: whose findings they are.
        uncertain: the vocabulary's names of the findings in doubt.

    Raises:
        VocabularyError: another length, a value outside [0, 1], or a finding that the vocabulary does not name.

    Example:
        >>> seen = FeatureVector({"Pleural Effusion": 1, "Pneumothorax": 0}, "chexpert-14")
        >>> seen["Pleural Effusion"], seen["effusion"], seen["pneumothorax"], seen["Edema"]
        (1.0, 1.0, 0.0, nan)
        >>> FeatureVector({"Edema": 1}, "chexpert-14", uncertain=["infection"]).codes()
        {'Edema': '1', 'Pneumonia': '-1'}
    """

    _values: tuple[float, ...]
    vocabulary: Vocabulary
    uncertain: frozenset[str] = frozenset()

    def __init__(
        self, values: Any, vocabulary: str | Path | Vocabulary, *, uncertain: Collection[str] | None = None
    ) -> None:
        loaded = load_vocabulary(vocabulary)
        if uncertain is None:
            same = isinstance(values, FeatureVector) and values.vocabulary == loaded
            uncertain = values.uncertain if same else ()
        object.__setattr__(self, "vocabulary", loaded)
        object.__setattr__(self, "_values", tuple(as_vector(values, loaded).tolist()))
        object.__setattr__(self, "uncertain", frozenset(_own(name, loaded) for name in uncertain))

    def __getitem__(self, finding: str) -> float:
        try:
            return self._values[self.vocabulary.index(self.vocabulary.term(finding))]
        except VocabularyError as error:
            raise UnknownFindingError(str(error)) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self.vocabulary.findings)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        """Whether both say the same of the same findings, doubts included; unknown equals unknown."""
        return isinstance(other, FeatureVector) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        known = ", ".join(f"{name!r}: {value:g}" for name, value in self.known().items())
        unknown = f", {len(self) - len(self.known())} unknown" if len(self.known()) < len(self) else ""
        in_doubt = [name for name in self if name in self.uncertain]
        doubt = f", uncertain={in_doubt}" if in_doubt else ""
        return f"FeatureVector({{{known}}}, {self.vocabulary.name!r}{unknown}{doubt})"

    @property
    def tensor(self) -> torch.Tensor:
        """(V,) float32, a copy."""
        return torch.tensor(self._values, dtype=torch.float32)

    def known(self) -> dict[str, float]:
        """The findings whose value is known."""
        return {name: value for name, value in self.items() if not math.isnan(value)}

    def codes(self) -> dict[str, str]:
        """What CheXpert's tables write: "1", "0", "-1" in doubt, or a value in between; nothing of the unmentioned.

        Example:
            >>> FeatureVector({"Edema": 0, "Fracture": 0.25}, "chexpert-14", uncertain=["Fracture"]).codes()
            {'Edema': '0', 'Fracture': '-1'}
        """
        told = {name: f"{value:.9g}" for name, value in self.known().items()} | dict.fromkeys(self.uncertain, "-1")
        return {name: told[name] for name in self if name in told}

    def present(self, threshold: float = 0.5) -> tuple[str, ...]:
        """Names of the findings at or above `threshold`; unknown ones are not present.

        Example:
            >>> FeatureVector({"mass": 1, "effusion": 0.3}, "nih-14").present()
            ('Mass',)
        """
        return present_findings(self._values, self.vocabulary, threshold=threshold)

    def labels(self) -> dict[str, float]:
        """Label -> value by the vocabulary's rules; where it has none its findings are its labels.

        Raises:
            VocabularyError: nothing is known, or the rules find no label and nobody said that there is no finding.

        Example:
            >>> carpa = load_vocabulary("carpa-19")
            >>> {name for name, value in FeatureVector([0] * 9 + [1] + [0] * 9, carpa).labels().items() if value}
            {'other finding'}
        """
        if self.vocabulary.labels:
            values = to_labels(self._values, self.vocabulary).tolist()
            return dict(zip(label_names(self.vocabulary), values, strict=True))
        if not self.known():
            raise VocabularyError(
                f"An empty vector of {self.vocabulary.name} has no label: none of its findings is known; give such "
                "films no label."
            )
        return dict(self)

    @property
    def _identity(self) -> tuple[Any, ...]:
        values = tuple(None if math.isnan(value) else value for value in self._values)
        return self.vocabulary.name, self.vocabulary.findings, values, self.uncertain


def _own(finding: str, vocabulary: Vocabulary) -> str:
    """The vocabulary's name, also of a finding that editors call something else by the same word."""
    return finding if finding in vocabulary.findings else vocabulary.term(finding)
