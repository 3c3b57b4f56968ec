"""One film in eight orientations, each told by another source or by none: where does a lesion land, by both faces?

The truth is the upright film, whose lungs are segmented once. A case lays it down, says so (or not), asks for a nodule
in one lung, and lays the lesion back.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from film_builders import dicom
from monai.data import ITKReader, MetaTensor, NibabelReader, PILReader, PydicomReader
from monai.transforms import Compose, EnsureChannelFirstd, Flipd, LoadImaged, Rotate90d
from monai.utils import optional_import
from PIL import Image

from monai_cars.edits.axes import ORDERS, TURNS, from_standard, to_standard
from monai_cars.edits.record import read_record
from monai_cars.files.header import RadiographError
from monai_cars.files.sides import EXIF_OF, LETTERS_OF, affine_of_film
from monai_cars.modality import Segmenter
from monai_cars.synthesis import Synthesis
from monai_cars.transforms import InsertFindingd, LoadRadiographd, SegmentAnatomyd

SIDES = ("right", "left")
UIDS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")  # the file's bytes decide every draw
SEEDS = 3  # a nodule may find no place at first, which says nothing of sides
Chain = list


@dataclass(frozen=True)
class Case:
    """A way for a film to come in.

    Args:
        source: who says how it lies.
        order: how it lies, one of `ORDERS`.
        face: "chain" or "run".
        told: somebody says how it lies, or it lies as nobody needs to say: a lesion in the other lung is a fault. Else
            the film is a mirrored one of which nothing is known: its heart alone may speak.
        load: a folder and the laid film (H, W) uint8 -> the transforms that load it, and the path.
    """

    source: str
    order: str
    face: str
    told: bool
    load: Callable[[Path, np.ndarray], tuple[Chain, Path]]


def _files(folder: Path, laid: np.ndarray, kind: str, order: str, said: bool) -> Path:
    """The laid film as a file of a kind, which says how it lies or says nothing."""
    path = folder / f"film.{kind}"
    picture = Image.fromarray(laid)
    if kind == "dcm":
        letters = list(LETTERS_OF[order]) if said else ""
        return dicom(path, laid, 8, PatientOrientation=letters, **dict.fromkeys(UIDS, "2.25.1"))
    if kind in ("png", "jpg"):
        exif = Image.Exif()
        exif[0x0112] = EXIF_OF[order]
        picture.save(path, **({"exif": exif} if said else {}), **({"quality": 95} if kind == "jpg" else {}))
        return path
    affine = affine_of_film(order, 1.0, 1.0) if said else np.eye(4)
    if kind == "picture.nii":  # rows to the back, as writers of pictures have it
        to_back = affine_of_film(order, 1.0, 1.0)
        affine = to_back if order == "HW" else to_back[[0, 2, 1, 3]]
    nib.save(nib.Nifti1Image(laid.T, affine), path)
    return path


def _own(kind: str, order: str, said: bool, folder: Path, laid: np.ndarray) -> tuple[Chain, Path]:
    return [LoadRadiographd("image")], _files(folder, laid, kind, order, said)


def _monais(reader: type, kind: str, order: str, said: bool, folder: Path, laid: np.ndarray) -> tuple[Chain, Path]:
    return [LoadImaged("image", reader=reader), EnsureChannelFirstd("image")], _files(folder, laid, kind, order, said)


def _steps(order: str) -> Chain:
    """Flips and quarter turns that lay an upright film (H, W) down."""
    steps: Chain = {
        "HW": [],
        "HW-flip": [Flipd("image", 1)],
        "HW-upside": [Flipd("image", 0)],
        "HW-turn": [Rotate90d("image", k=2)],
        "WH": [Rotate90d("image", k=1), Flipd("image", 0)],
        "WH-flip": [Rotate90d("image", k=1)],
        "WH-upside": [Rotate90d("image", k=3)],
        "WH-turn": [Rotate90d("image", k=3), Flipd("image", 0)],
    }[order]
    return steps


def without_metadata(sample: dict) -> dict:
    """The sample as a cache gives it back: plain tensors, and the header beside the image."""
    image = sample["image"]
    return {**sample, "image": image.as_tensor() if isinstance(image, MetaTensor) else image}


def without_anything(sample: dict) -> dict:
    """The bare image."""
    return {"image": without_metadata(sample)["image"]}


LEFT: dict[str, Chain] = {"metadata": [], "header alone": [without_metadata], "nothing": [without_anything]}
"""What is left of what was known of an image after it was flipped and turned."""


def _augmented(reader: type | None, after: Chain, order: str, folder: Path, upright: np.ndarray) -> tuple[Chain, Path]:
    load, path = (
        _own("dcm", "HW", True, folder, upright)
        if reader is None
        else _monais(reader, "png", "HW", False, folder, upright.T)  # its reader transposes back
    )
    return [*load, *_steps(order), *after], path


def cases() -> Iterator[Case]:
    """Every source in every orientation through every face that takes it."""
    kinds = {"PatientOrientation": "dcm", "EXIF in JPEG": "jpg", "eXIf in PNG": "png", "coronal affine": "nii"}
    silent = {"silent PNG": "png", "silent DICOM": "dcm", "identity affine": "nii"}
    for order in ORDERS:
        turned = order in TURNS
        for face in ("chain", "run"):
            for source, kind in kinds.items():
                yield Case(source, order, face, True, partial(_own, kind, order, True))
            yield Case("affine of a picture", order, face, True, partial(_own, "picture.nii", order, True))
            for source, kind in silent.items():
                yield Case(source, order, face, turned, partial(_own, kind, order, False))
        yield Case("PILReader, silent PNG", order, "chain", turned, partial(_monais, PILReader, "png", order, False))
        yield Case("PILReader, EXIF", order, "chain", True, partial(_monais, PILReader, "jpg", order, True))
        yield Case("PydicomReader", order, "chain", True, partial(_monais, PydicomReader, "dcm", order, True))
        yield Case("NibabelReader", order, "chain", True, partial(_monais, NibabelReader, "nii", order, True))
        if optional_import("itk")[1]:
            yield Case("ITKReader", order, "chain", True, partial(_monais, ITKReader, "dcm", order, True))
        for reader, name in ((None, "LoadRadiographd"), (PILReader, "PILReader")):
            for meta, after in LEFT.items():
                source = f"{name}, flips and turns, {meta}"
                yield Case(source, order, "chain", not after, partial(_augmented, reader, after, order))


@dataclass(frozen=True)
class Outcome:
    """What became of a case: "right", "wrong" or "refused", why, and what the record says of the sides."""

    became: str
    reason: str = ""
    laterality: str | None = None


def try_case(case: Case, film: np.ndarray, lungs: torch.Tensor, side: str, segmenter: Segmenter) -> Outcome:
    """Ask for a nodule in one lung.

    Args:
        case: how the film comes in.
        film: (H, W) uint8, upright.
        lungs: (2, H, W) its right and left lung.
        side: the patient's.
        segmenter: of the chain and the run.
    """
    laid = from_standard(torch.from_numpy(film)[None], case.order)[0].contiguous().numpy()
    augmented = "flips and turns" in case.source
    try:
        lesion, entry = _edited(case, film if augmented else laid, side, segmenter)
    except RadiographError as refusal:
        return Outcome("refused", str(refusal))
    if not entry["accepted"]:
        return Outcome("refused", entry["reason"], entry["laterality"])
    array = "WH" if "Reader" in case.source else "HW"  # how MONAI's readers lay down what they read
    upright = _back(lesion, case.order, film.shape, array, augmented)
    share = [float((upright & (lung > 0)).sum()) for lung in lungs]
    return Outcome("right" if SIDES[int(share[1] > share[0])] == side else "wrong", "", entry["laterality"])


def _edited(case: Case, array: np.ndarray, side: str, segmenter: Segmenter) -> tuple[torch.Tensor, dict]:
    """The lesion (H, W) bool as the film lies, and the entry of the record."""
    for seed in range(SEEDS):
        edit = {"finding": "nodule", "side": side, "severity": 0.6, "seed": seed}
        with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            folder = Path(name, "films")
            folder.mkdir()
            load, path = case.load(folder, array)
            if case.face == "run":
                lesion, entry = _run(Path(name), path, edit, segmenter)
            else:
                lesion, entry = _chain(load, path, edit, segmenter)
        if entry["accepted"] or entry["laterality"] == "doubtful":
            break
    return lesion, entry


def _back(lesion: torch.Tensor, order: str, shape: tuple[int, ...], array: str, augmented: bool) -> torch.Tensor:
    """The lesion (H, W) bool as the upright film lies."""
    if not augmented:
        lesion = to_standard(lesion, array)
    back = to_standard(lesion, order)
    assert back.shape == shape
    return back


def _chain(load: Chain, path: Path, edit: dict, segmenter: Segmenter) -> tuple[torch.Tensor, dict]:
    steps = [*load, SegmentAnatomyd("image", segmenter=segmenter), InsertFindingd("image", **edit)]
    done = _unwrapped(Compose(steps), {"image": str(path)})
    return (torch.as_tensor(done["lesion"])[0] > 0), read_record(done["counterfactual"])["edits"][-1]


def _unwrapped(chain: Compose, sample: dict) -> dict:
    """MONAI wraps what a transform raises; a refusal is handed on as itself."""
    try:
        done: dict = chain(sample)
        return done
    except RuntimeError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, RadiographError):
            cause = cause.__cause__
        raise (cause or error) from error


def _run(folder: Path, path: Path, edit: dict, segmenter: Segmenter) -> tuple[torch.Tensor, dict]:
    run = Synthesis(
        dataset=path,
        output_dir=folder / "run",
        edits=[{"operation": "insert", **edit}],
        segmenter=segmenter,
        profile="cheap",
        progress=False,
    ).run()
    if run.skipped:
        raise RadiographError(run.skipped[0]["reason"])
    [line] = run.lines
    if not line["accepted"]:
        return torch.zeros(0), line
    with Image.open(folder / "run" / line["lesion"]) as mask:
        return torch.from_numpy(np.array(mask)) > 0, line
