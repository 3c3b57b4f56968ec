"""How often edits are accepted, and of whom: abstention is selection, and selection can be bias."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

CONFIDENCE = 0.95
REPLICATES = 2000  # of the bootstrap: the ends of a 95 % interval then vary by about a hundredth of its width
BANDS = (0, 14, 18, 40, 65, 80)  # lower ends of age bands in years: child, adolescent, adult, older
UNKNOWN = "unknown"
Key = Callable[[Mapping[str, Any]], Hashable]


@dataclass(frozen=True)
class AcceptanceRate:
    """Share of edits of a group that was accepted, with an interval.

    Args:
        group: values of what it was grouped by.
        accepted: edits.
        total: edits.
        patients: in the group; each edit its own where no patient is known.
        low: end of the interval.
        high: end of the interval.
    """

    group: tuple[Hashable, ...]
    accepted: int
    total: int
    patients: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """Accepted over total.

        Example:
            >>> AcceptanceRate((), 3, 4, 4, 0.3, 0.95).rate
            0.75
        """
        return self.accepted / self.total


def acceptance_by(
    records: Iterable[Mapping[str, Any]],
    by: str | Key | Sequence[str | Key] = "finding",
    *,
    patient: str | None = None,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> list[AcceptanceRate]:
    """Acceptance rate of each group of edits, in the order of the groups.

    Args:
        records: entries of records, or lines of a manifest, each with `accepted` and what it is grouped by.
        by: names of entries, or functions of a record such as `age_band`; an entry that is missing counts as "unknown".
        patient: name of the entry by which edits belong to one patient; the interval is then a percentile bootstrap of
            patients, since edits of one patient are no independent draws. Wilson's interval without.
        confidence: of the interval.
        seed: of the bootstrap.

    Raises:
        ValueError: a record without `accepted`.

    Example:
        >>> films = [{"view": view, "accepted": ok} for view, ok in (("PA", True), ("AP", False), ("PA", True))]
        >>> [(found.group, found.accepted, found.total) for found in acceptance_by(films, "view")]
        [(('AP',), 0, 1), (('PA',), 2, 2)]
    """
    keys = [by] if isinstance(by, str) or callable(by) else list(by)
    groups: dict[tuple[Hashable, ...], list[tuple[bool, Hashable]]] = {}
    for number, record in enumerate(records):
        if "accepted" not in record:
            raise ValueError(f"record {number} has no entry 'accepted' (it has {', '.join(record)}); give edit entries")
        owner = number if patient is None else record[patient]
        groups.setdefault(tuple(_value(record, key) for key in keys), []).append((bool(record["accepted"]), owner))
    return [_rate(group, groups[group], patient, confidence, seed) for group in sorted(groups, key=_order)]


def age_band(record: Mapping[str, Any]) -> str:
    """The band that a record's `age` (years) falls into.

    Example:
        >>> age_band({"age": 52}), age_band({"age": 91}), age_band({})
        ('40-64', '80+', 'unknown')
    """
    age = record.get("age")
    if age is None or not np.isfinite(float(age)):
        return UNKNOWN
    place = int(np.searchsorted(BANDS, float(age), side="right")) - 1
    low = BANDS[max(place, 0)]
    return f"{low}-{BANDS[place + 1] - 1}" if place + 1 < len(BANDS) else f"{low}+"


def wilson(accepted: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's interval of a share (JASA 1927).

    Example:
        >>> [round(end, 3) for end in wilson(0, 20)]
        [0.0, 0.161]
    """
    found = binomtest(accepted, total).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


def patient_bootstrap(
    accepted: Sequence[bool], patients: Sequence[Hashable], confidence: float = CONFIDENCE, *, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of a share with whole patients drawn with replacement.

    Where all edits had one outcome a bootstrap sees no spread at all: Wilson's interval over the patients is given.

    Example:
        >>> low, high = patient_bootstrap([True, False] * 50, list(range(100)))
        >>> 0.35 < low < 0.45, 0.55 < high < 0.65
        (True, True)
    """
    _, owner = np.unique(np.array([str(name) for name in patients]), return_inverse=True)
    total = np.bincount(owner)
    good = np.bincount(owner, weights=np.asarray(accepted, float))
    if good.sum() in (0, total.sum()):
        return wilson(len(total) if good.sum() else 0, len(total), confidence)
    draws = np.random.default_rng(seed).integers(0, len(total), (REPLICATES, len(total)))
    shares = good[draws].sum(1) / total[draws].sum(1)
    low, high = np.quantile(shares, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def acceptance_table(rates: Iterable[AcceptanceRate]) -> str:
    """Markdown rows of rates.

    Example:
        >>> print(acceptance_table([AcceptanceRate(("PA", "F"), 3, 4, 2, 0.3, 0.95)]))
        | PA | F | 3/4 | 75% (30-95%) | 2 |
    """
    return "\n".join(
        f"| {' | '.join(map(str, found.group))} | {found.accepted}/{found.total} "
        f"| {found.rate:.0%} ({100 * found.low:.0f}-{found.high:.0%}) | {found.patients} |"
        for found in rates
    )


def _value(record: Mapping[str, Any], key: str | Key) -> Hashable:
    if callable(key):
        return key(record)
    value: Any = record.get(key)
    value = value.item() if hasattr(value, "item") else value  # NumPy's and torch's numbers as Python's
    return UNKNOWN if value is None or value == "" or value != value else value


def _order(group: tuple[Hashable, ...]) -> tuple[str, ...]:
    return tuple(map(str, group))


def _rate(
    group: tuple[Hashable, ...],
    edits: Sequence[tuple[bool, Hashable]],
    patient: str | None,
    confidence: float,
    seed: int,
) -> AcceptanceRate:
    accepted, owners = [ok for ok, _ in edits], [owner for _, owner in edits]
    ends = (
        wilson(sum(accepted), len(accepted), confidence)
        if patient is None
        else patient_bootstrap(accepted, owners, confidence, seed=seed)
    )
    return AcceptanceRate(group, sum(accepted), len(accepted), len(set(owners)), *ends)
