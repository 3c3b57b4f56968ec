"""Everything about a film but its pixels, and the one error that refuses a file."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from monai_cars.echo import cause, echo, printable


class RadiographError(ValueError):
    """A file or an image that is refused; the message names the file, the rule, the value got and the remedy.

    It is one line, whatever the file is called.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


@dataclass(frozen=True)
class Header:
    """What is known about a film besides its pixels. Round trips through one JSON string.

    Args:
        source: path as given, "memory" when made from a tensor.
        sha256: of the file's bytes (of the tensor's bytes for "memory"), hexadecimal.
        format: "dicom", "png", "jpeg", "nifti" or "tensor".
        polarity: +1 or -1; ``image = polarity * stored``.
        bits: bits per stored value, 0 for floating-point data.
        integer: stored values are integers, so whoever writes pixels rounds.
        low: least value of ``image`` that can be stored (after polarity).
        high: greatest value of ``image`` that can be stored (after polarity).
        spacing: millimetres per pixel (row, column) in the patient, of a volume (slice, row, column), or None.
        spacing_source: "PixelSpacing", "ImagerPixelSpacing/1.1" (divided by the magnification), "pixdim", "datalist",
            "estimated" or "unknown".
        view: "PA", "AP" or None when the file does not say.
        position: "erect", "supine" or None when the file does not say.
        age: years, None when unknown.
        sex: "M", "F", "O" or None.
        lossy: the pixels went through a lossy compression before they came here.
        axes: how the film lies in its array, see `monai_cars.edits.axes.Axes`; "HW" is rows first, as a person looks at
            it.
        segmenter: who made the masks that came with the film, empty when nobody says.
        laterality: by whom the patient's sides are known, one of `monai_cars.edits.axes.LATERALITIES`.
        padding: least and greatest value of ``image`` that the file says is padding, which shows nothing; None where
            it says nothing of that. `monai_cars.files.padding` tells which pixels that means.
        aspect: height of a pixel over its width; of a film with a spacing, the spacing tells.
        notes: what was assumed or left out when the file was read, for people.

    Example:
        >>> header = Header(source="memory", sha256="", format="tensor")
        >>> Header.from_json(header.to_json()) == header
        True
    """

    source: str
    sha256: str
    format: str
    polarity: int = 1
    bits: int = 0
    integer: bool = False
    low: float = 0.0
    high: float = 1.0
    spacing: tuple[float, ...] | None = None
    spacing_source: str = "unknown"
    view: str | None = None
    position: str | None = None
    age: float | None = None
    sex: str | None = None
    lossy: bool = False
    axes: str = "HW"
    segmenter: str = ""
    laterality: str = "assumed"
    padding: tuple[float, float] | None = None
    aspect: float = 1.0
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the header as one JSON string, the form in which it rides in ``MetaTensor.meta``."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Header":
        """Read a header back from ``to_json``.

        Raises:
            RadiographError: when the text is not a header.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            spacing = values.get("spacing")
            values["spacing"] = None if spacing is None else tuple(float(size) for size in spacing)
            padding = values.get("padding")
            values["padding"] = None if padding is None else (float(padding[0]), float(padding[1]))
            values["notes"] = tuple(str(note) for note in values.get("notes", ()))
            return cls(**values)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            raise RadiographError(
                f"meta['radiograph'] must be the JSON that Header.to_json wrote (got {echo(str(text))}: {cause(error)})"
                "; load the film with LoadRadiograph or RadiographReader"
            ) from error
