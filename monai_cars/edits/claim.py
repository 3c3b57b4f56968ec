"""What is said of how an image lies in its array, before anyone looks at it: by its file, its reader and its affine."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monai_cars.edits.axes import Axes, then


@dataclass(frozen=True)
class Claim:
    """How an image is said to lie; an organ's `orient` holds it against what the image shows.

    Args:
        orders: how it may lie, the likeliest first; no two of them show the head at the same side of the array. Empty
            where nobody says anything, not even that nothing was done to it.
        laterality: "stated" where the file tells the patient's sides, "assumed" where nobody does, "doubtful" where
            what is said cannot be relied on.
        firm: somebody said how it lies, so that an image that shows otherwise contradicts it; else it may have been
            turned.

    Example:
        >>> Claim(("HW-turn",), "stated", firm=True).laid("HW-turn").orders
        ('HW',)
    """

    orders: tuple[str, ...] = ()
    laterality: str = "assumed"
    firm: bool = False

    def laid(self, step: str) -> Claim:
        """The claim on the same image after its array was laid down in another order."""
        return replace(self, orders=tuple(then(order, step) for order in self.orders))


UNHEARD = Claim()
"""Nobody says anything."""


def claim_of_file(axes: str, laterality: str) -> Claim:
    """The claim on an image as its file stores it, rows first, by what its reader found there.

    Example:
        >>> claim_of_file("HW", "assumed").firm, claim_of_file("HW-flip", "stated").firm
        (False, True)
    """
    order = Axes.parse(axes).order
    # What is not upright was said by somebody; "HW" is also what nobody says.
    firm = laterality == "stated" or (laterality != "doubtful" and order != "HW")
    return Claim((order,), laterality, firm)
