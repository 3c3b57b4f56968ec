"""Which films a run reads: a folder, a MONAI datalist, or one film."""

from __future__ import annotations

from pathlib import Path

from monai_cars.echo import echo
from monai_cars.files.formats import SUFFIXES, looks_like_a_film
from monai_cars.synthesis.items import TRAINING, in_datalist
from monai_cars.synthesis.source import EMBEDDED, Source, SourceError, embedded

__all__ = ["EMBEDDED", "Source", "SourceError", "find_sources"]


def find_sources(dataset: str | Path, *, data_list_key: str = TRAINING, image_key: str = "image") -> list[Source]:
    """The films in `dataset`, sorted by name.

    Args:
        dataset: a folder (searched with its subfolders), a MONAI datalist (``.json``), one film, or ``pydicom:FILE``
            for a film that the package pydicom-data ships. In a folder a film is told by its name's suffix or by its
            first bytes, whatever its name; `left_out` names the others.
        data_list_key: the datalist's section. Only ``"training"`` is edited: counterfactuals of validation or test
            films would leak them into training.
        image_key: where an item of the datalist has its film.

    Raises:
        SourceError: nothing is there, the datalist is malformed, or another section than training is asked for.

    Example:
        >>> from monai_cars.synthesis import find_sources
        >>> [source.name for source in find_sources("pydicom:RG1_UNCR.dcm")]
        ['RG1_UNCR.dcm']
    """
    if data_list_key != TRAINING:
        raise SourceError(
            f"data_list_key must be 'training', got {echo(data_list_key)}: counterfactuals of validation or test films "
            "would leak them into training; move the films that may be edited into 'training'"
        )
    path = Path(dataset)
    if str(dataset).startswith(EMBEDDED):
        return [Source(embedded(str(dataset)), str(dataset).removeprefix(EMBEDDED))]
    if path.is_dir():
        return _in_folder(path)
    if path.suffix == ".json" and path.is_file():
        return in_datalist(path, image_key)
    if path.is_file():
        return [Source(path, path.name)]
    raise SourceError(f"dataset_dir {str(dataset)!r} must be a folder, a datalist (.json) or a film, got nothing there")


def left_out(dataset: str | Path) -> list[str]:
    """Files of a folder that are no films, neither by their name nor by their first bytes; of anything else none.

    Links to other folders, which are not followed, and what is no file at all (a pipe) are among them.

    Args:
        dataset: as `find_sources` takes it.

    Returns:
        Their paths inside the folder, sorted.
    """
    folder = Path(dataset)
    return [path.relative_to(folder).as_posix() for path in _files(folder) if not _is_film(path)]


def _in_folder(folder: Path) -> list[Source]:
    paths = [path for path in _files(folder) if _is_film(path)]
    if not paths:
        raise SourceError(
            f"dataset_dir {str(folder)!r} must hold films ({', '.join(SUFFIXES)}), got a folder without any"
        )
    return [Source(path, path.relative_to(folder).as_posix()) for path in paths]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if _is_file(path)) if folder.is_dir() else []


def _is_file(path: Path) -> bool:
    """Whether this is for `_is_film` to judge: everything but the folders that are searched."""
    try:
        return not path.is_dir() or path.is_symlink()
    except OSError:  # nobody may look: reading it says so, and it is listed
        return True


def _is_film(path: Path) -> bool:
    if path.name.startswith(".") or path.name.upper() == "DICOMDIR":  # the table of contents of a disc of films
        return False
    try:
        if path.exists() and not path.is_file():  # a link to a folder; a pipe, which would have to be waited for
            return False
        return path.name.lower().endswith(SUFFIXES) or looks_like_a_film(path)
    except OSError:  # it may be a film: reading it says what is wrong, and it is listed
        return True
