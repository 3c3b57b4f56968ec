"""Amounts with units, and the scale on which the severity of a finding is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Quantity(NamedTuple):
    """A measured amount with its unit.

    Example:
        >>> Quantity(18, "mm").value
        18
    """

    value: float
    unit: str


@dataclass(frozen=True)
class Severity:
    """The scale on which the severity of one finding in [0, 1] is laid out, linear from ``low`` to ``high``.

    Args:
        quantity: what is measured.
        unit: its unit; ``"fraction"`` and ``"ratio"`` need no pixel spacing.
        low: amount at severity 0, the mildest *visible* finding.
        high: amount at severity 1.
        source: where the range comes from.
    """

    quantity: str
    unit: str
    low: float
    high: float
    source: str

    def amount(self, normalised: float) -> Quantity:
        """Amount at a severity in [0, 1].

        Example:
            >>> Severity("diameter", "mm", 8.0, 30.0, "a standard").amount(0.5)
            Quantity(value=19.0, unit='mm')
        """
        return Quantity(self.low + normalised * (self.high - self.low), self.unit)

    def normalised(self, value: float) -> float:
        """Severity at an amount in this scale's unit; outside [0, 1] when the amount is."""
        return (value - self.low) / (self.high - self.low)


OPACIFIED = 0.15  # added contrast units from which a reader sees lung as opacified; editors and measurements share it
