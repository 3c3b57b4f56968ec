"""How an image lies in its array: which way is down, whether it is mirrored, whether what should be bright is dark.

MONAI's own readers hand a film over transposed, a RandFlipd mirrors it, other chains invert it. `to_standard` and
`from_standard` go there and back without touching a value; an organ's `orient` finds out which way it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from monai_cars.echo import echo

INVERTED = "-inverted"
ORDERS = ("HW", "HW-flip", "HW-upside", "HW-turn", "WH", "WH-flip", "WH-upside", "WH-turn")
"""How the array must be read to see the film upright, see `Axes`; an index stands for one too."""
TURNS = ("HW", "HW-turn", "WH-flip", "WH-upside")
"""Those that turning alone leads to; the other four show the patient as in a mirror."""
LATERALITIES = ("stated", "recognised", "given", "assumed", "doubtful")
"""By whom a film's sides are known: its file says so; its pixels show it; the user says so; nobody does, and nothing
speaks against the usual view; nobody does, and the heart's side speaks against it or is needed and unclear."""


@dataclass(frozen=True)
class Axes:
    """How a film lies in its array.

    Args:
        order: one of `ORDERS`. "HW" is rows first as a person looks at it, "WH" its transpose; "-flip" is mirrored left
            to right, "-upside" top to bottom, "-turn" both, each after the transposition is undone.
        inverted: dense tissue is dark.
        confidence: probability of this reading, 0 to 1; 1 when it was given and not recognised.
        laterality: one of `LATERALITIES`; no part of what two readings are compared by.

    Example:
        >>> str(Axes("WH-flip", inverted=True)), Axes.parse("HW-inverted").inverted
        ('WH-flip-inverted', True)
    """

    order: str = "HW"
    inverted: bool = False
    confidence: float = 1.0
    laterality: str = field(default="given", compare=False)

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise ValueError(
                f"axes must be one of {', '.join(ORDERS)}, with {INVERTED!r} behind it where dense tissue "
                f"is dark (got {echo(self.order)})"
            )

    def __str__(self) -> str:
        return self.order + INVERTED * self.inverted

    @classmethod
    def parse(cls, axes: str | Axes) -> Axes:
        """Read what `str` wrote.

        Raises:
            ValueError: no such order.
        """
        if isinstance(axes, Axes):
            return axes
        said = str(axes)
        return cls(said.removesuffix(INVERTED), said.endswith(INVERTED))

    @property
    def mirrored(self) -> bool:
        """The film is seen from behind: an odd number of mirrors, whichever way it is turned."""
        return self.order.endswith(("-flip", "-upside"))


def to_standard(array: torch.Tensor, axes: str | Axes) -> torch.Tensor:
    """The film upright: rows first, head up, the patient's right on the image's left. A view; no value changes.

    Args:
        array: `(..., H, W)`.
        axes: how it lies, an `Axes` or its string. Inversion is left as it is.

    Example:
        >>> film = torch.arange(6).reshape(1, 2, 3)
        >>> to_standard(film.mT, "WH").shape
        torch.Size([1, 2, 3])
    """
    return upright(array, ORDERS.index(Axes.parse(axes).order))


def from_standard(array: torch.Tensor, axes: str | Axes) -> torch.Tensor:
    """The inverse of `to_standard`.

    Example:
        >>> film = torch.arange(6).reshape(1, 2, 3)
        >>> all(torch.equal(from_standard(to_standard(film, k), k), film) for k in ORDERS)
        True
    """
    return orient(array, ORDERS.index(Axes.parse(axes).order))


def orient(array: torch.Tensor, order: int) -> torch.Tensor:
    """An upright film `(..., H, W)` laid down in one of the `ORDERS` (an index)."""
    if order & 1:
        array = array.flip(-1)
    if order & 2:
        array = array.flip(-2)
    return array.transpose(-1, -2) if order & 4 else array


def upright(array: torch.Tensor, order: int) -> torch.Tensor:
    """The inverse of `orient`: the film `(..., H, W)` as a person looks at it."""
    if order & 4:
        array = array.transpose(-1, -2)
    if order & 2:
        array = array.flip(-2)
    return array.flip(-1) if order & 1 else array


def mirror_of(order: str) -> str:
    """The order of the same array were the film mirrored left to right.

    Example:
        >>> mirror_of("HW"), mirror_of("HW-turn"), mirror_of("WH")
        ('HW-flip', 'HW-upside', 'WH-flip')
    """
    return ORDERS[ORDERS.index(order) ^ 1]


def then(order: str, step: str) -> str:
    """How a film lies that lay in one order and was laid down in another after.

    Example:
        >>> then("HW", "WH-flip"), then("HW-flip", "HW-flip"), then("WH", "WH")
        ('WH-flip', 'HW', 'HW')
    """
    return ORDERS[compose_orders(ORDERS.index(order), ORDERS.index(step))]


def compose_orders(first: int, second: int) -> int:
    """The order of `orient(orient(x, first), second)`."""
    corner = torch.tensor([[0, 1, 2], [3, 4, 5]])
    laid = orient(orient(corner, first), second)
    return next(k for k in range(8) if torch.equal(orient(corner, k), laid) if orient(corner, k).shape == laid.shape)
