"""How the cells of a label table are read, and what is said where one cannot be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar, get_args

from monai_cars.echo import echo
from monai_cars.features.consistency import contradictions
from monai_cars.features.feature_vector import FeatureVector
from monai_cars.features.tables.sheet import Sheet, TableError
from monai_cars.features.tables.words import Words
from monai_cars.features.vocabulary import Vocabulary

Others = Literal["refuse", "ignore"]
Repeated = Literal["refuse", "any", "all", "majority", "mean"]
Given = TypeVar("Given")
Read = TypeVar("Read")


@dataclass(frozen=True)
class Coding:
    """How cells are read; arguments as for `monai_cars.features.from_table`.

    Raises:
        TableError: a value that is no probability, or another `others` or `repeated`.
    """

    vocabulary: Vocabulary
    names: Mapping[str, str | None] = field(default_factory=dict)
    labels: str | None = None
    uncertain: float | None = None
    blank: float | None = None
    unlisted: float | None = 0.0
    others: str = "refuse"
    repeated: str = "refuse"
    hierarchy: bool = True

    def __post_init__(self) -> None:
        for argument in ("uncertain", "blank", "unlisted"):
            value = getattr(self, argument)
            if value is not None and not 0 <= value <= 1:
                raise TableError(f"{argument} must be None (unknown) or a probability in [0, 1] (got {echo(value)}).")
        for argument, allowed in (("others", get_args(Others)), ("repeated", get_args(Repeated))):
            if getattr(self, argument) not in allowed:
                raise TableError(f"{argument} must be {_either(allowed)} (got {echo(getattr(self, argument))}).")

    @classmethod
    def of(cls, vocabulary: Vocabulary, **options: Any) -> Coding:
        """A coding from keyword arguments."""
        return cls(vocabulary, **{**options, "names": options.get("names") or {}})

    @cached_property
    def words(self) -> Words:
        """What the words of the table mean."""
        return Words(self.vocabulary, self.names)

    def vector(self, values: dict[str, float], doubtful: set[str], *, overwrite: bool) -> FeatureVector:
        """The vector of what a row says, with what that implies.

        Args:
            values: finding -> value.
            doubtful: findings that the row calls uncertain.
            overwrite: what is implied counts also where the row says otherwise.

        Raises:
            Misread: a normal film with a finding.
        """
        for term in [term for term, value in values.items() if value == 1 and self.hierarchy]:
            for implied in self.vocabulary.implied(term):
                if overwrite or math.isnan(values.get(implied, math.nan)):
                    values[implied] = 1.0
                    doubtful = doubtful - {implied}
        row = [values.get(name, math.nan) for name in self.vocabulary.findings]
        found = contradictions(row, self.vocabulary, ancestors=False)
        if found:
            raise Misread(None, f"{found[0]}, which a film cannot show at once; correct the row")
        return FeatureVector(row, self.vocabulary, uncertain=doubtful)


class Misread(Exception):  # noqa: N818 - becomes a TableError as soon as the place is known
    """A cell that cannot be read, and its column where that is known."""

    def __init__(self, column: str | None, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message


def placed(sheet: Sheet, row: int, function: Callable[[Given], Read], argument: Given) -> Read:
    """`function(argument)`, its errors with the place of the row.

    Raises:
        TableError: the cells could not be read.
    """
    try:
        return function(argument)
    except Misread as error:
        raise TableError(f"{sheet.at(row, error.column)}: {error.message}.") from None


def _either(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
