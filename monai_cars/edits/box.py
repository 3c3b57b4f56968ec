"""A crop of an image of any number of dimensions."""

from __future__ import annotations

import torch

PLANE = ("y0", "x0", "y1", "x1")
SPACE = ("z0", "y0", "x0", "z1", "y1", "x1")


class Box(tuple[int, ...]):
    """A crop in pixels, half open: where it starts along every axis, then where it stops, as MONAI's StandardMode.

    Its edges are ``y0, x0, y1, x1`` of a film, ``z0, y0, x0, z1, y1, x1`` of a volume; an odd number of them, or none,
    is a ValueError. A plain tuple of whole numbers beside its names: it compares, unpacks and becomes JSON as one.

    Example:
        >>> Box(80, 90, 144, 150), Box(0, 80, 90, 7, 144, 150).shape
        (Box(y0=80, x0=90, y1=144, x1=150), (7, 64, 60))
    """

    __slots__ = ()

    def __new__(cls, *edges: int) -> Box:
        """Make a box of its edges."""
        if len(edges) % 2 or not edges:
            raise ValueError(
                f"a box must have a start and a stop along every axis, such as y0, x0, y1, x1 (got {len(edges)} edges)"
            )
        return super().__new__(cls, edges)

    @classmethod
    def whole(cls, shape: tuple[int, ...] | torch.Size) -> Box:
        """All of an image with this spatial shape.

        Example:
            >>> Box.whole((3, 4))
            Box(y0=0, x0=0, y1=3, x1=4)
        """
        return cls(*(0 for _ in shape), *shape)

    @classmethod
    def around(cls, mask: torch.Tensor) -> Box:
        """The smallest box that holds every true element of a mask; all of the image where none is.

        Example:
            >>> Box.around(torch.eye(5)[:, 1:3] > 0)
            Box(y0=1, x0=0, y1=3, x1=2)
        """
        places = torch.nonzero(mask)
        if not len(places):
            return cls.whole(mask.shape)
        return cls(*places.amin(0).tolist(), *(places.amax(0) + 1).tolist())

    @property
    def start(self) -> tuple[int, ...]:
        """First element along every axis."""
        return tuple(self[: len(self) // 2])

    @property
    def stop(self) -> tuple[int, ...]:
        """First element behind the crop along every axis."""
        return tuple(self[len(self) // 2 :])

    @property
    def shape(self) -> tuple[int, ...]:
        """Elements along every axis."""
        return tuple(stop - start for start, stop in zip(self.start, self.stop, strict=True))

    @property
    def slices(self) -> tuple[slice, ...]:
        """Slices of the crop, one an axis."""
        return tuple(slice(start, stop) for start, stop in zip(self.start, self.stop, strict=True))

    @property
    def y0(self) -> int:
        """First row."""
        return self.start[-2]

    @property
    def x0(self) -> int:
        """First column."""
        return self.start[-1]

    @property
    def y1(self) -> int:
        """Row behind the last."""
        return self.stop[-2]

    @property
    def x1(self) -> int:
        """Column behind the last."""
        return self.stop[-1]

    def shifted(self, *by: int) -> Box:
        """The same crop, moved along every axis.

        Example:
            >>> Box(0, 0, 2, 3).shifted(10, 20)
            Box(y0=10, x0=20, y1=12, x1=23)
        """
        return Box(*(edge + step for edge, step in zip(self, (*by, *by), strict=True)))

    def grown(self, margin: int, shape: tuple[int, ...] | torch.Size) -> Box:
        """The crop with a margin on every side, within an image of this shape.

        Example:
            >>> Box(1, 5, 4, 8).grown(2, (10, 9))
            Box(y0=0, x0=3, y1=6, x1=9)
        """
        stops = (min(stop + margin, size) for stop, size in zip(self.stop, shape, strict=True))
        return Box(*(max(start - margin, 0) for start in self.start), *stops)

    def __getnewargs__(self) -> tuple[int, ...]:
        """Pickled as its edges."""
        return tuple(self)

    def __repr__(self) -> str:
        """With the names of its edges."""
        names = {4: PLANE, 6: SPACE}.get(len(self), tuple(f"edge{k}" for k in range(len(self))))
        return f"Box({', '.join(f'{name}={edge}' for name, edge in zip(names, self, strict=True))})"
